/**
 * The events about one shard: reading, processing, checkpoints and the shard's end.
 *
 * @module
 */

import type { ExtendedSequenceNumber } from "./stream/sequence_number.ts";
import type { ChildShard } from "./stream/shard.ts";

/** Where the consumer of one shard stands. */
export type ShardPhase =
  | "waitingOnParents"
  | "initializing"
  | "processing"
  | "shutdownRequested"
  | "shardEnded"
  | "leaseLost"
  | "ended";

/** Which processor callback an event is about. */
export type ProcessorCallback =
  | "initialize"
  | "processRecords"
  | "leaseLost"
  | "shardEnded"
  | "shutdownRequested";

/** An event about one shard. */
export type ShardEvent =
  /** The consumer of a shard entered another phase. */
  | {
    readonly type: "phaseChanged";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly phase: ShardPhase;
  }
  /** A shard waits: its parents must be read to their end first. */
  | {
    readonly type: "shardBlocked";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly parents: readonly string[];
  }
  /** A page was read from Kinesis, perhaps an empty one. `bytes` counts payload before de-aggregation. */
  | {
    readonly type: "pageFetched";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly bytes: number;
    readonly millisBehindLatest: number | undefined;
    readonly ms: number;
    /** True: Kinesis pushed it (enhanced fan-out). @default {false} */
    readonly isPushed?: boolean | undefined;
  }
  /** Kinesis gave a shard iterator, to read a shard from a position. */
  | {
    readonly type: "iteratorGiven";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly ms: number;
  }
  /** A read of a shard failed. It is tried again after `retryInMs`. */
  | {
    readonly type: "fetchFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly error: unknown;
    readonly retryInMs: number;
  }
  /** The record at the stored checkpoint is no longer in the stream: unprocessed records may be lost. */
  | {
    readonly type: "checkpointTrimmed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly checkpoint: ExtendedSequenceNumber;
    /** The first record that is there. Undefined when none was read. */
    readonly found: string | undefined;
    /**
     * True: Kinesis says that the position never was in this stream, which may have been deleted and created
     * anew.
     */
    readonly isForeign: boolean;
    /** Where the shard is read on, or that it is not read. */
    readonly outcome: "trim-horizon" | "latest" | "stop";
  }
  /** A shard iterator was older than five minutes when it was used. A new one is asked for. */
  | { readonly type: "iteratorExpired"; readonly leaseKey: string; readonly shardId: string }
  /** A callback was called. `callbackEnded` follows; health measures the time between. */
  | {
    readonly type: "callbackStarted";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly callback: ProcessorCallback;
    readonly records: number;
    /** Tells calls apart that run at the same time. Undefined where one call of a shard runs at a time. */
    readonly call?: number | undefined;
  }
  /** A callback returned or threw. */
  | {
    readonly type: "callbackEnded";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly callback: ProcessorCallback;
    readonly ms: number;
    /** What it threw. Undefined when it returned. */
    readonly error: unknown;
    /** As its `callbackStarted` has it. */
    readonly call?: number | undefined;
  }
  /** `processRecords` returned without throwing. */
  | {
    readonly type: "batchProcessed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly bytes: number;
    /** The position of the last record of the batch. */
    readonly last: ExtendedSequenceNumber;
    readonly millisBehindLatest: number | undefined;
    readonly ms: number;
  }
  /** `processRecords` threw. */
  | {
    readonly type: "batchFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly first: ExtendedSequenceNumber;
    readonly last: ExtendedSequenceNumber;
    /**
     * What becomes of the records from `first` to `last`. With the option `errors` also: `split`: they go on
     * in two parts. `parked`: their keys wait aside, and each is tried again by itself. `givenUp`: they have
     * been tried often enough, and `recordsGivenUp` follows.
     */
    readonly outcome: "skipped" | "retrying" | "split" | "parked" | "givenUp" | "leaseGivenUp";
    /** Failures in a row of this batch, also across owners of the lease. 1 when the batch is skipped. */
    readonly attempt: number;
    readonly error: unknown;
  }
  /** Records were tried often enough, or are too old, and the shard goes on without them. */
  | {
    readonly type: "recordsGivenUp";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly first: ExtendedSequenceNumber;
    readonly last: ExtendedSequenceNumber;
    /** As in the dead letter. */
    readonly condition: "RetryAttemptsExhausted" | "RecordAgeExceeded" | "DecodeFailed";
    /** Calls of `processRecords` with these records. */
    readonly attempts: number;
    /** `skipped`: they are lost. `deadLettered`: the sink has stored them. */
    readonly outcome: "skipped" | "deadLettered";
    /** The sink's name. Undefined when there is none. */
    readonly sink: string | undefined;
    /** What the last call threw. Undefined when there was no call. */
    readonly error: unknown;
  }
  /**
   * Records were tried often enough, or are too old, and `errors.onExhausted` is "stop". The shard stands
   * still. Its lease is given up after `retryInMs`, and some worker tries again.
   */
  | {
    readonly type: "shardStopped";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly first: ExtendedSequenceNumber;
    readonly last: ExtendedSequenceNumber;
    readonly retryInMs: number;
    readonly error: unknown;
  }
  /** The sink could not store a dead letter. It is tried again after `retryInMs`; the shard waits. */
  | {
    readonly type: "deadLetterFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly sink: string;
    /** Failures in a row of this letter. */
    readonly attempt: number;
    readonly retryInMs: number;
    readonly error: unknown;
  }
  /**
   * A processor cannot go on, e.g. it threw `ProcessorRestartError`. A new one starts at the checkpoint after
   * `retryInMs`.
   */
  | {
    readonly type: "processorRestarting";
    readonly leaseKey: string;
    readonly shardId: string;
    /** Restarts in a row without new records processed or stored in between. */
    readonly attempt: number;
    readonly error: unknown;
    readonly retryInMs: number;
  }
  /** A checkpoint was stored. */
  | {
    readonly type: "checkpointed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly at: ExtendedSequenceNumber;
    readonly ms: number;
  }
  /** A checkpoint could not be stored. */
  | {
    readonly type: "checkpointFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly at: ExtendedSequenceNumber;
    readonly error: unknown;
  }
  /** A record looks like a KPL aggregate, and not all of its user records can be delivered. */
  | {
    readonly type: "aggregateProblem";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly sequenceNumber: string;
    /**
     * `deliveredRaw`: it is no aggregate and was delivered as it came. `dropped`: a user record belongs to
     * another shard (`foreignAggregates`). `cutShort`: a user record names no key; the ones before it were
     * delivered.
     */
    readonly outcome: "deliveredRaw" | "dropped" | "cutShort";
    /** How many user records are not delivered. */
    readonly lost: number;
    readonly detail: string;
  }
  /**
   * The last record of a closed shard was read. `shardEnded` is called once the records before it are
   * processed.
   */
  | {
    readonly type: "shardEndReached";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly childShards: readonly ChildShard[];
  }
  /** The leases of an ended shard's children could not be created. Creation is tried again. */
  | {
    readonly type: "childLeasesFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly attempt: number;
    readonly error: unknown;
  }
  /** The only child of a merge cannot get its lease from this worker now. A notice says what is done. */
  | {
    readonly type: "mergeParentMissing";
    readonly leaseKey: string;
    readonly shardId: string;
    /** `parent`: the child does not name two parents. `lease`: only one of its parents has a lease. */
    readonly missing: "parent" | "lease";
  }
  /** SHARD_END is stored: the shard is done. */
  | { readonly type: "shardCompleted"; readonly leaseKey: string; readonly shardId: string }
  /**
   * `shardEnded` returned without storing SHARD_END: the child shards cannot start. `shardEnded` is called
   * again.
   */
  | {
    readonly type: "shardEndNotCheckpointed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly attempt: number;
  };
