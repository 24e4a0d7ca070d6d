/**
 * Wakes a loop early: a loop waits for its interval or for the bell, whichever is first.
 *
 * The bell adds its own listener instead of using `AbortSignal.any`. On some runtimes a long-lived signal
 * keeps a trace of each such call.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import { pause } from "./waiting.ts";

/** One bell. Ringing it while no loop waits makes the next wait return immediately. */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #isRung = false;

  /** Wakes all loops that wait. */
  ring(): void {
    this.#isRung = this.#waiting.size === 0;
    for (const wake of this.#waiting) wake();
  }

  /** Waits `ms`, or until the bell rings. @returns false when `signal` aborted. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
    const end = new AbortController();
    const wake = () => end.abort();
    if (this.#isRung || signal.aborted) wake();
    this.#isRung = false;
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    await pause(clock, ms, end.signal);
    signal.removeEventListener("abort", wake);
    this.#waiting.delete(wake);
    return !signal.aborted;
  }
}
