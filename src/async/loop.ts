/**
 * Repeats a pass until its signal aborts. A pass that fails is reported as an event and tried again; the pauses grow while
 * it fails in a row. The first success after failures is reported too. A pass that had nothing to do is neither.
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
 * The longest pause after failures, in ms. Pauses double from the interval up to this. A loop with a longer interval starts at
 * this and doubles up to its interval. Ours: leases wait for this long after an outage is over.
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

/** The pause after so many failures in a row: see {@linkcode MAX_PAUSE_MS}. */
function retryMs(intervalMs: number, failures: number): number {
  const [least, most] = intervalMs < MAX_PAUSE_MS ? [intervalMs, MAX_PAUSE_MS] : [MAX_PAUSE_MS, intervalMs];
  return Math.min(most, least * 2 ** (failures - 1));
}
