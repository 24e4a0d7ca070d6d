// Pure.
/**
 * Decides whether a worker is well: whether every shard that it holds makes progress, its leases are renewed,
 * and, where it leads, whether the whole stream is read. It is for alarms; what a restart mends is
 * `liveness.ts`. That the process lives and renews is no proof: the longest-lived fault of Kinesis consumers
 * is the shard that is owned by somebody and read by nobody.
 *
 * What is quiet and well: a shard that waits for its parents, and a shard without records (its empty reads
 * succeed).
 *
 * @module
 */

import { refuseUnknownNames } from "../nearest_name.ts";
import type { FleetFaultCode } from "../events.ts";
import { lossTrouble } from "./data_loss.ts";
import { fleetFaultText } from "./fleet_faults.ts";
import { durationText } from "./format.ts";
import type { Row } from "./shard_streaks.ts";
import { heldShards, type ShardTotals } from "./shard_totals.ts";
import type { Snapshot } from "./totals.ts";
import type { Pass, WorkerTotals } from "./worker_totals.ts";

/** From where on something is a fault. */
export interface HealthLimits {
  /**
   * How long renewals, and the passes of the worker's loops, may fail to succeed, in ms. Give the worker's
   * own `failoverTimeMs`: after that, others may own the leases.
   *
   * @default {10000}
   */
  readonly failoverTimeMs: number;
  /**
   * How long a callback of a record processor may take, in ms. A batch in progress counts as no progress
   * after it. Must be longer than the slowest batch that is well.
   *
   * @default {300000}
   */
  readonly callbackLimitMs: number;
  /**
   * How long a shard may go without a page or any other progress while no callback runs, in ms. Must be
   * longer than the worker's `idleTimeBetweenReadsMs`, and than the longest rests of a quiet shard and of
   * retries (30 s each).
   *
   * @default {60000}
   */
  readonly stallLimitMs: number;
  /**
   * How many times in a row the same thing may fail (a batch, another callback, a checkpoint, the end of a
   * shard). Must be at least 1; the fault is reported from this count on.
   *
   * @default {5}
   */
  readonly failuresInARow: number;
  /**
   * How long the event loop may go without a turn, in ms: record processors or other code of the process keep
   * it busy. Must be longer than the longest computation that is well.
   *
   * @default {60000}
   */
  readonly eventLoopLimitMs: number;
  /**
   * From how little time on, until unread records are trimmed, the log has a warning, in ms. If their loss is
   * certain at the present pace, it is a fault. Longer leaves more time to act.
   *
   * @default a quarter of the stream's retention period
   */
  readonly dataLossLimitMs?: number | undefined;
}

/** What is wrong, for programs. What to do about each stands in `advice.ts` and in docs/observing.md. */
export type FaultCode =
  /** `run()` has not been called. */
  | "notStarted"
  /** The worker is starting. */
  | "starting"
  /** Attempts to start fail. */
  | "initializationFailing"
  /** The worker has ended. */
  | "stopped"
  /** A newer process has this worker's name. */
  | "superseded"
  /** A loop of the worker ended by a defect. */
  | "loopEnded"
  /** The event loop has had no turn for `eventLoopLimitMs`. */
  | "eventLoopOverdue"
  /** A loop has failed for longer than the failover time. */
  | "passFailing"
  | FleetFaultCode
  /** A lease has not been renewed within the failover time. */
  | "renewalOverdue"
  /** A callback has run for `callbackLimitMs`. */
  | "callbackOverdue"
  /** `processRecords` throws again and again. */
  | "processingFailing"
  /** The option `errors` has stopped the shard. */
  | "shardStopped"
  /** Dead letters cannot be stored, and their records wait. */
  | "deadLettersFailing"
  /** Another callback throws again and again. */
  | "callbackFailing"
  /** The processor is started anew again and again. */
  | "processorRestarting"
  /** The lease is lost again and again without progress. */
  | "lostWithoutProgress"
  /** `shardEnded` does not checkpoint, so the child shards cannot start. */
  | "shardEndNotCheckpointed"
  /** The leases of child shards cannot be created. */
  | "childLeasesFailing"
  /** Checkpoints fail again and again. */
  | "checkpointFailing"
  /** Reads of the shard fail. */
  | "readsFailing"
  /** Nothing has happened on the shard for `stallLimitMs`. */
  | "noProgress"
  /**
   * Unread records are trimmed and lost, or will be within `dataLossLimitMs` at the present pace. Known after
   * ten minutes of a lease.
   */
  | "dataLossAhead";

/** One thing that is wrong. */
export interface Fault {
  /** What is wrong. */
  readonly code: FaultCode;
  /** The lease that it is about; undefined for the worker as a whole. */
  readonly leaseKey: string | undefined;
  /** One sentence for people. */
  readonly text: string;
}

/** The verdict. */
export interface Health {
  /** Whether there is no fault. */
  readonly healthy: boolean;
  /** Whether the worker has started and is not stopping. */
  readonly ready: boolean;
  /** Empty when healthy. */
  readonly faults: readonly Fault[];
}

/**
 * KCL's default failover time; five minutes, the minutes and five times are ours. Source: KCL 3.5.1,
 * `LeaseManagementConfig`.
 */
export const DEFAULT_LIMITS: HealthLimits = {
  failoverTimeMs: 10_000,
  callbackLimitMs: 300_000,
  stallLimitMs: 60_000,
  failuresInARow: 5,
  eventLoopLimitMs: 60_000,
  dataLossLimitMs: undefined,
};

/**
 * The limits with their defaults filled in.
 *
 * @param others Names that stand beside them, and are no limits.
 * @throws {RangeError} when a limit is not a number above 0, {@linkcode TypeError} for a name that is no
 * limit.
 */
export function healthLimits(
  limits: { readonly [Name in keyof HealthLimits]?: HealthLimits[Name] | undefined } = {},
  others: readonly string[] = [],
): HealthLimits {
  const known = [...Object.keys(DEFAULT_LIMITS), ...others];
  refuseUnknownNames(Object.keys(limits), known, { action: "Cannot judge health" });
  const filled = {
    failoverTimeMs: limits.failoverTimeMs ?? DEFAULT_LIMITS.failoverTimeMs,
    callbackLimitMs: limits.callbackLimitMs ?? DEFAULT_LIMITS.callbackLimitMs,
    stallLimitMs: limits.stallLimitMs ?? DEFAULT_LIMITS.stallLimitMs,
    failuresInARow: limits.failuresInARow ?? DEFAULT_LIMITS.failuresInARow,
    eventLoopLimitMs: limits.eventLoopLimitMs ?? DEFAULT_LIMITS.eventLoopLimitMs,
    dataLossLimitMs: limits.dataLossLimitMs,
  };
  const [wrong] = Object.entries(filled).filter(([, value]) => value !== undefined && !(value > 0));
  if (wrong === undefined) return filled;
  throw new RangeError(`Cannot judge health: ${wrong[0]} must be a number above 0: got ${wrong[1]}`);
}

/** The verdict on a worker at the moment of the snapshot. */
export function healthOf(snapshot: Snapshot, limits: HealthLimits = DEFAULT_LIMITS): Health {
  const faults = [...workerFaults(snapshot, limits)];
  for (const shard of snapshot.shards) {
    faults.push(...shardFaults(shard, snapshot.atMs, limits));
    const trouble = lossTrouble(snapshot, shard, limits.dataLossLimitMs);
    if (trouble?.level === "error") {
      faults.push({ code: "dataLossAhead", leaseKey: shard.leaseKey, text: trouble.text });
    }
  }
  return { healthy: faults.length === 0, ready: snapshot.worker.phase === "ready", faults };
}

function* workerFaults({ worker, atMs }: Snapshot, limits: HealthLimits): Generator<Fault> {
  const fault = (code: FaultCode, text: string): Fault => ({ code, leaseKey: undefined, text });
  switch (worker.phase) {
    case "notStarted":
      yield fault("notStarted", "The worker has not been started.");
      break;
    case "starting":
      yield worker.initializationFailure === undefined
        ? fault("starting", "The worker is starting.")
        : fault("initializationFailing", initializationText(worker.initializationFailure));
      break;
    case "stopped":
      yield fault("stopped", `The worker has stopped${because(worker.stopError)}`);
      break;
    case "ready":
    case "stopping":
      break;
  }
  if (worker.superseded) {
    yield fault(
      "superseded",
      "Another process has started under this worker's name: this one does nothing any more. Stop one of them, " +
        "or give each a workerIdentifier of its own.",
    );
  }
  const eventLoop = eventLoopFault(worker, atMs, limits);
  if (eventLoop !== undefined) yield eventLoop;
  for (const [pass, { sinceMs, times, text }] of Object.entries(worker.passFailures)) {
    // One failure is tried again soon; until then nobody knows whether it lasts.
    if (times < 2 || atMs - sinceMs <= limits.failoverTimeMs) continue;
    const since = durationText(atMs - sinceMs);
    yield fault("passFailing", `${PASS_NAMES[pass as Pass]} has failed for ${since}${because(text)}`);
  }
  for (const found of worker.fleetFaults) yield fault(found.code, fleetFaultText(found));
}

/** Whether the event loop has had no turn for too long. */
export function eventLoopFault(
  { turnedMs }: WorkerTotals,
  nowMs: number,
  { eventLoopLimitMs }: HealthLimits,
): Fault | undefined {
  if (turnedMs === undefined || nowMs - turnedMs <= eventLoopLimitMs) return undefined;
  const text = `The event loop has had no turn for ${durationText(nowMs - turnedMs)}.`;
  return { code: "eventLoopOverdue", leaseKey: undefined, text };
}

/** Whether a callback has not returned for too long; also one of a shard that is no longer held. */
export function callbackFault(
  { callback, leaseKey }: ShardTotals,
  nowMs: number,
  { callbackLimitMs }: HealthLimits,
): Fault | undefined {
  if (callback === undefined || nowMs - callback.sinceMs <= callbackLimitMs) return undefined;
  const text = `${callback.name} has not returned for ${durationText(nowMs - callback.sinceMs)}.`;
  return { code: "callbackOverdue", leaseKey, text };
}

function* shardFaults(shard: ShardTotals, nowMs: number, limits: HealthLimits): Generator<Fault> {
  const fault = (code: FaultCode, text: string): Fault => ({ code, leaseKey: shard.leaseKey, text });
  const callback = callbackFault(shard, nowMs, limits);
  if (callback !== undefined) yield callback;
  const lost = lossText(shard, nowMs, limits);
  if (lost !== undefined) yield fault("lostWithoutProgress", lost);
  // A shard that is no longer held has nothing to do but to leave its last callback.
  if (heldShards([shard]).length === 0) return;

  const renewalMs = nowMs - shard.lastRenewalMs;
  if (renewalMs > limits.failoverTimeMs) {
    yield fault("renewalOverdue", `The lease has not been renewed for ${durationText(renewalMs)}.`);
  }
  if (shard.phase === "waitingOnParents") return;

  const lastError = because(shard.lastError?.text);
  const times = limits.failuresInARow;
  if (shard.batchFailuresInARow >= times) {
    yield fault(
      "processingFailing",
      `processRecords has thrown ${shard.batchFailuresInARow} times in a row${lastError}`,
    );
  }
  if (shard.stoppedMs !== undefined) {
    const since = durationText(nowMs - shard.stoppedMs);
    yield fault("shardStopped", `The shard was stopped ${since} ago, as the option errors says${lastError}`);
  }
  if (shard.deadLetterFailuresInARow >= times) {
    yield fault(
      "deadLettersFailing",
      `A dead letter could not be stored ${shard.deadLetterFailuresInARow} times in a row${lastError}`,
    );
  }
  const { restarts } = shard;
  if (restarts !== undefined && goesOn(restarts, nowMs, limits)) {
    yield fault(
      "processorRestarting",
      `The record processor has been restarted ${restarts.inARow} times in a row${lastError}`,
    );
  }
  if (shard.shardEndsNotCheckpointed >= times) {
    yield fault(
      "shardEndNotCheckpointed",
      `shardEnded has been called ${shard.shardEndsNotCheckpointed} times without a checkpoint: ` +
        `the child shards cannot start${lastError}`,
    );
  } else if (shard.callbackFailuresInARow >= times) {
    yield fault(
      "callbackFailing",
      `A callback has thrown ${shard.callbackFailuresInARow} times in a row${lastError}`,
    );
  }
  if (shard.childLeaseFailuresInARow >= times) {
    yield fault(
      "childLeasesFailing",
      `The leases of its child shards could not be created ${shard.childLeaseFailuresInARow} times in a row${lastError}`,
    );
  }
  if (shard.checkpointFailuresInARow >= times) {
    yield fault(
      "checkpointFailing",
      `${shard.checkpointFailuresInARow} checkpoints in a row have failed${lastError}`,
    );
  }
  const readFailure = readFailureText(shard, nowMs, limits);
  if (readFailure !== undefined) {
    yield fault("readsFailing", readFailure);
  } else if (
    shard.callback === undefined && shard.stoppedMs === undefined &&
    nowMs - shard.lastProgressMs > limits.stallLimitMs
  ) {
    const since = durationText(nowMs - shard.lastProgressMs);
    yield fault("noProgress", `Nothing has happened for ${since} in phase ${shard.phase}${lastError}`);
  }
}

/**
 * A lease that comes and goes, and each time the same records with it. Shown for as long as it may come back.
 */
function lossText(shard: ShardTotals, nowMs: number, limits: HealthLimits): string | undefined {
  const { losses, ended } = shard;
  if (losses === undefined || !goesOn(losses, nowMs, limits)) return undefined;
  if (ended !== undefined && nowMs - ended.atMs > limits.failoverTimeMs) return undefined;
  return `The lease has been lost ${losses.inARow} times in a row without progress: the record processor must return, or let ` +
    "the event loop run, within the failover time.";
}

/**
 * Whether something has happened too often in a row, and is likely to happen again: not longer ago than it
 * ever took.
 */
function goesOn({ inARow, firstMs, lastMs }: Row, nowMs: number, limits: HealthLimits): boolean {
  const everyMs = inARow > 1 ? (lastMs - firstMs) / (inARow - 1) : 0;
  return inARow >= limits.failuresInARow && nowMs - lastMs <= Math.max(limits.callbackLimitMs, 2 * everyMs);
}

/** A refusal that no retry mends is reported at once; a failure that may pass, when it has lasted. */
function readFailureText(
  { readFailure }: ShardTotals,
  nowMs: number,
  limits: HealthLimits,
): string | undefined {
  if (readFailure === undefined) return undefined;
  const sinceMs = nowMs - readFailure.sinceMs;
  if (!readFailure.lasting && sinceMs <= limits.stallLimitMs) return undefined;
  return `Reads have failed for ${durationText(sinceMs)}${because(readFailure.text)}`;
}

function initializationText(
  failure: { readonly attempt: number; readonly attempts: number; readonly text: string },
): string {
  return `Attempt ${failure.attempt} of ${failure.attempts} to start has failed${because(failure.text)}`;
}

/** The end of a sentence: the cause where one is known, with one full stop. */
function because(text: string | undefined): string {
  return text === undefined ? "." : `: ${text.replace(/\.$/, "")}.`;
}

const PASS_NAMES: Readonly<Record<Pass, string>> = {
  discovery: "Finding assigned leases",
  leadership: "Leader election",
  assignment: "Leading the fleet (listing shards, assigning leases)",
  cleanup: "Cleaning up leases",
  workerMetrics: "Reporting this worker's metrics",
  tableFormat: "Finding the tables of the fleet",
  streams: "Finding the streams to read",
  leave: "Leaving the fleet",
};
