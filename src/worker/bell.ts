/**
 * Wakes a loop before its time: a loop waits for its interval or for the bell, whichever comes first.
 *
 * @module
 */

import { type Clock, pause } from "../system.ts";

/** One bell; ringing it while nobody waits makes the next wait return at once. */
export class Bell {
  #ring = new AbortController();

  /** Wakes those who wait. */
  ring(): void {
    this.#ring.abort();
  }

  /** Waits `ms`, or until the bell rings. @returns false when `signal` aborted. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
    await pause(clock, ms, AbortSignal.any([signal, this.#ring.signal]));
    if (this.#ring.signal.aborted) this.#ring = new AbortController();
    return !signal.aborted;
  }
}
