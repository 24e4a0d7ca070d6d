/**
 * Wakes a loop before its time: a loop waits for its interval or for the bell, whichever comes first.
 *
 * It listens by hand instead of by `AbortSignal.any`, of which a signal that lives as long as the worker keeps a trace for each
 * call on some runtimes.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import { pause } from "./waiting.ts";

/** One bell; ringing it while nobody waits makes the next wait return at once. */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #isRung = false;

  /** Wakes those who wait. */
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
