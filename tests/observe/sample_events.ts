/**
 * One event of each type, all about one shard of one worker: what the tables of the tests start from.
 *
 * @module
 */

import type { WorkerEvent } from "../../src/events.ts";
import { SHARD_END } from "../../src/stream/sequence_number.ts";

const about = { leaseKey: "shardId-000000000000", shardId: "shardId-000000000000" } as const;
const at = { sequenceNumber: "4967", subSequenceNumber: 0 } as const;
const error = new Error("no luck");
error.stack = "Error: no luck\n    at processRecords (file:///app/words.ts:12:9)";

/** By type; a new type that is missing here does not compile. */
export const SAMPLE_EVENTS: { readonly [Type in WorkerEvent["type"]]: Extract<WorkerEvent, { type: Type }> } =
  {
    workerStarting: {
      type: "workerStarting",
      applicationName: "orders",
      streamName: "orders-stream",
      tableName: "orders-leases",
      workerId: "w1",
    },
    errorRule: { type: "errorRule", rule: "skip", isChosen: false },
    initializationFailed: {
      type: "initializationFailed",
      attempt: 1,
      attempts: 20,
      error,
      retryInMs: 1000,
    },
    streamAdded: { type: "streamAdded", streamIdentifier: "123456789012:orders:1700000000" },
    streamRemoved: { type: "streamRemoved", streamIdentifier: "123456789012:orders:1700000000" },
    streamDescribed: { type: "streamDescribed", streamIdentifier: undefined, retentionMs: 86_400_000 },
    tableCreated: { type: "tableCreated", tableName: "orders-leases" },
    workerReady: { type: "workerReady", workerId: "w1" },
    superseded: {
      type: "superseded",
      workerId: "worker-1",
      generation: 1769774400000,
      byGeneration: 1769774406000,
    },
    workerStopping: { type: "workerStopping", heldLeases: 1 },
    workerStopped: { type: "workerStopped", error: undefined },
    passEnded: { type: "passEnded", pass: "discovery", ms: 15, isSkipped: false },
    passFailed: { type: "passFailed", pass: "discovery", error },
    eventLoopTurned: { type: "eventLoopTurned" },
    leaderSeen: { type: "leaderSeen", leader: "w2" },
    fleetAudited: {
      type: "fleetAudited",
      faults: [{ code: "shardUnread", subjects: [about.leaseKey], detail: undefined }],
    },
    childLeasesFailed: { type: "childLeasesFailed", ...about, attempt: 1, error },
    passRecovered: { type: "passRecovered", pass: "discovery" },
    leadershipGained: { type: "leadershipGained", workerId: "w1" },
    leadershipLost: { type: "leadershipLost", workerId: "w1", reason: "taken" },
    shardsSynced: { type: "shardsSynced", shards: 4, created: 1, ms: 50 },
    coverageAudited: {
      type: "coverageAudited",
      streamIdentifier: undefined,
      isCovered: true,
      isSynced: false,
      ms: 3,
      error: undefined,
    },
    leaseCreated: {
      type: "leaseCreated",
      leaseKey: about.leaseKey,
      checkpoint: at,
      parentLeaseKey: undefined,
      ms: 6,
    },
    leaseDeleted: { type: "leaseDeleted", leaseKey: about.leaseKey, reason: "completed" },
    leaseAssigned: { type: "leaseAssigned", leaseKey: about.leaseKey, from: undefined, to: "w2" },
    handoffStarted: { type: "handoffStarted", leaseKey: about.leaseKey, from: "w1", to: "w2" },
    assignmentPass: {
      type: "assignmentPass",
      leases: 4,
      workers: 2,
      expired: 1,
      free: 2,
      assigned: 1,
      spillover: 0,
      balanced: undefined,
      refused: 0,
      unread: 1,
      maxLagMs: 4200,
      maxLagLeaseKey: "shardId-000000000003",
      unreadable: 0,
      unreadableWorkers: 0,
      ms: 20,
      readMs: 12,
      planMs: 1,
      writeMs: 7,
    },
    leasesDiscovered: { type: "leasesDiscovered", held: 2, found: 1, foreign: 0, listMs: 4, beginMs: 9 },
    leaseUnreadable: { type: "leaseUnreadable", leaseKey: about.leaseKey, problem: "no checkpoint" },
    leaseGained: { type: "leaseGained", ...about, workerId: "w1", checkpoint: at },
    leaseRenewed: { type: "leaseRenewed", leaseKey: about.leaseKey, ms: 5 },
    leaseRenewalFailed: { type: "leaseRenewalFailed", ...about, error },
    leaseLost: { type: "leaseLost", ...about, reason: "taken" },
    leaseReleased: { type: "leaseReleased", ...about, to: undefined },
    phaseChanged: { type: "phaseChanged", ...about, phase: "processing" },
    shardBlocked: { type: "shardBlocked", ...about, parents: ["shardId-000000000009"] },
    iteratorGiven: { type: "iteratorGiven", ...about, ms: 8 },
    pageFetched: { type: "pageFetched", ...about, records: 10, bytes: 1000, millisBehindLatest: 0, ms: 30 },
    fetchFailed: { type: "fetchFailed", ...about, error, retryInMs: 1000 },
    checkpointTrimmed: {
      type: "checkpointTrimmed",
      ...about,
      checkpoint: at,
      found: "4970",
      isForeign: false,
      outcome: "trim-horizon",
    },
    iteratorExpired: { type: "iteratorExpired", ...about },
    callbackStarted: { type: "callbackStarted", ...about, callback: "processRecords", records: 10 },
    callbackEnded: { type: "callbackEnded", ...about, callback: "processRecords", ms: 40, error: undefined },
    batchProcessed: {
      type: "batchProcessed",
      ...about,
      records: 10,
      bytes: 1000,
      last: { sequenceNumber: "4977", subSequenceNumber: 3 },
      millisBehindLatest: 0,
      ms: 40,
    },
    batchFailed: {
      type: "batchFailed",
      ...about,
      records: 10,
      first: { sequenceNumber: "4968", subSequenceNumber: 0 },
      last: { sequenceNumber: "4977", subSequenceNumber: 3 },
      outcome: "skipped",
      attempt: 1,
      error,
    },
    recordsGivenUp: {
      type: "recordsGivenUp",
      ...about,
      records: 2,
      first: { sequenceNumber: "4968", subSequenceNumber: 0 },
      last: { sequenceNumber: "4969", subSequenceNumber: 0 },
      condition: "RetryAttemptsExhausted",
      attempts: 4,
      outcome: "deadLettered",
      sink: "arn:aws:sqs:eu-central-1:123456789012:letters",
      error,
    },
    deadLetterFailed: {
      type: "deadLetterFailed",
      ...about,
      sink: "arn:aws:sqs:eu-central-1:123456789012:letters",
      attempt: 2,
      retryInMs: 200,
      error,
    },
    shardStopped: {
      type: "shardStopped",
      ...about,
      records: 2,
      first: { sequenceNumber: "4968", subSequenceNumber: 0 },
      last: { sequenceNumber: "4969", subSequenceNumber: 0 },
      retryInMs: 300_000,
      error,
    },
    processorRestarting: { type: "processorRestarting", ...about, attempt: 1, error, retryInMs: 500 },
    checkpointed: { type: "checkpointed", ...about, at, ms: 6 },
    checkpointFailed: { type: "checkpointFailed", ...about, at, error },
    aggregateProblem: {
      type: "aggregateProblem",
      ...about,
      sequenceNumber: "4967",
      outcome: "dropped",
      lost: 3,
      detail: "user record 1 of 3 belongs to another shard",
    },
    shardEndReached: {
      type: "shardEndReached",
      ...about,
      childShards: ["shardId-000000000001", "shardId-000000000002"].map((shardId) => ({
        shardId,
        parentShards: [about.shardId],
        hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
      })),
    },
    mergeParentMissing: { type: "mergeParentMissing", ...about, missing: "lease" },
    shardCompleted: { type: "shardCompleted", ...about },
    shardEndNotCheckpointed: { type: "shardEndNotCheckpointed", ...about, attempt: 1 },
    faultBegan: {
      type: "faultBegan",
      code: "noProgress",
      level: "error",
      leaseKey: about.leaseKey,
      text: "Nothing has happened for 1 min.",
    },
    faultEnded: { type: "faultEnded", code: "noProgress", leaseKey: about.leaseKey, ms: 12_000 },
    notice: { type: "notice", level: "info", leaseKey: about.leaseKey, text: "hello" },
    requestSent: {
      type: "requestSent",
      service: "dynamodb",
      operation: "UpdateItem",
      status: 200,
      code: undefined,
      attempt: 1,
      ms: 5,
    },
    requestRetried: {
      type: "requestRetried",
      service: "dynamodb",
      operation: "UpdateItem",
      code: "ThrottlingException",
      attempt: 1,
      delayMs: 50,
    },
    clockSkewLearned: { type: "clockSkewLearned", offsetMs: -90_000 },
    credentialsRefreshed: { type: "credentialsRefreshed", source: "environment", expiresEpochMs: undefined },
    credentialsRefreshFailed: { type: "credentialsRefreshFailed", error },
  };

/** The end of a shard, as a checkpoint event. */
export const CHECKPOINTED_END: WorkerEvent = { ...SAMPLE_EVENTS.checkpointed, at: SHARD_END };

/** A sample with some of its fields changed. */
export function sample<Type extends WorkerEvent["type"]>(
  type: Type,
  changes: Partial<Extract<WorkerEvent, { type: Type }>> = {},
): Extract<WorkerEvent, { type: Type }> {
  return { ...SAMPLE_EVENTS[type], ...changes };
}
