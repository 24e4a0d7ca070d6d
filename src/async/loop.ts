/**
 * Repeats a pass until told to stop. A pass that fails is told as an event and tried again, more slowly the more
 * often it fails in a row; the first that succeeds again is told too. A pass that had nothing to do is neither.
 *
 * @module
 */

import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import { Bell } from "./bell.ts";

/** One loop of a worker. */
export interface LoopOptions {
  readonly pass: Extract<WorkerEvent, { readonly type: "passFailed" }>["pass"];
  /** The pause between two passes, in ms; a pass may ask for another one by returning it. */
  readonly intervalMs: number;
  /** Cuts a pause short. */
  readonly bell?: Bell;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
}

/** How a pass went that did not fail: done, with the pause that it asks for, or `"skipped"`, which proves nothing. */
export type PassResult = number | void | "skipped";

/**
 * However often it failed, a pass is tried again within this time in ms, or within its interval where that is longer; one that
 * comes rarely, the first time so long after its failure. Ours: it is what leases wait for after an outage is over.
 */
const MAX_PAUSE_MS = 3_000;

/** Runs passes until the signal aborts; the pass under way is waited for. */
export async function loop(
  options: LoopOptions,
  work: (signal: AbortSignal) => Promise<PassResult>,
  signal: AbortSignal,
): Promise<void> {
  const { pass, intervalMs, clock, emit, bell = new Bell() } = options;
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs = intervalMs;
    try {
      const result = await work(signal);
      if (result !== "skipped") {
        pauseMs = result ?? intervalMs;
        if (failures > 0 && !signal.aborted) emit({ type: "passRecovered", pass });
        failures = 0;
      }
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      emit({ type: "passFailed", pass, error });
      pauseMs = retryMs(intervalMs, failures);
    }
    await bell.wait(clock, pauseMs, signal);
  }
}

/** Doubles with each failure in a row: from the interval up to the most, or where the interval is longer, from the most up to it. */
function retryMs(intervalMs: number, failures: number): number {
  const [least, most] = intervalMs < MAX_PAUSE_MS ? [intervalMs, MAX_PAUSE_MS] : [MAX_PAUSE_MS, intervalMs];
  return Math.min(most, least * 2 ** (failures - 1));
}
