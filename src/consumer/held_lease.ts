/**
 * A lease that this worker holds, as its consumer sees it: a contract. The worker keeps it renewed; the
 * consumer watches its two signals and writes its checkpoints.
 *
 * One `HeldLease` stands for one acquisition. A lease that is lost and gained again is a new object with a
 * new consumer. Nothing done through the old object reaches the table any more.
 *
 * @module
 */

import type { Lease } from "../lease/lease.ts";
import type { LeaseStore, WriteOutcome } from "../lease/lease_store.ts";
import type { LeaseWrite } from "../lease/lease_write.ts";
import type { Processed } from "../shard_lag.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";

/** Records that were processed: a batch, or none of a page that left nothing to process. */
export interface ProcessedRecords extends Processed {
  readonly records: number;
}

/** Where a shard's deliveries note what they have done, for the lease's `progress`. */
export interface ProgressNotes {
  note(done: ProcessedRecords): void;
}

/**
 * Applies a lease write in a way of its own. Undefined: it surely was not applied, for a reason that is not
 * the lease's. When it throws, it is not known whether it was applied.
 */
export type AppliedBy = (
  write: LeaseWrite,
  lease: Lease,
  store: LeaseStore,
  signal: AbortSignal,
) => Promise<WriteOutcome | undefined>;

/** The time in which no other write to the lease is made. */
export interface LeaseTurn {
  /** Whether it is not known if the last write was applied. */
  readonly isUnsure: () => boolean;
  /**
   * Applies one write. An answer that was lost before is recognised, and so is a handoff that has begun.
   *
   * @param build From the lease as the table confirmed it last; called again when that was not the latest.
   * @throws {LeaseLostError} when the lease is lost.
   */
  readonly write: (build: (lease: Lease) => LeaseWrite, by?: AppliedBy) => Promise<void>;
}

/** One acquisition of a lease. */
export interface HeldLease {
  readonly leaseKey: string;
  readonly shardId: string;
  /**
   * The lease's counter at this acquisition. Every acquisition begins with a write that adds to the counter,
   * and that the table refuses if the counter has changed since it was read. Nothing ever subtracts from the
   * counter. So the later of two acquisitions has the greater number, whatever the owners' programs and
   * clocks, as long as the item is not deleted.
   */
  readonly fencingToken: number;
  /** As last confirmed by the table: a write that failed leaves it alone. */
  readonly lease: Lease;
  /**
   * Aborts when the lease is no longer ours; its reason is a `LeaseLostError`. Stop delivering immediately.
   */
  readonly lost: AbortSignal;
  /**
   * Aborts when the shard is to be left in order: finish the batch at hand, say so to the processor, hand
   * over.
   */
  readonly drain: AbortSignal;
  /**
   * Aborts when a callback should return: with `lost`, and in a slice also when the slice's time is nearly
   * over. The lease may still be ours then. @default the same as `lost`
   */
  readonly callbackSignal?: AbortSignal | undefined;
  /**
   * Makes sure that the lease is ours. It may have expired by the clock: the process was paused, or a
   * processor blocked the event loop. Then it is renewed first, on the condition that no other worker took
   * it. Called before anything is begun.
   *
   * @throws {LeaseLostError} when it is no longer ours, or that cannot be found out.
   */
  ensureHeld(): Promise<void>;
  /**
   * Stores a checkpoint; serialised with renewals. If the lease has expired by the clock, the checkpoint is
   * stored as long as no other worker took the lease.
   *
   * @param finishedAhead Which records after `at` are finished, for the next owner; see
   * `Lease.finishedAhead`.
   * @throws {LeaseLostError} when the lease is lost.
   * @throws {AwsServiceError} when the table could not be written; `lease` then still has the last confirmed
   * state.
   */
  checkpoint(at: ExtendedSequenceNumber, finishedAhead?: string): Promise<void>;
  /**
   * Announces a later checkpoint, with bytes for the next processor of the shard. Serialised, and throws, as
   * `checkpoint`.
   */
  prepareCheckpoint(at: ExtendedSequenceNumber, state: Uint8Array | undefined): Promise<void>;
  /** Runs what writes to the lease in a way of its own; serialised, throws, as `checkpoint`. */
  inTurn(work: (turn: LeaseTurn) => Promise<void>): Promise<void>;
  /** Notes the children of the ended shard in its lease; serialised, throws, as `checkpoint`. */
  setChildShardIds(childShardIds: readonly string[]): Promise<void>;
  /** Gives the lease away in order, to the worker that shall have it next. Does nothing once it is lost. */
  handOver(): Promise<void>;
  /** Gives the lease up: some worker, maybe this one, will start again from the checkpoint. */
  giveUp(): Promise<void>;
  /** Counts payload bytes handed to the processor, for the load that a leader balances by. */
  countBytes(bytes: number): void;
  /** What is noted here goes into the lease with its next renewal or checkpoint. */
  readonly progress: ProgressNotes;
}
