/**
 * Measures the bytes a second that one lease brings, as the leader wants to know it for balancing.
 *
 * Source: KCL 3.5.1, `LeaseStatsRecorder`: KB of 1024 bytes, exponential moving average with weight 0.5, 6
 * decimals.
 *
 * @module
 */

import type { Clock } from "../system.ts";

const WEIGHT_OF_NEWEST = 0.5;

/** A meter for one acquisition of a lease. */
export class Throughput {
  readonly #clock: Clock;
  #bytes = 0;
  #sinceMs: number;
  #average: number | undefined;

  /** @param initialKBps What the previous owner measured. */
  constructor(clock: Clock, initialKBps: number | undefined) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
    this.#average = initialKBps;
  }

  /** Counts payload bytes on their way to the processor. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Adds what was counted since the last call. @returns KB/s; undefined while nothing has ever been measured.
   */
  perSecond(): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const seconds = (nowMs - this.#sinceMs) / 1000;
    if (seconds <= 0) return this.#average;
    const newest = this.#bytes / 1024 / seconds;
    if (this.#average === undefined && newest === 0) return undefined;
    this.#average = this.#average === undefined
      ? newest
      : WEIGHT_OF_NEWEST * newest + (1 - WEIGHT_OF_NEWEST) * this.#average;
    this.#bytes = 0;
    this.#sinceMs = nowMs;
    return Math.round(this.#average * 1e6) / 1e6;
  }
}
