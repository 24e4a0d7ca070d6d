/**
 * Remembers, by lease, what failed before: a fresh processor, or a lease that was lost and gained again, must
 * not start the count of attempts anew. A record that was given up before its checkpoint was stored is not
 * given up a second time.
 *
 * Bounded: {@linkcode MOST_PIECES} pieces and {@linkcode MOST_GIVEN_UP} records of a lease, and as many
 * leases as `StreaksByLease` has. What is forgotten is tried again, or becomes a second dead letter.
 *
 * @module
 */

import { MOST_LEASES } from "../consumer/streaks.ts";
import type { Lease } from "../lease/lease.ts";
import { RecentMap } from "../recent_map.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";

/** More pieces than the bisecting of some hundred batches needs. Ours. */
export const MOST_PIECES = 2000;
/** Records that were given up and lie beyond the stored checkpoint: some 2 MB. Ours. */
export const MOST_GIVEN_UP = 10_000;

/** What is remembered of records that failed together. */
export interface FailedPiece {
  /** How many records. */
  readonly count: number;
  readonly last: ExtendedSequenceNumber;
  readonly failures: number;
  readonly calls: number;
  readonly error: unknown;
}

/** What is remembered of one lease. */
export class ShardAttempts {
  readonly #pieces = new RecentMap<string, FailedPiece>(MOST_PIECES);
  readonly #givenUp = new RecentMap<string, ExtendedSequenceNumber>(MOST_GIVEN_UP);
  #start: ExtendedSequenceNumber;

  constructor(checkpoint: ExtendedSequenceNumber) {
    this.#start = checkpoint;
  }

  /** A delivery begins at this checkpoint. One that was set back starts over. */
  begin(checkpoint: ExtendedSequenceNumber): void {
    const isBack = compare(checkpoint, this.#start) < 0;
    this.#start = checkpoint;
    this.#pieces.keep((_, piece) => !isBack && compare(piece.last, checkpoint) > 0);
    this.#givenUp.keep((_, at) => !isBack && compare(at, checkpoint) > 0);
  }

  /** The piece that begins with this record; undefined: its first call. */
  pieceAt(first: ExtendedSequenceNumber): FailedPiece | undefined {
    return this.#pieces.size === 0 ? undefined : this.#pieces.get(keyOf(first));
  }

  remember(first: ExtendedSequenceNumber, piece: FailedPiece): void {
    this.#pieces.set(keyOf(first), piece);
  }

  forget(first: ExtendedSequenceNumber): void {
    if (this.#pieces.size > 0) this.#pieces.delete(keyOf(first));
  }

  /** These records were given up. */
  giveUp(records: readonly ExtendedSequenceNumber[]): void {
    for (const { sequenceNumber, subSequenceNumber } of records) {
      const at = { sequenceNumber, subSequenceNumber };
      this.#givenUp.set(keyOf(at), at);
    }
  }

  /** Whether the record was given up before. */
  wasGivenUp(record: ExtendedSequenceNumber): boolean {
    return this.#givenUp.size > 0 && this.#givenUp.get(keyOf(record)) !== undefined;
  }
}

/** The attempts of the leases that a worker holds, or held before. */
export class AttemptsByLease {
  readonly #byLease = new RecentMap<string, ShardAttempts>(MOST_LEASES);

  /** What is remembered of a lease, as a delivery begins. */
  of({ leaseKey, checkpoint }: Pick<Lease, "leaseKey" | "checkpoint">): ShardAttempts {
    const attempts = this.#byLease.get(leaseKey) ?? new ShardAttempts(checkpoint);
    this.#byLease.set(leaseKey, attempts);
    attempts.begin(checkpoint);
    return attempts;
  }
}

function keyOf({ sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber): string {
  return `${sequenceNumber}/${subSequenceNumber}`;
}
