/**
 * A real clock that runs fast: for tests that talk over real sockets about times that are too long to wait
 * for.
 *
 * @module
 */

import { type Clock, realClock } from "../../src/system.ts";

/** A clock on which `factor` ms pass in each real one. */
export function fastClock(factor: number): Clock {
  const startEpochMs = realClock.epochMs(), startMs = realClock.monotonicMs();
  const passedMs = () => (realClock.monotonicMs() - startMs) * factor;
  return {
    epochMs: () => startEpochMs + passedMs(),
    monotonicMs: passedMs,
    sleep: (ms, signal) => realClock.sleep(ms / factor, signal),
  };
}
