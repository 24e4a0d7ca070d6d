/**
 * Repeats a pass until its signal aborts. A pass that fails is reported as an event and tried again. The
 * pauses grow while passes fail in a row. The first success after failures is reported too. A pass that had
 * nothing to do counts as neither a failure nor a success.
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

/**
 * How a pass ended that did not fail. Done: the pause that it asks for, if any. `"skipped"`: the pass had
 * nothing to do, so it proves nothing.
 */
export type PassResult = number | void | "skipped";

/**
 * The longest pause after failures, in ms. Pauses double from the interval up to this. A loop with a longer
 * interval starts at this and doubles up to its interval. Ours: leases wait for this long after an outage is
 * over.
 */
const MAX_PAUSE_MS = 3_000;

/** Runs passes until the signal aborts, and waits for the pass under way. */
export async function loop(
  options: LoopOptions,
  work: (signal: AbortSignal) => Promise<PassResult>,
  signal: AbortSignal,
): Promise<void> {
  const { pass, intervalMs, clock, emit, bell = new Bell() } = options;
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs = intervalMs;
    const startedMs = clock.monotonicMs();
    try {
      const result = await work(signal);
      emit({
        type: "passEnded",
        pass,
        ms: clock.monotonicMs() - startedMs,
        isSkipped: result === "skipped",
      });
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

/** The pause after this many failures in a row: see {@linkcode MAX_PAUSE_MS}. */
function retryMs(intervalMs: number, failures: number): number {
  const [least, most] = intervalMs < MAX_PAUSE_MS ? [intervalMs, MAX_PAUSE_MS] : [MAX_PAUSE_MS, intervalMs];
  return Math.min(most, least * 2 ** (failures - 1));
}
