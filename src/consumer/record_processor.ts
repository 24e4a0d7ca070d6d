/**
 * The interface that users implement, with one instance for each lease that the worker holds. Its calls never
 * overlap. Their order is always `initialize`, any number of `processRecords`, perhaps `shutdownRequested`,
 * then one of `shardEnded` or `leaseLost`.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { ChildShard } from "../stream/shard.ts";
import type { TransactWrite } from "../transact/transact_write.ts";

/** A checkpoint that is announced in the lease table, and not made yet. */
export interface PreparedCheckpoint {
  /** Where it will be. */
  readonly at: ExtendedSequenceNumber;
  /**
   * Makes the prepared checkpoint, and clears the announcement. Throws as `ShardContext.checkpoint` does, and
   * a RangeError when a later checkpoint has been made meanwhile.
   */
  checkpoint(): Promise<void>;
}

/** Options of `ShardContext.transact`. */
export interface TransactOptions {
  /**
   * Up to where the shard is processed by it: a record, or its sequence number. A number alone means the
   * first user record of its aggregate.
   *
   * @default as in `checkpoint`: everything delivered up to now
   */
  readonly at?: ExtendedSequenceNumber | string | undefined;
}

/** Which acquisition of a lease this is, for writes of one's own that a former owner must not overwrite. */
export interface FencingToken {
  /** The lease's key: the shard id; with many streams `account:stream:epoch:shardId`. */
  readonly leaseKey: string;
  /**
   * Grows with each acquisition of the lease by any worker, kclite's or Java's, and does not change during an
   * acquisition. Write to your own store on the condition that the token stored there is not greater. Starts
   * over only when the lease is deleted and created again.
   */
  readonly token: number;
}

/** The stream that a shard belongs to. */
export interface ShardStream {
  /** The stream's name. */
  readonly streamName: string;
  /** Undefined if it was not given and the service does not name it, as with some emulators. */
  readonly streamArn: string | undefined;
  /** `account:stream:epoch` when the worker reads many streams, else undefined. */
  readonly streamIdentifier: string | undefined;
}

/** What a processor knows of its shard, and how it checkpoints. */
export interface ShardContext extends ShardStream {
  /** Of many streams several may have a shard of this id; their lease keys differ. */
  readonly shardId: string;
  /** Equal to `shardId` unless the worker reads many streams. */
  readonly leaseKey: string;
  /** The checkpoint from which this processor started: everything after it will be delivered. */
  readonly initialCheckpoint: ExtendedSequenceNumber;
  /** A checkpoint that the former owner announced and did not make; undefined when there is none. */
  readonly pendingCheckpoint: ExtendedSequenceNumber | undefined;
  /** What the former owner left with it. */
  readonly pendingCheckpointState: Uint8Array | undefined;
  /** Which acquisition of the lease this is. */
  readonly fencingToken: FencingToken;
  /**
   * Aborts as soon as the lease is known to be lost: another worker may process the delivered records from
   * now on. A lease that was not renewed in time is checked once more, for at most a second, before it counts
   * as lost.
   */
  readonly signal: AbortSignal;
  /**
   * Stores how far the shard is processed; a restart resumes right after it. Calls are serialised.
   *
   * @param at Defaults to everything delivered up to now, the batch at hand included. Inside `shardEnded` the
   * default is the end of the shard. A position without a `subSequenceNumber` means sub-sequence 0. If the
   * aggregate of that number is already checkpointed further on, nothing changes.
   * @throws {LeaseLostError} when the lease is lost: return without an error.
   * @throws {RangeError} when `at` lies before the last checkpoint or beyond what was delivered.
   * @throws {AwsServiceError} when the table could not be written: nothing is stored, trying again may work.
   */
  checkpoint(at?: ExtendedSequenceNumber): Promise<void>;
  /**
   * First half of a checkpoint in two phases: announces it in the lease table, before work that must not be
   * half done. After a crash in between, the next processor of the shard finds `pendingCheckpoint` and
   * `pendingCheckpointState` in its context. The stored checkpoint does not move. One announcement replaces
   * another; a checkpoint clears it.
   *
   * @param at As in `checkpoint`. At the last checkpoint nothing is stored, and the second half does nothing.
   * @param state At most 300 KiB, for the next owner.
   * @throws as `checkpoint`; {@link RangeError} also for a state that is too large.
   */
  prepareCheckpoint(at?: ExtendedSequenceNumber, state?: Uint8Array): Promise<PreparedCheckpoint>;
  /**
   * Stores results and the checkpoint together in DynamoDB, all or nothing: each record is in the results
   * exactly once, whatever is killed, paused or handed over. It counts as a checkpoint.
   *
   * @param writes At most 99 writes and 4 MB, to tables of the lease table's account and region.
   * @throws {LeaseLostError} when the lease is lost: return without an error. Nothing is stored, or all was.
   * @throws {RangeError} when there are too many writes or too large ones, and when `at` is out of range or
   * stored already. {@link TypeError} when a write is none.
   * @throws `TransactionRefusedError` of `./transact` when a condition of yours does not hold. Nothing is
   * stored.
   * @throws `TransactionFailedError` when it could not be made: the processor starts again, without a gap.
   */
  transact(writes: readonly TransactWrite[], options?: TransactOptions): Promise<void>;
  /**
   * Requests a fresh processor that starts from the stored checkpoint. For a processor that finds out between
   * two calls that it cannot continue, e.g. its child process died. Inside a call, throw a
   * `ProcessorRestartError` instead.
   */
  restart(reason: Error): void;
}

/** Records of one shard, in order. A large aggregate of the KPL comes in several batches. */
export interface RecordsBatch {
  /** The records, in order. Aggregates of the KPL are taken apart. */
  readonly records: readonly KinesisRecord[];
  /** How far behind the tip of the shard this batch is, in ms; undefined if it is not known. */
  readonly millisBehindLatest: number | undefined;
  /** Whether these are the last records of the shard. */
  readonly isAtShardEnd: boolean;
  /** The shards that continue this one; empty if `isAtShardEnd` is false. */
  readonly childShards: readonly ChildShard[];
}

/**
 * Names the records of a batch that failed, as a Lambda handler with ReportBatchItemFailures does. An empty
 * list means that all succeeded.
 */
export interface BatchResponse {
  /**
   * `itemIdentifier` is a record's sequence number. For a user record of an aggregate it may be
   * `<sequenceNumber>:<subSequenceNumber>`; a number alone means the first one of its aggregate in the batch.
   */
  readonly batchItemFailures?: readonly { readonly itemIdentifier: string }[] | null;
}

/** Where a processor goes on that stores its position itself; see `RecordProcessor.startAt`. */
export interface OwnPosition extends ExtendedSequenceNumber {
  /**
   * How a person moves it, e.g. a statement for a database. Shown when its record is no longer in the stream
   * and the shard is not read: then the lease table is the wrong place to mend it.
   */
  readonly mend?: string | undefined;
}

/** A program's side of a shard. */
export interface RecordProcessor {
  /**
   * `"auto"`: the worker makes a checkpoint when `processRecords` has returned, so that the processor need
   * not. Only `shardEnded` must checkpoint as ever. If it is not given, the worker makes no checkpoint that
   * could pass records which the processor keeps in memory.
   */
  readonly checkpoints?: "auto";
  /**
   * `"whole"`: aggregates of the KPL are not taken apart. Such a record has the `subSequenceNumber` of its
   * last user record, so that a checkpoint passes all of them. The worker's `foreignAggregates` does not
   * apply.
   *
   * @default aggregates are taken apart
   */
  readonly aggregates?: "whole" | undefined;
  /** Called once, before any record. When it throws it is called again, with back-off. */
  initialize?(context: ShardContext): void | Promise<void>;
  /**
   * For a processor that stores its position together with its results: where it goes on, whatever the lease
   * says. Called after `initialize`. When it throws, both are called again, with back-off. Checkpoints of the
   * lease follow, for those who look at the table.
   *
   * @param confirm Resolves when a write to the lease table has shown that the lease is ours. Throws a
   * {@linkcode LeaseLostError} when it is not.
   * @returns The last position that is done; undefined: the lease's checkpoint counts.
   */
  startAt?(
    context: ShardContext,
    confirm: () => Promise<void>,
  ): Promise<OwnPosition | undefined>;
  /**
   * Called with each batch. What happens when it throws is the worker's `onProcessError`. What it returns
   * counts only where the option `errors` asks for partial answers.
   */
  processRecords(
    batch: RecordsBatch,
    context: ShardContext,
  ): void | BatchResponse | null | Promise<void | BatchResponse | null>;
  /** The lease is lost: it is too late to checkpoint. Only called if `initialize` was. */
  leaseLost?(context: ShardContext): void | Promise<void>;
  /** Every record was delivered. Must checkpoint, or the children never start; called again until it did. */
  shardEnded(context: ShardContext): void | Promise<void>;
  /** The worker stops or hands the lease over; the last chance to checkpoint. `leaseLost` follows. */
  shutdownRequested?(context: ShardContext): void | Promise<void>;
  /** Called last, in every case, exactly once: release what the processor holds. Must not throw. */
  dispose?(): void | Promise<void>;
}

/**
 * Makes the processor of one shard. Called when the lease is gained, in any order of shards.
 *
 * `leaving` aborts when the shard is to be left: the lease is lost, is moving, or the worker stops. A call
 * that runs then delays the others; it may return early.
 */
export interface RecordProcessorFactory {
  (shardId: string, stream: ShardStream, leaving?: AbortSignal): RecordProcessor;
  /**
   * `"transaction"`: its processors store results and position together. Then the worker refuses a fleet in
   * which KCL for Java takes part, and options by which records of a shard overtake one another.
   *
   * @default no such rule
   */
  readonly stores?: "transaction" | undefined;
  /**
   * Events of enhanced fan-out keep the base64 of their payloads, so that a processor which passes them on as
   * base64 need not encode them. Such an event takes twice the memory.
   *
   * @default only their bytes are kept
   */
  readonly payloads?: "base64" | undefined;
}
