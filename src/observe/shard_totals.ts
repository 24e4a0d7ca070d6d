// Pure.
/**
 * The state of one shard, computed from its events. All times are monotonic ms of the listener's clock.
 *
 * Progress is only what moves the shard forward: a page (also an empty one), a callback that returned, a
 * checkpoint, a new phase. A renewal is not progress: a lease that is renewed but not read is the fault to be
 * found.
 *
 * @module
 */

import { classify } from "../aws/retry.ts";
import { AwsServiceError } from "../errors.ts";
import type { LeaseLossReason, ShardPhase, WorkerEvent } from "../events.ts";
import { agedLagMs, behindAfter } from "../shard_lag.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import { errorLine } from "./one_line.ts";
import { callbackEnded, callbackStarted, type RunningCallbacks } from "./running_callbacks.ts";
import {
  isWorthKeeping,
  noStreaks,
  oneMore,
  reached,
  regained,
  type ShardStreaks,
  stored,
  streaksOf,
} from "./shard_streaks.ts";

/** An event about one lease. */
export type LeaseEvent = Extract<WorkerEvent, { readonly leaseKey: string }>;

/** Whether an event is about one lease; notices and faults may be, and change nothing here. */
export function isLeaseEvent(event: WorkerEvent): event is LeaseEvent {
  return "leaseKey" in event && event.type !== "notice" && event.type !== "faultBegan" &&
    event.type !== "faultEnded";
}

/** Why this worker no longer holds a lease that it held. */
export type LeaseEnd =
  | Extract<WorkerEvent, { readonly type: "leaseLost" }>["reason"]
  | "completed"
  | "released"
  | "workerStopped";

/** A shard with a lease that this worker holds, or held until lately. */
export interface ShardTotals extends ShardStreaks, RunningCallbacks {
  /** The lease's key: the shard id; with many streams `account:stream:epoch:shardId`. */
  readonly leaseKey: string;
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** The worker that gained the lease. */
  readonly workerId: string;
  /** When the lease was gained. */
  readonly heldSinceMs: number;
  /** Undefined while the lease is held. */
  readonly ended: { readonly atMs: number; readonly why: LeaseEnd } | undefined;
  /** Where the consumer of the shard stands. */
  readonly phase: ShardPhase;
  /** The parents that the shard waits for; else empty. */
  readonly blockedBy: readonly string[];
  /**
   * How far behind the tip the processor was, and when that was true. Undefined until Kinesis has reported
   * it.
   */
  readonly behind: { readonly millisBehindLatest: number; readonly atMs: number } | undefined;
  /** When a page last came in. Undefined before the first page. */
  readonly lastFetchMs: number | undefined;
  /** When the shard last made progress: a page, a callback that returned, a checkpoint. */
  readonly lastProgressMs: number;
  /** When the checkpoint was last stored under this hold; when the lease was gained, until then. */
  readonly checkpointMs: number;
  /** When the lease was last renewed. */
  readonly lastRenewalMs: number;
  /** Whether records were handed over under this hold, and whether it has made progress. */
  readonly hasWorked: boolean;
  /** Whether this hold has made progress. */
  readonly hasAdvanced: boolean;
  /** The last error on this shard. */
  readonly lastError: { readonly text: string; readonly atMs: number } | undefined;
  /** Records read from Kinesis under this hold. */
  readonly recordsFetched: number;
  /** Payload bytes read from Kinesis under this hold. */
  readonly bytesFetched: number;
  /** Records that `processRecords` returned from under this hold. */
  readonly recordsProcessed: number;
  /** Payload bytes that `processRecords` returned from under this hold. */
  readonly bytesProcessed: number;
  /** Records skipped under this hold because `processRecords` threw, or because they were too old. */
  readonly recordsSkipped: number;
  /** Records that a dead letter holds, stored under this hold. */
  readonly recordsDeadLettered: number;
  /** Failed tries in a row to store a dead letter. */
  readonly deadLetterFailuresInARow: number;
  /** When the shard was stopped by the option `errors`. Undefined when it is not. */
  readonly stoppedMs: number | undefined;
}

/**
 * A shard as it is when its lease has just been gained.
 *
 * @param before What was counted when the lease was held before, and when that ended.
 */
export function gainedShard(
  event: Extract<WorkerEvent, { readonly type: "leaseGained" }>,
  nowMs: number,
  before?: FormerShard,
): ShardTotals {
  const { checkpoint } = event;
  return {
    ...(before === undefined
      ? noStreaks(checkpoint)
      : regained(before.streaks, { checkpoint, ms: nowMs - before.endedMs })),
    leaseKey: event.leaseKey,
    shardId: event.shardId,
    workerId: event.workerId,
    heldSinceMs: nowMs,
    ended: undefined,
    phase: "waitingOnParents",
    blockedBy: [],
    behind: undefined,
    lastFetchMs: undefined,
    lastProgressMs: nowMs,
    checkpointMs: nowMs,
    lastRenewalMs: nowMs,
    callback: undefined,
    laterCallbacks: [],
    hasWorked: false,
    hasAdvanced: false,
    lastError: undefined,
    recordsFetched: 0,
    bytesFetched: 0,
    recordsProcessed: 0,
    bytesProcessed: 0,
    recordsSkipped: 0,
    recordsDeadLettered: 0,
    deadLetterFailuresInARow: 0,
    stoppedMs: undefined,
  };
}

/** The shard after one event about it. What the leader does with the lease changes nothing here. */
export function foldShard(shard: ShardTotals, event: LeaseEvent, nowMs: number): ShardTotals {
  switch (event.type) {
    case "leaseGained":
      return gainedShard(event, nowMs, formerShard(shard, nowMs));
    case "leaseRenewed":
      return { ...shard, lastRenewalMs: nowMs };
    case "leaseRenewalFailed":
      return { ...shard, lastError: failure(event.error, nowMs) };
    case "leaseLost":
      return endedShard(foldLoss(shard, event.reason, nowMs), event.reason, nowMs);
    case "leaseReleased":
      return endedShard(shard, "released", nowMs);
    case "shardCompleted":
      return endedShard(shard, "completed", nowMs);
    case "phaseChanged":
      return foldPhase(shard, event.phase, nowMs);
    case "shardBlocked":
      return { ...shard, blockedBy: event.parents };
    case "pageFetched":
      return foldPage(shard, event, nowMs);
    case "fetchFailed":
      return foldReadFailure(shard, event.error, nowMs);
    case "childLeasesFailed":
      return {
        ...shard,
        childLeaseFailuresInARow: shard.childLeaseFailuresInARow + 1,
        lastError: failure(event.error, nowMs),
      };
    case "callbackStarted":
      return {
        ...shard,
        ...callbackStarted(shard, event, nowMs),
        // It is called once the children have their leases.
        childLeaseFailuresInARow: event.callback === "shardEnded" ? 0 : shard.childLeaseFailuresInARow,
        hasWorked: shard.hasWorked || event.records > 0,
      };
    case "callbackEnded":
      return foldCallbackEnd(shard, event, nowMs);
    case "batchProcessed": {
      const progress = reached(shard, event.last);
      return {
        ...shard,
        ...progress,
        hasAdvanced: shard.hasAdvanced || progress.reached !== undefined,
        behind: behindAfter(shard.behind, event, nowMs),
        lastProgressMs: nowMs,
        recordsProcessed: shard.recordsProcessed + event.records,
        bytesProcessed: shard.bytesProcessed + event.bytes,
      };
    }
    case "batchFailed":
      return {
        ...shard,
        batchFailuresInARow: shard.batchFailuresInARow + 1,
        recordsSkipped: shard.recordsSkipped + (event.outcome === "skipped" ? event.records : 0),
        lastError: failure(event.error, nowMs),
      };
    case "recordsGivenUp":
      return {
        ...shard,
        recordsSkipped: shard.recordsSkipped + (event.outcome === "skipped" ? event.records : 0),
        recordsDeadLettered: shard.recordsDeadLettered + (event.outcome === "skipped" ? 0 : event.records),
        deadLetterFailuresInARow: 0,
        batchFailuresInARow: 0,
        lastProgressMs: nowMs,
      };
    case "deadLetterFailed":
      return { ...shard, deadLetterFailuresInARow: event.attempt, lastError: failure(event.error, nowMs) };
    case "shardStopped":
      return { ...shard, stoppedMs: nowMs, lastError: failure(event.error, nowMs) };
    case "processorRestarting":
      return {
        ...shard,
        restarts: oneMore(shard.restarts, nowMs, event.attempt),
        // The restart event reports what the old processor did wrong.
        callbackFailuresInARow: 0,
        failingCallback: undefined,
        lastError: failure(event.error, nowMs),
      };
    case "checkpointed":
      return {
        ...shard,
        ...stored(shard, event.at),
        checkpoint: event.at,
        checkpointMs: nowMs,
        hasAdvanced: true,
        lastProgressMs: nowMs,
        // A checkpoint moves the lease's counter, so the worker puts its next renewal off.
        lastRenewalMs: nowMs,
        checkpointFailuresInARow: 0,
      };
    case "checkpointFailed":
      return {
        ...shard,
        checkpointFailuresInARow: shard.checkpointFailuresInARow + 1,
        lastError: failure(event.error, nowMs),
      };
    case "shardEndReached":
      return { ...shard, lastProgressMs: nowMs };
    case "shardEndNotCheckpointed":
      return {
        ...shard,
        shardEndsNotCheckpointed: Math.max(shard.shardEndsNotCheckpointed + 1, event.attempt),
      };
    case "aggregateProblem":
    case "iteratorGiven":
    case "mergeParentMissing":
    case "iteratorExpired":
    case "checkpointTrimmed":
    case "leaseCreated":
    case "leaseDeleted":
    case "leaseAssigned":
    case "handoffStarted":
    case "leaseUnreadable":
      return shard;
  }
}

/** What is remembered of a shard whose lease may be gained again. */
export interface FormerShard {
  readonly streaks: ShardStreaks;
  /** Monotonic ms. */
  readonly endedMs: number;
}

/** What is to be remembered of a shard; undefined when it is done, or nothing would be lost. */
export function formerShard(shard: ShardTotals, nowMs: number): FormerShard | undefined {
  const isDone = shard.ended?.why === "completed" || shard.ended?.why === "deleted";
  if (isDone || !isWorthKeeping(shard)) return undefined;
  return { streaks: streaksOf(shard), endedMs: shard.ended?.atMs ?? nowMs };
}

/** The shard once its lease is no longer held; the first reason is kept. */
export function endedShard(shard: ShardTotals, why: LeaseEnd, nowMs: number): ShardTotals {
  return shard.ended === undefined ? { ...shard, ended: { atMs: nowMs, why } } : shard;
}

/** The shards whose lease is held. */
export function heldShards(shards: readonly ShardTotals[]): readonly ShardTotals[] {
  return shards.filter((shard) => shard.ended === undefined);
}

/** How far behind the tip the processor is, in ms. Undefined until Kinesis has reported it. */
export function lagMs(shard: ShardTotals, nowMs: number): number | undefined {
  return agedLagMs(shard.behind, nowMs);
}

type EventOf<Type extends LeaseEvent["type"]> = Extract<LeaseEvent, { readonly type: Type }>;

function foldPhase(shard: ShardTotals, phase: ShardPhase, nowMs: number): ShardTotals {
  const readFailure = shard.readFailure?.isOfParents === true ? undefined : shard.readFailure;
  const next: ShardTotals = { ...shard, phase, blockedBy: [], readFailure, lastProgressMs: nowMs };
  // A shard that had ended before its lease was gained has no callbacks and is done immediately.
  return phase === "ended" && isShardEnd(shard.checkpoint) ? endedShard(next, "completed", nowMs) : next;
}

function foldPage(shard: ShardTotals, event: EventOf<"pageFetched">, nowMs: number): ShardTotals {
  // A page ahead of the processor shows the position of reading, not of processing. It counts only when there
  // is nothing left to process, or no better figure is known.
  const caughtUp = event.records === 0 && shard.callback === undefined;
  const counts = caughtUp || shard.behind === undefined;
  return {
    ...shard,
    behind: counts ? behindAfter(shard.behind, { ...event, ms: 0 }, nowMs) : shard.behind,
    lastFetchMs: nowMs,
    lastProgressMs: nowMs,
    readFailure: undefined,
    recordsFetched: shard.recordsFetched + event.records,
    bytesFetched: shard.bytesFetched + event.bytes,
  };
}

function foldReadFailure(shard: ShardTotals, error: unknown, nowMs: number): ShardTotals {
  const lastError = failure(error, nowMs);
  const lasting = error instanceof AwsServiceError && classify(error) === "final";
  const sinceMs = shard.readFailure?.sinceMs ?? nowMs;
  const isOfParents = shard.phase === "waitingOnParents";
  return { ...shard, readFailure: { sinceMs, lasting, text: lastError.text, isOfParents }, lastError };
}

/**
 * Handles the loss of a lease. Work is repeated if the processor was inside a callback, or got records and
 * did not pass the position reached before. Losing the lease of an idle shard costs nothing.
 */
function foldLoss(shard: ShardTotals, reason: LeaseLossReason, nowMs: number): ShardTotals {
  const isInVain = !shard.hasAdvanced && (shard.hasWorked || shard.callback !== undefined);
  if (shard.ended !== undefined || !isInVain) return shard;
  switch (reason) {
    case "taken":
    case "namesake":
    case "expired":
    case "handoffOverdue":
      return { ...shard, losses: oneMore(shard.losses, nowMs) };
    case "superseded": // finally: a fault of its own
    case "deleted":
    case "givenUp":
      return shard;
  }
}

function foldCallbackEnd(shard: ShardTotals, event: EventOf<"callbackEnded">, nowMs: number): ShardTotals {
  const left = callbackEnded(shard, event);
  if (event.error === undefined) {
    const isMended = event.callback === shard.failingCallback;
    return {
      ...shard,
      ...left,
      callbackFailuresInARow: isMended ? 0 : shard.callbackFailuresInARow,
      failingCallback: isMended ? undefined : shard.failingCallback,
      lastProgressMs: nowMs,
    };
  }
  return {
    ...shard,
    ...left,
    // A failed batch is counted by its own event, which says what happens to the records.
    ...(event.callback === "processRecords" ? {} : {
      callbackFailuresInARow: shard.callbackFailuresInARow + 1,
      failingCallback: event.callback,
    }),
    lastError: failure(event.error, nowMs),
  };
}

function failure(error: unknown, atMs: number): { readonly text: string; readonly atMs: number } {
  return { text: errorLine(error), atMs };
}
