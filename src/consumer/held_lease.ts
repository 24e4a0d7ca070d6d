/**
 * A lease that this worker holds, as its consumer sees it: a contract. The worker keeps it renewed; the consumer
 * watches its two signals and writes its checkpoints.
 *
 * One `HeldLease` stands for one acquisition: a lease that is lost and gained again is a new object with a new
 * consumer, and nothing done through the old one reaches the table any more.
 *
 * @module
 */

import type { Lease } from "../lease/lease.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";

/** One acquisition of a lease. */
export interface HeldLease {
  readonly leaseKey: string;
  readonly shardId: string;
  /**
   * The lease's counter at this acquisition. Every acquisition begins with a write that adds to the counter, and is refused
   * unless the counter is as it was read; nothing ever takes from it. So of two acquisitions the later one has the
   * greater number, whatever the owners' programs and clocks, for as long as the lease's item lives.
   */
  readonly fencingToken: number;
  /** As last confirmed by the table: a write that failed leaves it alone. */
  readonly lease: Lease;
  /** Aborts when the lease is no longer ours; its reason is a `LeaseLostError`. Stop delivering at once. */
  readonly lost: AbortSignal;
  /** Aborts when the shard is to be left in order: finish the batch at hand, say so to the processor, hand over. */
  readonly drain: AbortSignal;
  /**
   * Makes sure that the lease is ours. Where it has expired by the clock (a process that was paused, a processor that kept the
   * event loop to itself) it is renewed first, on the condition that nobody took it. Called before anything is begun.
   *
   * @throws {LeaseLostError} when it is not ours any more, or nobody can say.
   */
  ensureHeld(): Promise<void>;
  /**
   * Stores a checkpoint; serialised with renewals. One of a lease that has expired by the clock is stored if nobody took it.
   *
   * @throws {LeaseLostError} when the lease is gone.
   * @throws {AwsServiceError} when the table could not be written; `lease` then still tells the last confirmed state.
   */
  checkpoint(at: ExtendedSequenceNumber): Promise<void>;
  /** Notes a checkpoint that is to follow, and bytes for whoever comes next; serialised, throws, as `checkpoint`. */
  prepareCheckpoint(at: ExtendedSequenceNumber, state: Uint8Array | undefined): Promise<void>;
  /** Notes the children of the ended shard in its lease; serialised, throws, as `checkpoint`. */
  setChildShardIds(childShardIds: readonly string[]): Promise<void>;
  /** Gives the lease away in order, to the worker that shall have it next. Does nothing once it is lost. */
  handOver(): Promise<void>;
  /** Gives the lease up: some worker, maybe this one, will start again from the checkpoint. */
  giveUp(): Promise<void>;
  /** Counts payload bytes handed to the processor, for the load that a leader balances by. */
  countBytes(bytes: number): void;
}
