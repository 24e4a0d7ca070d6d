/**
 * A worker whose slices a test writes: for tests of adapters.
 *
 * @module
 */

import type { SliceOptions, SliceResult, SliceWorker } from "../../src/edge/mod.ts";

/** A slice that went well and has nothing to say. */
export const QUIET_SLICE: SliceResult = {
  outcome: "caughtUp",
  nextInMs: 5000,
  shards: [],
  requests: 3,
  failures: [],
};

/** What a slice does: gives a result, throws, or runs until the test lets it end. */
export type SliceStep = SliceResult | Error | Promise<SliceResult>;

/** Runs the slices of a script, and then quiet ones. Notes what each was allowed to use. */
export class ScriptedSlices implements SliceWorker {
  readonly given: SliceOptions[] = [];
  readonly #steps: SliceStep[];

  constructor(...steps: readonly SliceStep[]) {
    this.#steps = [...steps];
  }

  async runSlice(options: SliceOptions): Promise<SliceResult> {
    this.given.push(options);
    const step = this.#steps.shift() ?? QUIET_SLICE;
    if (step instanceof Error) throw step;
    return await step;
  }
}
