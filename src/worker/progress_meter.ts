/**
 * Measures how far one lease's processor is behind, and how many records a second it processes, for the lease
 * itself: see `Lease.progress`.
 *
 * @module
 */

import type { ProcessedRecords, ProgressNotes } from "../consumer/held_lease.ts";
import type { LeaseProgress } from "../lease/lease_progress.ts";
import { agedLagMs, type Behind, behindAfter } from "../shard_lag.ts";
import type { Clock } from "../system.ts";

/** Records are counted for at least this time, in ms: about the pause between two renewals. Ours. */
const MIN_WINDOW_MS = 3000;
/** As that of `Throughput`. */
const WEIGHT_OF_NEWEST = 0.5;

/** A meter for one acquisition of a lease. */
export class ProgressMeter implements ProgressNotes {
  readonly #clock: Clock;
  #behind: Behind | undefined;
  #records = 0;
  #sinceMs: number;
  #average: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  note(done: ProcessedRecords): void {
    this.#records += done.records;
    this.#behind = behindAfter(this.#behind, done, this.#clock.monotonicMs());
  }

  /** What is known now. */
  read(): LeaseProgress {
    const nowMs = this.#clock.monotonicMs();
    return { lagMs: agedLagMs(this.#behind, nowMs), recordsPerSecond: this.#perSecond(nowMs) };
  }

  /** The average over the windows that are over, the newest with half of the weight. */
  #perSecond(nowMs: number): number | undefined {
    const ms = nowMs - this.#sinceMs;
    if (ms < MIN_WINDOW_MS) return this.#average;
    const newest = this.#records * 1000 / ms;
    this.#average = this.#average === undefined
      ? newest
      : WEIGHT_OF_NEWEST * newest + (1 - WEIGHT_OF_NEWEST) * this.#average;
    this.#records = 0;
    this.#sinceMs = nowMs;
    return this.#average;
  }
}
