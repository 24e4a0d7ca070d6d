/**
 * The one outlet for what happens: metrics, health and the log are listeners to these events. An event is a plain value, and
 * its error survives `JSON.stringify`; a listener must not throw and should return at once.
 *
 * @module
 */

import type { ExtendedSequenceNumber } from "./stream/sequence_number.ts";
import type { ChildShard } from "./stream/shard.ts";

/** Why a worker stopped holding a lease. */
export type LeaseLossReason =
  /** Another worker owns it now. */
  | "taken"
  /** It bears this worker's name, but another process that uses the name has written to it. */
  | "namesake"
  /** A newer process of this worker's name has started; see the event `superseded`. */
  | "superseded"
  /** It could not be renewed in time; others may own it by now. */
  | "expired"
  /** It was to be handed over, which took so long that others may have taken it by now. */
  | "handoffOverdue"
  /** Its item is gone from the table. */
  | "deleted"
  /** The processor asked for it (`onProcessError: "stop"`). */
  | "givenUp";

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

/** What keeps shards of the fleet from being read, whoever works. */
export type FleetFaultCode =
  /** Open shards that no lease leads to. */
  | "shardUnread"
  /** Hash keys that no unfinished lease covers. */
  | "hashKeysUncovered"
  /** Rows of the lease table that cannot be read as leases. */
  | "leaseUnreadable"
  /** Unfinished leases that have no owner, or one that does not renew them, whoever they are given to. */
  | "leaseUnowned"
  /** Unfinished leases whose shard the stream does not list. */
  | "leaseWithoutShard"
  /** Leases whose hash keys are not those of their shard. */
  | "leaseRangeDiffers"
  /** Leases of another stream, or of an earlier one of the same name. */
  | "leaseOfOtherStream"
  /** Streams whose shards cannot be listed. */
  | "shardsNotListed";

/** A fault of the fleet, as the leader has found it in three audits in a row. */
export interface FleetFault {
  readonly code: FleetFaultCode;
  /** Lease keys; hash key ranges with `hashKeysUncovered`, streams with `shardsNotListed`. At least one. */
  readonly subjects: readonly string[];
  /** What else is known of the first subject. */
  readonly detail: string | undefined;
}

/** Everything that a worker tells. `shardId` and `leaseKey` differ only with many streams. */
export type WorkerEvent =
  // The worker as a whole.
  | {
    readonly type: "workerStarting";
    readonly applicationName: string;
    /** Undefined when there are many: each has its `streamAdded`. */
    readonly streamName: string | undefined;
    readonly tableName: string;
    readonly workerId: string;
  }
  /** What becomes of a batch when `processRecords` throws. Comes once, right after the start. */
  | {
    readonly type: "errorRule";
    readonly rule: "skip" | "retry" | "stop";
    /** False: it is the default. */
    readonly isChosen: boolean;
  }
  | {
    readonly type: "initializationFailed";
    readonly attempt: number;
    readonly attempts: number;
    readonly error: unknown;
    /** Undefined after the last attempt, or where none would help: the worker stops. */
    readonly retryInMs: number | undefined;
  }
  | { readonly type: "tableCreated"; readonly tableName: string }
  | { readonly type: "workerReady"; readonly workerId: string }
  /**
   * A newer process runs under this worker's name. This one reads, leads and writes nothing any more, and stays up idle: if it
   * ended, whoever starts it again would have the two supersede each other for ever.
   */
  | {
    readonly type: "superseded";
    readonly workerId: string;
    readonly generation: number;
    readonly byGeneration: number;
  }
  | { readonly type: "workerStopping"; readonly heldLeases: number }
  | { readonly type: "workerStopped"; readonly error: unknown }
  /** A loop's pass failed; it will be tried again. */
  | {
    readonly type: "passFailed";
    readonly pass:
      | "discovery"
      | "leadership"
      | "assignment"
      | "cleanup"
      | "workerMetrics"
      | "tableFormat"
      | "streams"
      | "leave";
    readonly error: unknown;
  }
  /** A loop's pass succeeded, after the one before it had failed. */
  | {
    readonly type: "passRecovered";
    readonly pass: Extract<WorkerEvent, { readonly type: "passFailed" }>["pass"];
  }
  /** The event loop had its turn; comes every few seconds while the worker runs. Health measures the time since. */
  | { readonly type: "eventLoopTurned" }
  // Many streams; `streamIdentifier` is `account:stream:epoch`.
  | { readonly type: "streamAdded"; readonly streamIdentifier: string }
  /** No longer listed, or not there any more. What becomes of its leases is the leader's decision. */
  | { readonly type: "streamRemoved"; readonly streamIdentifier: string }
  // Leadership and leases.
  | { readonly type: "leadershipGained"; readonly workerId: string }
  | { readonly type: "leadershipLost"; readonly workerId: string; readonly reason: string }
  /** Another worker has led for so long that its passes must succeed; comes with each of its heartbeats that is seen. */
  | { readonly type: "leaderSeen"; readonly leader: string }
  /** The leader has looked for faults of the fleet. `faults` are all that it knows of, one of each code. */
  | { readonly type: "fleetAudited"; readonly faults: readonly FleetFault[] }
  | { readonly type: "shardsSynced"; readonly shards: number; readonly created: number }
  | { readonly type: "leaseCreated"; readonly leaseKey: string; readonly checkpoint: ExtendedSequenceNumber }
  | {
    readonly type: "leaseDeleted";
    readonly leaseKey: string;
    readonly reason: "completed" | "garbage" | "formerStream";
  }
  | {
    readonly type: "leaseAssigned";
    readonly leaseKey: string;
    readonly from: string | undefined;
    readonly to: string;
  }
  | { readonly type: "handoffStarted"; readonly leaseKey: string; readonly from: string; readonly to: string }
  | {
    readonly type: "assignmentPass";
    readonly leases: number;
    readonly workers: number;
    readonly expired: number;
    readonly assigned: number;
    readonly ms: number;
  }
  | { readonly type: "leaseUnreadable"; readonly leaseKey: string; readonly problem: string }
  | {
    readonly type: "leaseGained";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly workerId: string;
    readonly checkpoint: ExtendedSequenceNumber;
  }
  | { readonly type: "leaseRenewed"; readonly leaseKey: string; readonly ms: number }
  | {
    readonly type: "leaseRenewalFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly error: unknown;
  }
  | {
    readonly type: "leaseLost";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly reason: LeaseLossReason;
  }
  /** Given away in order, to a named worker or to whoever the leader picks. */
  | {
    readonly type: "leaseReleased";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly to: string | undefined;
  }
  // One shard.
  | {
    readonly type: "phaseChanged";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly phase: ShardPhase;
  }
  | {
    readonly type: "shardBlocked";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly parents: readonly string[];
  }
  /** One page came in; also an empty one. `bytes` are payload bytes before de-aggregation. */
  | {
    readonly type: "pageFetched";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly bytes: number;
    readonly millisBehindLatest: number | undefined;
    readonly ms: number;
  }
  | {
    readonly type: "fetchFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly error: unknown;
    readonly retryInMs: number;
  }
  /**
   * The record at the stored checkpoint is no longer in the stream: records that nobody processed may be lost. `found` is the
   * first record there, where one was read; `outcome` is what becomes of the shard. `isForeign`: the service says that the
   * position never was in this stream, which may have been deleted and created anew.
   */
  | {
    readonly type: "checkpointTrimmed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly checkpoint: ExtendedSequenceNumber;
    readonly found: string | undefined;
    readonly isForeign: boolean;
    readonly outcome: "trim-horizon" | "latest" | "stop";
  }
  | { readonly type: "iteratorExpired"; readonly leaseKey: string; readonly shardId: string }
  /** A callback was entered. Paired with `callbackEnded`; health measures the time between. */
  | {
    readonly type: "callbackStarted";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly callback: ProcessorCallback;
    readonly records: number;
  }
  | {
    readonly type: "callbackEnded";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly callback: ProcessorCallback;
    readonly ms: number;
    readonly error: unknown;
  }
  /** `processRecords` returned without throwing. */
  | {
    readonly type: "batchProcessed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly bytes: number;
    /** The position that is reached now. */
    readonly last: ExtendedSequenceNumber;
    readonly millisBehindLatest: number | undefined;
    readonly ms: number;
  }
  /** `processRecords` threw. `outcome` says what becomes of the records from `first` to `last`. */
  | {
    readonly type: "batchFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly records: number;
    readonly first: ExtendedSequenceNumber;
    readonly last: ExtendedSequenceNumber;
    readonly outcome: "skipped" | "retrying" | "leaseGivenUp";
    /** Failures in a row of a batch that comes again, whoever lost the lease in between; 1 where it is skipped. */
    readonly attempt: number;
    readonly error: unknown;
  }
  /** A processor could not go on; a fresh one starts from the stored checkpoint after `retryInMs`. */
  | {
    readonly type: "processorRestarting";
    readonly leaseKey: string;
    readonly shardId: string;
    /** Restarts in a row, without progress in between: nothing was processed or stored that had not been before. */
    readonly attempt: number;
    readonly error: unknown;
    readonly retryInMs: number;
  }
  | {
    readonly type: "checkpointed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly at: ExtendedSequenceNumber;
    readonly ms: number;
  }
  | {
    readonly type: "checkpointFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly at: ExtendedSequenceNumber;
    readonly error: unknown;
  }
  /** A record that begins like an aggregate of the KPL did not yield its user records, or not all of them. */
  | {
    readonly type: "aggregateProblem";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly sequenceNumber: string;
    /**
     * `deliveredRaw`: no aggregate after all. `dropped`: a user record is of another shard (`foreignAggregates`). `cutShort`: a
     * user record names no key; the ones before it were delivered.
     */
    readonly outcome: "deliveredRaw" | "dropped" | "cutShort";
    /** How many user records are not delivered. */
    readonly lost: number;
    readonly detail: string;
  }
  | {
    readonly type: "shardEndReached";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly childShards: readonly ChildShard[];
  }
  /** The leases of an ended shard's children could not be created; it is tried again. */
  | {
    readonly type: "childLeasesFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly attempt: number;
    readonly error: unknown;
  }
  | { readonly type: "shardCompleted"; readonly leaseKey: string; readonly shardId: string }
  /** `shardEnded` returned, but SHARD_END is not stored: the children cannot start. It will be called again. */
  | {
    readonly type: "shardEndNotCheckpointed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly attempt: number;
  }
  /** A component has a word for the operator, of a shard or of the whole worker (e.g. a line of a child process). */
  | {
    readonly type: "notice";
    readonly level: "info" | "warning" | "error";
    /** Undefined when it is about no shard. */
    readonly leaseKey: string | undefined;
    readonly text: string;
  }
  /**
   * What `/health` calls a fault has begun, or (`warning`) a trouble that is none yet: `callbackSlow`, `readsDisturbed`. Codes and
   * texts are those of `/health`.
   */
  | {
    readonly type: "faultBegan";
    readonly code: string;
    readonly level: "warning" | "error";
    /** Undefined when it is about the worker as a whole. */
    readonly leaseKey: string | undefined;
    readonly text: string;
  }
  /** It is over, or its lease is no longer held, after `ms`. */
  | {
    readonly type: "faultEnded";
    readonly code: string;
    readonly leaseKey: string | undefined;
    readonly ms: number;
  }
  // Calls to AWS.
  | {
    readonly type: "requestSent";
    readonly service: string;
    readonly operation: string;
    /** HTTP status, or undefined when nothing was answered. */
    readonly status: number | undefined;
    /** Error code, or undefined when it succeeded. */
    readonly code: string | undefined;
    readonly attempt: number;
    readonly ms: number;
  }
  | {
    readonly type: "requestRetried";
    readonly service: string;
    readonly operation: string;
    readonly code: string;
    readonly attempt: number;
    readonly delayMs: number;
  }
  | { readonly type: "clockSkewLearned"; readonly offsetMs: number }
  | {
    readonly type: "credentialsRefreshed";
    readonly source: string;
    readonly expiresEpochMs: number | undefined;
  }
  | { readonly type: "credentialsRefreshFailed"; readonly error: unknown };

/** A listener. It must not throw: one listener must not stop a fleet, so the worker goes on and says so once. */
export type WorkerEventListener = (event: WorkerEvent) => void;
