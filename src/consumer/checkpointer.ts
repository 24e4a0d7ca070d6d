/**
 * Keeps the rules of a checkpoint. A position is valid when `last ≤ at ≤ largest delivered`. Nothing is
 * written twice. At the end of a shard the last record's position means SHARD_END.
 *
 * The one thing to get wrong is the order. KCL compares with the last checkpoint before it maps to SHARD_END.
 * So a processor that had already checkpointed the last record could never end its shard. Here the mapping
 * comes first.
 *
 * Source: KCL 3.5.1, `ShardRecordProcessorCheckpointer`.
 *
 * @module
 */

import { LeaseLostError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import {
  compare,
  excerptOf,
  type ExtendedSequenceNumber,
  isSequenceNumber,
  isShardEnd,
  SHARD_END,
  textOf,
} from "../stream/sequence_number.ts";
import type { Clock } from "../system.ts";
import type { HeldLease } from "./held_lease.ts";
import type { PreparedCheckpoint } from "./record_processor.ts";

/**
 * The most bytes of a prepared checkpoint's state: an item of DynamoDB holds 400 KB, and the lease needs some
 * of it.
 */
const MAX_STATE_BYTES = 300 * 1024;

/**
 * Says which records after a position are finished, as text for the lease; undefined if none is. Not asked
 * about SHARD_END.
 */
export type FinishedAhead = (at: ExtendedSequenceNumber) => string | undefined;

/** Stores a position in a way of its own. @param isStored Whether it is the last checkpoint already. */
export type StoredBy = (
  at: ExtendedSequenceNumber,
  finishedAhead: string | undefined,
  isStored: boolean,
) => Promise<void>;

/** The checkpoint state of one processor. */
export class Checkpointer {
  readonly #held: HeldLease;
  readonly #clock: Clock;
  readonly #emit: WorkerEventListener;
  #last: ExtendedSequenceNumber;
  #largest: ExtendedSequenceNumber;
  #isAtShardEnd = false;
  #finishedAhead: FinishedAhead | undefined;
  /** Calls wait for one another, in the order in which they were made. */
  #queue: Promise<void> = Promise.resolve();

  constructor(held: HeldLease, clock: Clock, emit: WorkerEventListener) {
    this.#held = held;
    this.#clock = clock;
    this.#emit = emit;
    this.#last = held.lease.checkpoint;
    this.#largest = held.lease.checkpoint;
  }

  /** The last position that the table has confirmed. */
  get last(): ExtendedSequenceNumber {
    return this.#last;
  }

  /** The largest position that may be checkpointed. */
  get largest(): ExtendedSequenceNumber {
    return this.#largest;
  }

  /** The processor goes on at a position of its own, before or after that of the lease. */
  startAt(own: ExtendedSequenceNumber): void {
    this.#last = this.#largest = own;
  }

  /** Everything up to `at` is about to be handed to the processor. */
  delivering(at: ExtendedSequenceNumber): void {
    if (compare(at, this.#largest) > 0) this.#largest = at;
  }

  /**
   * A delivery failed and will be repeated: the part of it that was not checkpointed counts as not delivered.
   */
  undeliver(largestBefore: ExtendedSequenceNumber): void {
    this.#largest = compare(largestBefore, this.#last) < 0 ? this.#last : largestBefore;
  }

  /**
   * From now on each checkpoint stores what this says with it. A checkpoint at the last one is stored again
   * if that has changed.
   */
  storeAhead(finishedAhead: FinishedAhead): void {
    this.#finishedAhead = finishedAhead;
  }

  /** From now on a bare checkpoint, or one at the last record, means the end of the shard. */
  reachShardEnd(): void {
    this.#isAtShardEnd = true;
  }

  /**
   * Stores a position; see `ShardContext.checkpoint`.
   *
   * @param by How it is stored. Then it is stored at the last position too. @default {the hold's checkpoint}
   * @throws {RangeError} when `at` is out of range, TypeError when it is no position at all.
   */
  checkpoint(at?: ExtendedSequenceNumber, by?: StoredBy): Promise<void> {
    const turn = this.#queue.then(() => this.#store(at, by));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /**
   * Announces a position; see `ShardContext.prepareCheckpoint`.
   *
   * @throws {RangeError} when `at` is out of range or the state too large, TypeError when one of them has a
   * wrong type.
   */
  prepare(
    at: ExtendedSequenceNumber | undefined,
    state: Uint8Array | undefined,
  ): Promise<PreparedCheckpoint> {
    const turn = this.#queue.then(() => this.#prepare(at, state));
    this.#queue = turn.then(() => {}, () => {});
    return turn;
  }

  async #prepare(
    at: ExtendedSequenceNumber | undefined,
    state: Uint8Array | undefined,
  ): Promise<PreparedCheckpoint> {
    this.#checkState(state);
    const target = this.#target(at);
    if (compare(target, this.#last) === 0) return { at: target, checkpoint: () => Promise.resolve() };
    await this.#write(target, () => this.#held.prepareCheckpoint(target, state));
    return { at: target, checkpoint: () => this.checkpoint(target) };
  }

  async #store(at: ExtendedSequenceNumber | undefined, by: StoredBy | undefined): Promise<void> {
    const target = this.#target(at);
    const ahead = isShardEnd(target) ? undefined : this.#finishedAhead?.(target);
    const isStored = compare(target, this.#last) === 0;
    if (isStored && by === undefined && !this.#isNews(ahead)) return;
    const startedMs = this.#clock.monotonicMs();
    await this.#write(
      target,
      () => by === undefined ? this.#held.checkpoint(target, ahead) : by(target, ahead, isStored),
    );
    this.#last = target;
    const { leaseKey, shardId } = this.#held;
    const ms = this.#clock.monotonicMs() - startedMs;
    this.#emit({ type: "checkpointed", leaseKey, shardId, at: target, ms });
  }

  #isNews(ahead: string | undefined): boolean {
    return this.#finishedAhead !== undefined && ahead !== this.#held.lease.finishedAhead;
  }

  async #write(at: ExtendedSequenceNumber, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const { leaseKey, shardId } = this.#held;
      if (!(error instanceof LeaseLostError)) {
        this.#emit({ type: "checkpointFailed", leaseKey, shardId, at, error });
      }
      throw error;
    }
  }

  #target(at: ExtendedSequenceNumber | undefined): ExtendedSequenceNumber {
    if (at === undefined) return this.#isAtShardEnd ? SHARD_END : this.#largest;
    const named = { sequenceNumber: at.sequenceNumber, subSequenceNumber: at.subSequenceNumber ?? 0 };
    this.#checkShape(named);
    const target = this.#isWithinLast(named) ? this.#last : named;
    this.#checkRange(target);
    return this.#isAtShardEnd && compare(target, this.#largest) >= 0 ? SHARD_END : target;
  }

  /**
   * Whether a position further inside the aggregate that begins at `target` is checkpointed already. A
   * sequence number alone means the first user record of its aggregate. Some programs checkpoint it after
   * each batch, and an aggregate may come in several batches.
   */
  #isWithinLast(target: ExtendedSequenceNumber): boolean {
    return this.#last.subSequenceNumber > 0 &&
      compare(target, { ...this.#last, subSequenceNumber: 0 }) === 0;
  }

  #checkState(state: Uint8Array | undefined): void {
    const cannot = `Cannot prepare a checkpoint of shard ${this.#held.shardId}`;
    if (state !== undefined && !(state instanceof Uint8Array)) {
      throw new TypeError(`${cannot}: expected the state as a Uint8Array: got ${typeof state}`);
    }
    if (state !== undefined && state.length > MAX_STATE_BYTES) {
      throw new RangeError(`${cannot}: its state must be <= ${MAX_STATE_BYTES} bytes: got ${state.length}`);
    }
  }

  #checkShape(target: ExtendedSequenceNumber): void {
    const cannot = `Cannot checkpoint shard ${this.#held.shardId}`;
    if (typeof target.sequenceNumber !== "string" || !isSequenceNumber(target.sequenceNumber)) {
      throw new TypeError(
        `${cannot}: expected a sequence number as decimal text of at most 129 digits: got ${
          excerptOf(target.sequenceNumber)
        }`,
      );
    }
    if (!Number.isInteger(target.subSequenceNumber) || target.subSequenceNumber < 0) {
      throw new RangeError(
        `${cannot}: subSequenceNumber must be an integer >= 0: got ${target.subSequenceNumber}`,
      );
    }
  }

  #checkRange(target: ExtendedSequenceNumber): void {
    const cannot = `Cannot checkpoint shard ${this.#held.shardId}`;
    const upper = this.#isAtShardEnd ? SHARD_END : this.#largest;
    if (compare(target, this.#last) < 0 || compare(target, upper) > 0) {
      throw new RangeError(
        `${cannot}: expected a position from the last checkpoint ${
          textOf(this.#last)
        } to the last record delivered ` +
          `${textOf(this.#largest)}: got ${
            isShardEnd(target) ? "SHARD_END before the end of the shard" : textOf(target)
          }`,
      );
    }
  }
}
