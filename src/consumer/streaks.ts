/**
 * Counts the failures in a row on a shard, and how long its consumer rests after them. A streak outlives its
 * consumer. A record that cannot be processed still cannot be after a fresh processor, or after the lease was
 * lost and gained. Only real progress ends a streak: the stored checkpoint, or the position reached, passes
 * the furthest one before.
 *
 * Bounded: a lease is forgotten when its shard is completed or its stream leaves, else when
 * {@linkcode MOST_LEASES} others were gained after it.
 *
 * @module
 */

import type { Lease } from "../lease/lease.ts";
import { RecentMap } from "../recent_map.ts";
import type { ReadStreak } from "../retrieval/retrieval.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { Clock } from "../system.ts";
import { pause } from "../async/waiting.ts";

/** What is counted in a row. */
export type Setback =
  /** A processor could not continue. */
  | "restart"
  /** `processRecords` threw, and the batch will be delivered again. */
  | "batch"
  /** `initialize` threw. */
  | "initialize"
  /** The end of the shard was tried, and is not stored. */
  | "shardEnd";

/** The streaks of one shard. */
export class ShardStreaks {
  /** Of reads; kept by the retrieval. */
  readonly reading: ReadStreak = { failures: 0, repairs: 0 };
  readonly #inARow = new Map<Setback, number>();
  #stored: ExtendedSequenceNumber;
  #reached: ExtendedSequenceNumber;
  #restUntilMs = -Infinity;

  /** @param stored The lease's checkpoint. */
  constructor(stored: ExtendedSequenceNumber) {
    this.#stored = stored;
    this.#reached = stored;
  }

  /**
   * Whether the lease's checkpoint was set back since: by hand, or because the lease was created again. The
   * old counts then do not apply any more.
   */
  isBehind(checkpoint: ExtendedSequenceNumber): boolean {
    return compare(checkpoint, this.#stored) < 0;
  }

  /** The table has confirmed this checkpoint, written by any worker. */
  stored(at: ExtendedSequenceNumber): void {
    if (compare(at, this.#stored) <= 0) return;
    this.#stored = at;
    this.#inARow.clear();
  }

  /** All records up to this one were processed. */
  reached(at: ExtendedSequenceNumber): void {
    if (compare(at, this.#reached) <= 0) return;
    this.#reached = at;
    this.#inARow.clear();
  }

  /** Counts one more. @returns How many there are in a row. */
  count(setback: Setback): number {
    const inARow = (this.#inARow.get(setback) ?? 0) + 1;
    this.#inARow.set(setback, inARow);
    return inARow;
  }

  /** What failed has succeeded. */
  end(setback: Setback): void {
    this.#inARow.delete(setback);
  }

  /** Sets how long the shard must rest, in ms; a later consumer of it rests too. */
  restFor(clock: Clock, ms: number): void {
    this.#restUntilMs = clock.monotonicMs() + ms;
  }

  /** How much of the rest remains, in ms; 0 or less: it is over. */
  restMs(clock: Clock): number {
    return this.#restUntilMs - clock.monotonicMs();
  }

  /** Waits until the rest is over, or the shard is to be left. */
  async rest(clock: Clock, leave: AbortSignal): Promise<void> {
    const ms = this.restMs(clock);
    if (ms > 0) await pause(clock, ms, leave);
  }
}

/** How many leases are remembered, held ones included: some 5 MB. Ours. */
export const MOST_LEASES = 10_000;

/** The streaks of the leases that a worker holds, or held before. */
export class StreaksByLease {
  readonly #byLease = new RecentMap<string, ShardStreaks>(MOST_LEASES);

  /** The streaks of a lease that was just gained. */
  of({ leaseKey, checkpoint }: Pick<Lease, "leaseKey" | "checkpoint">): ShardStreaks {
    const before = this.#byLease.get(leaseKey);
    const streaks = before === undefined || before.isBehind(checkpoint)
      ? new ShardStreaks(checkpoint)
      : before;
    streaks.stored(checkpoint);
    this.#byLease.set(leaseKey, streaks);
    return streaks;
  }

  /** The shard is completed. */
  forget(leaseKey: string): void {
    this.#byLease.delete(leaseKey);
  }

  /** Forgets the leases of streams that have left. */
  keep(isKept: (leaseKey: string) => boolean): void {
    this.#byLease.keep(isKept);
  }
}
