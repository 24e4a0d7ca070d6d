import { assertEquals } from "@std/assert";
import type { MetricPoint } from "../../src/cloudwatch/metric_point.ts";
import { MetricPoints } from "../../src/cloudwatch/metric_points.ts";
import { AwsServiceError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { sample, SAMPLE_EVENTS } from "../observe/sample_events.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** The points of events, short: `operation/name = value`. */
function bed(isMultiStream = false) {
  const clock = new FakeClock();
  const points: MetricPoint[] = [];
  const options = { workerIdentifier: "w1", isMultiStream, clock };
  const { listener } = new MetricPoints(options, (point) => void points.push(point));
  return {
    clock,
    points,
    /** What these events alone add. */
    of: (...events: readonly WorkerEvent[]) => {
      points.length = 0;
      events.forEach(listener);
      return points.map(({ name, value, dimensions }) => `${dimensions.Operation}/${name} = ${value}`);
    },
    /** Those of one name. */
    named: (name: string, ...events: readonly WorkerEvent[]) => {
      points.length = 0;
      events.forEach(listener);
      return points.filter((point) => point.name === name).map(({ value, dimensions }) =>
        `${dimensions.Operation} ${value}`
      );
    },
  };
}

const begin = sample("phaseChanged", { phase: "processing" });
const started = sample("callbackStarted", { callback: "processRecords" });
const called = sample("callbackEnded", { callback: "processRecords", ms: 40, error: undefined });
const behind = (millisBehindLatest: number, records = 10) =>
  sample("pageFetched", { millisBehindLatest, records });
const failure = (operation: string, service = "kinesis") =>
  new AwsServiceError({
    service,
    operation,
    code: "InternalFailure",
    status: 500,
    requestId: undefined,
    retryable: true,
    detail: "no luck",
    body: undefined,
  });

Deno.test("MetricPoints of a batch are its records, bytes, times and lag, of the shard and of the application", () => {
  const { of, points } = bed();
  of(begin);
  const processed = sample("batchProcessed", { records: 10, bytes: 1000, millisBehindLatest: 300 });
  assertEquals(of(behind(300), started, called, processed), [
    "ProcessTask/KinesisDataFetcher.getRecords.Success = 1",
    "ProcessTask/KinesisDataFetcher.getRecords.Time = 30",
    "ProcessTask/RecordProcessor.processRecords.Time = 40",
    "ProcessTask/Success = 1",
    "ProcessTask/Time = 40",
    "ProcessTask/RecordsProcessed = 10",
    "ProcessTask/DataBytesProcessed = 1000",
    "ProcessTask/MillisBehindLatest = 300",
    "ApplicationTracker/MillisBehindLatest = 300",
  ]);
  const { shardId } = started;
  assertEquals(points.map(({ dimensions }) => dimensions), [
    ...Array.from({ length: 8 }, () => ({ Operation: "ProcessTask", ShardId: shardId })),
    { Operation: "ApplicationTracker" },
  ]);
});

Deno.test("MetricPoints of an empty page are those of a batch without records", () => {
  const { of } = bed();
  of(begin);
  assertEquals(of(behind(0, 0)).slice(2), [
    "ProcessTask/RecordsProcessed = 0",
    "ProcessTask/DataBytesProcessed = 0",
    "ProcessTask/Success = 1",
    "ProcessTask/Time = 0",
    "ProcessTask/MillisBehindLatest = 0",
    "ApplicationTracker/MillisBehindLatest = 0",
  ]);
});

Deno.test("MetricPoints of pages that are pushed have the lag of each, and no GetRecords", () => {
  const { of } = bed();
  of(begin);
  assertEquals(of({ ...behind(70, 0), isPushed: true }).filter((line) => line.includes("Millis")), [
    "ProcessTask/MillisBehindLatest = 70",
    "ApplicationTracker/MillisBehindLatest = 70",
  ]);
  assertEquals(of({ ...behind(70, 5), isPushed: true }), []);
});

Deno.test("MetricPoints name the stream of a shard in a fleet of many streams only", () => {
  const about = { leaseKey: "123:words:7:shardId-0", shardId: "shardId-0" };
  const many = bed(true), one = bed();
  many.of({ ...SAMPLE_EVENTS.checkpointed, ...about }, { ...SAMPLE_EVENTS.iteratorExpired, ...about });
  assertEquals(many.points.map(({ dimensions }) => dimensions), [
    { Operation: "ProcessTask", StreamId: "123:words:7", ShardId: "shardId-0" },
    { Operation: "ProcessTask", StreamId: "123:words:7", ShardId: "shardId-0" },
    { Operation: "ProcessTask", StreamId: "123:words:7", ShardId: "shardId-0" },
    { Operation: "ProcessTask", StreamId: "123:words:7" },
  ]);
  one.of(SAMPLE_EVENTS.iteratorExpired);
  assertEquals(one.points.at(-1)?.dimensions, { Operation: "ProcessTask" });
});

Deno.test("MetricPoints report no lag of a page that was read ahead of a call", () => {
  const { of, named } = bed();
  of(begin, behind(9000), started);
  assertEquals(named("MillisBehindLatest", behind(0, 0)), []);
  const processed = sample("batchProcessed", { millisBehindLatest: 9000 });
  assertEquals(named("MillisBehindLatest", called, processed), [
    "ProcessTask 9000",
    "ApplicationTracker 9000",
  ]);
  assertEquals(named("MillisBehindLatest", behind(0, 0)), ["ProcessTask 0", "ApplicationTracker 0"]);
});

Deno.test("MetricPoints report the lag of pages whose records were all filtered out", () => {
  const { of, named } = bed();
  of(begin, behind(500));
  assertEquals(named("MillisBehindLatest", behind(400)), ["ProcessTask 500", "ApplicationTracker 500"]);
});

Deno.test("MetricPoints of a batch that fails again and again show a lag that grows, whatever is read ahead", async () => {
  const { of, named, clock } = bed();
  const thrown = { ...called, error: new Error("no luck") };
  const failed = sample("batchFailed", { outcome: "retrying", records: 10 });
  of(begin, behind(200), started);
  assertEquals(named("MillisBehindLatest", thrown, failed), ["ProcessTask 200", "ApplicationTracker 200"]);
  await clock.advance(60_000);
  assertEquals(named("MillisBehindLatest", behind(0, 0)), []);
  assertEquals(named("MillisBehindLatest", started, thrown, failed), [
    "ProcessTask 60200",
    "ApplicationTracker 60200",
  ]);
  const processed = sample("batchProcessed", { millisBehindLatest: 200 });
  of(started, called, processed);
  assertEquals(named("MillisBehindLatest", behind(0, 0)), ["ProcessTask 0", "ApplicationTracker 0"]);
});

Deno.test("MetricPoints of a processor that throws leave Success at 1, as KCL does, and count failures and skipped records", () => {
  const { of } = bed();
  of(begin, started);
  const thrown = { ...called, error: new Error("no luck") };
  assertEquals(of(thrown, sample("batchFailed", { outcome: "skipped", records: 10 })), [
    "ProcessTask/RecordProcessor.processRecords.Time = 40",
    "ProcessTask/Success = 1",
    "ProcessTask/Time = 40",
    "ProcessTask/RecordProcessor.processRecords.Failures = 1",
    "ProcessTask/RecordsProcessed = 10",
    "ProcessTask/DataBytesProcessed = 0",
    "ProcessTask/RecordsSkipped = 10",
  ]);
  assertEquals(of(sample("processorRestarting")), ["ProcessTask/Success = 0"]);
});

Deno.test("MetricPoints of records that were given up count them once, as skipped or as processed", () => {
  const { of } = bed();
  of(begin);
  const givenUp = { ...SAMPLE_EVENTS.recordsGivenUp, records: 2 };
  const both = ["ProcessTask/RecordsProcessed = 2", "ProcessTask/DataBytesProcessed = 0"];
  assertEquals(of({ ...givenUp, outcome: "deadLettered" }), both);
  assertEquals(of({ ...givenUp, outcome: "skipped" }), [...both, "ProcessTask/RecordsSkipped = 2"]);
});

Deno.test("MetricPoints of checkpoints are ShutdownTask's once the processor is left", () => {
  const { named, of } = bed();
  of(begin);
  assertEquals(named("UpdateLease.Success", SAMPLE_EVENTS.checkpointed), ["ProcessTask 1"]);
  assertEquals(named("UpdateLease.Success", SAMPLE_EVENTS.checkpointFailed), ["ProcessTask 0"]);
  of(sample("phaseChanged", { phase: "shardEnded" }));
  assertEquals(named("UpdateLease.Success", SAMPLE_EVENTS.checkpointed), ["ShutdownTask 1"]);
  of(sample("phaseChanged", { phase: "ended" }), sample("phaseChanged", { phase: "initializing" }));
  assertEquals(named("UpdateLease.Success", SAMPLE_EVENTS.checkpointed), ["ProcessTask 1"]);
});

Deno.test("MetricPoints of failed reads name the call that failed", () => {
  const { of } = bed();
  const failed = (error: unknown) => sample("fetchFailed", { error });
  assertEquals(of(failed(failure("GetRecords"))), ["ProcessTask/KinesisDataFetcher.getRecords.Success = 0"]);
  assertEquals(of(failed(failure("GetShardIterator"))), [
    "ProcessTask/KinesisDataFetcher.getShardIterator.Success = 0",
  ]);
  assertEquals(of(failed(failure("SubscribeToShard")), failed(failure("GetItem", "dynamodb"))), []);
});

Deno.test("MetricPoints of callbacks are those of their tasks", () => {
  const { of } = bed();
  const callback = (callback: "initialize" | "shardEnded" | "leaseLost" | "shutdownRequested") =>
    sample("callbackEnded", { callback, ms: 5 });
  assertEquals(
    of(
      callback("initialize"),
      callback("shardEnded"),
      callback("leaseLost"),
      callback("shutdownRequested"),
    ),
    [
      "InitializeTask/RecordProcessor.initialize.Time = 5",
      "ShutdownTask/RecordProcessor.shutdown.Time = 5",
      "ShutdownTask/RecordProcessor.shutdown.Time = 5",
    ],
  );
});

Deno.test("MetricPoints of a look for leases have the renewals and losses since the last one", () => {
  const { of, points } = bed();
  const look = sample("leasesDiscovered", { held: 3, found: 2, foreign: 1, listMs: 4, beginMs: 9 });
  of(
    sample("leaseRenewed", { ms: 7 }),
    sample("leaseRenewed", { ms: 5 }),
    sample("leaseRenewalFailed"),
    sample("leaseLost"),
  );
  assertEquals(of(look), [
    "LeaseDiscovery/ListLeaseKeysForWorker.Time = 4",
    "LeaseDiscovery/FetchNewLeases.Time = 9",
    "LeaseDiscovery/NewLeasesDiscovered = 1",
    "LeaseDiscovery/OwnerMismatch = 1",
    "LeaseDiscovery/Success = 1",
    "LeaseDiscovery/Time = 13",
    "RenewAllLeases/CurrentLeases = 3",
    "RenewAllLeases/LostLeases = 1",
    "RenewAllLeases/Success = 0",
    "RenewAllLeases/Time = 7",
  ]);
  assertEquals(points.every(({ dimensions }) => dimensions.WorkerIdentifier === "w1"), true);
  assertEquals(
    of(sample("leasesDiscovered", { held: 3, found: 0, foreign: 0, listMs: undefined, beginMs: 1 })),
    [
      "LeaseDiscovery/FetchNewLeases.Time = 1",
      "LeaseDiscovery/NewLeasesDiscovered = 0",
      "LeaseDiscovery/Success = 1",
      "LeaseDiscovery/Time = 1",
      "RenewAllLeases/CurrentLeases = 3",
      "RenewAllLeases/LostLeases = 0",
      "RenewAllLeases/Success = 1",
      "RenewAllLeases/Time = 0",
    ],
  );
  const failed = sample("passFailed", { pass: "discovery", error: failure("GetItem", "dynamodb") });
  assertEquals(of(failed), ["LeaseDiscovery/GetLease:Error = 1", "LeaseDiscovery/Success = 0"]);
});

Deno.test("MetricPoints of a worker that stops have the leases that it lost at last", () => {
  const { of } = bed();
  assertEquals(of(sample("leaseLost"), sample("leaseLost"), sample("workerStopped")), [
    "RenewAllLeases/LostLeases = 2",
  ]);
  assertEquals(of(sample("workerStopped")), []);
});

Deno.test("MetricPoints of a leader's pass have what is rare only where there is any", () => {
  const { of } = bed();
  const pass = sample("assignmentPass", {
    balanced: 2,
    planMs: 3,
    spillover: 1,
    unreadable: 4,
    unreadableWorkers: 5,
  });
  assertEquals(of(pass), [
    "LeaderDecider/LeaderDecider:IsLeader = 1",
    "LeaseAssignmentManager/TotalLeases = 4",
    "LeaseAssignmentManager/NumWorkers = 2",
    "LeaseAssignmentManager/ExpiredLeases = 3",
    "LeaseAssignmentManager/LeaseSpillover = 1",
    "LeaseAssignmentManager/NumWorkersWithInvalidEntry = 5",
    "LeaseAssignmentManager/LeaseDeserializationFailureCount = 4",
    "LeaseAssignmentManager/LeaseAndWorkerMetricsLoad.Time = 12",
    "LeaseAssignmentManager/AssignExpiredOrUnassignedLeases.Time = 3",
    "LeaseAssignmentManager/BalanceWorkerVariance.Time = 3",
    "LeaseAssignmentManager/NumOfLeasesReassignment = 2",
    "LeaseAssignmentManager/ParallelyAssignLeases.Success = 1",
    "LeaseAssignmentManager/ParallelyAssignLeases.Time = 7",
    "LeaseAssignmentManager/FailedAssignmentCount = 0",
    "LeaseAssignmentManager/Success = 1",
    "LeaseAssignmentManager/Time = 20",
  ]);
  const names = of(SAMPLE_EVENTS.assignmentPass).join();
  for (const rare of ["Spillover", "InvalidEntry", "Deserialization", "Balance", "Reassignment"]) {
    assertEquals(names.includes(rare), false, rare);
  }
  assertEquals(of(sample("passEnded", { pass: "assignment", ms: 30 })), []);
});

Deno.test("MetricPoints of a worker that does not lead say so at each pass", () => {
  const { of } = bed();
  assertEquals(of(sample("passEnded", { pass: "assignment", ms: 1, isSkipped: true })), [
    "LeaderDecider/LeaderDecider:IsLeader = 0",
    "LeaseAssignmentManager/Success = 1",
    "LeaseAssignmentManager/Time = 1",
  ]);
});

Deno.test("MetricPoints of a leader whose passes fail end with ForceLeaderRelease; a failed audit is no failed assignment", () => {
  const { of } = bed();
  const failed = sample("passFailed", { pass: "assignment" });
  assertEquals(of(failed), ["LeaseAssignmentManager/Success = 0"]);
  assertEquals(of(sample("leadershipLost")), ["LeaseAssignmentManager/ForceLeaderRelease = 1"]);
  assertEquals(of(sample("leadershipLost")), []);
  of(SAMPLE_EVENTS.assignmentPass);
  assertEquals(of(failed), []);
});

Deno.test("MetricPoints of audits are one value for all streams of a pass", () => {
  const { of } = bed(true);
  const audited = (isCovered: boolean, isSynced: boolean, error?: unknown) =>
    sample("coverageAudited", { isCovered, isSynced, ms: 3, error });
  const events = [audited(true, false), audited(false, false), audited(false, true)];
  assertEquals(of(...events), []);
  const ended = sample("fleetAudited");
  assertEquals(of(ended), [
    "PeriodicShardSyncManager/NumStreamsWithPartialLeases = 2",
    "PeriodicShardSyncManager/NumStreamsToSync = 1",
    "PeriodicShardSyncManager/NumSkippedShardSyncTask = 0",
    "PeriodicShardSyncManager/Success = 1",
    "PeriodicShardSyncManager/Time = 9",
  ]);
  assertEquals(of(ended), []);
  assertEquals(of(audited(false, true, new Error("no luck"))), [
    "ShardSyncTask/SyncShards.Success = 0",
    "ShardSyncTask/Success = 0",
  ]);
  assertEquals(of(ended).includes("PeriodicShardSyncManager/Success = 0"), true);
});

Deno.test("MetricPoints of new leases name the checkpoint, and whether a shard's end or a sync made them", () => {
  const { of } = bed();
  const created = (parentLeaseKey: string | undefined, at: string) =>
    sample("leaseCreated", { parentLeaseKey, checkpoint: positionAt(at), ms: 6 });
  assertEquals(of(created("p", "TRIM_HORIZON")), [
    "ShutdownTask/CreateLease.Success = 1",
    "ShutdownTask/CreateLease.Time = 6",
    "ShutdownTask/CreateLease_TRIM_HORIZON.Success = 1",
  ]);
  assertEquals(of(created(undefined, "LATEST")).at(-1), "ShardSyncTask/CreateLease_LATEST.Success = 1");
  assertEquals(of(created(undefined, "4967")).length, 2);
  assertEquals(of(sample("shardsSynced", { ms: 50 })), [
    "ShardSyncTask/SyncShards.Success = 1",
    "ShardSyncTask/Success = 1",
    "ShardSyncTask/Time = 50",
  ]);
  assertEquals(
    of(
      sample("mergeParentMissing", { missing: "lease" }),
      sample("mergeParentMissing", { missing: "parent" }),
    ),
    ["ShutdownTask/MissingMergeParentLease = 1", "ShutdownTask/MissingMergeParent = 1"],
  );
});

Deno.test("MetricPoints of the worker are its starts, its reports and its streams", () => {
  const { of } = bed(true);
  assertEquals(of(SAMPLE_EVENTS.initializationFailed, SAMPLE_EVENTS.workerReady), [
    "Scheduler:Initialize/Initialize.Success = 0",
    "Scheduler:Initialize/Initialize.Success = 1",
  ]);
  assertEquals(of(sample("passEnded", { pass: "workerMetrics", ms: 8 })), [
    "WorkerMetricStatsReporter/Success = 1",
    "WorkerMetricStatsReporter/Time = 8",
  ]);
  assertEquals(of(sample("passFailed", { pass: "workerMetrics" })), [
    "WorkerMetricStatsReporter/Success = 0",
  ]);
  const streams = sample("passEnded", { pass: "streams" });
  const added = (streamIdentifier: string) => sample("streamAdded", { streamIdentifier });
  assertEquals(of(added("1:a:2"), added("1:b:2"), streams), ["MultiStreamTracker/ActiveStreams.Count = 2"]);
  assertEquals(of(sample("streamRemoved", { streamIdentifier: "1:a:2" }), streams), [
    "MultiStreamTracker/ActiveStreams.Count = 1",
  ]);
});

Deno.test("MetricPoints have the unit and the level of the list, and no value that CloudWatch refuses", () => {
  const { of, points } = bed();
  of(...Object.values(SAMPLE_EVENTS));
  assertEquals(points.length > 50, true);
  for (const { value, dimensions } of points) {
    assertEquals(Number.isFinite(value) && dimensions.Operation !== undefined, true);
  }
  const time = points.find(({ name }) => name === "RecordProcessor.processRecords.Time");
  assertEquals([time?.unit, time?.importance], ["Milliseconds", "SUMMARY"]);
});
