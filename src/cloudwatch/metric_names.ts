// Pure.
/**
 * Every metric that is sent, by operation and name, and KCL's metrics that are not. Names, units, levels and
 * dimensions are KCL's, so that dashboards and alarms of a Java fleet go on.
 *
 * Source: KCL 3.5.1, `MetricsUtil` and its callers. `deno task interop:java` compares the list with what Java
 * sends.
 *
 * @module
 */

import type { MetricDimension, MetricImportance, MetricUnit } from "./metric_point.ts";

/**
 * What a metric is counted for, and so its dimensions beside `Operation`. `shard`: ShardId, and with many
 * streams StreamId. `stream`: with many streams StreamId, else none. `worker`: WorkerIdentifier.
 * `application`: none.
 */
export type MetricSubject = "application" | "stream" | "shard" | "worker";

/** A metric's row: level, unit, what it is counted for, and whether it comes all the time or on occasion. */
type Row = readonly [MetricImportance, MetricUnit, MetricSubject, "steady" | "rare"];

/** By `operation/name`. `steady` metrics have a value each minute, `rare` ones only when something is so. */
export const METRICS = {
  "ApplicationTracker/MillisBehindLatest": ["SUMMARY", "Milliseconds", "application", "steady"],
  "ProcessTask/RecordsProcessed": ["SUMMARY", "Count", "shard", "steady"],
  "ProcessTask/DataBytesProcessed": ["SUMMARY", "Bytes", "shard", "steady"],
  "ProcessTask/MillisBehindLatest": ["SUMMARY", "Milliseconds", "shard", "steady"],
  "ProcessTask/Success": ["SUMMARY", "Count", "shard", "steady"],
  "ProcessTask/Time": ["SUMMARY", "Milliseconds", "shard", "steady"],
  "ProcessTask/RecordProcessor.processRecords.Time": ["SUMMARY", "Milliseconds", "shard", "steady"],
  "ProcessTask/RecordProcessor.processRecords.Failures": ["SUMMARY", "Count", "shard", "rare"],
  "ProcessTask/RecordsSkipped": ["SUMMARY", "Count", "shard", "rare"],
  "ProcessTask/KinesisDataFetcher.getRecords.Success": ["DETAILED", "Count", "shard", "steady"],
  "ProcessTask/KinesisDataFetcher.getRecords.Time": ["DETAILED", "Milliseconds", "shard", "steady"],
  "ProcessTask/KinesisDataFetcher.getShardIterator.Success": ["DETAILED", "Count", "shard", "rare"],
  "ProcessTask/KinesisDataFetcher.getShardIterator.Time": ["DETAILED", "Milliseconds", "shard", "rare"],
  "ProcessTask/UpdateLease.Success": ["DETAILED", "Count", "shard", "steady"],
  "ProcessTask/UpdateLease.Time": ["DETAILED", "Milliseconds", "shard", "steady"],
  "ProcessTask/ExpiredIterator": ["SUMMARY", "Count", "stream", "rare"],
  "InitializeTask/RecordProcessor.initialize.Time": ["SUMMARY", "Milliseconds", "application", "rare"],
  "ShutdownTask/RecordProcessor.shutdown.Time": ["SUMMARY", "Milliseconds", "application", "rare"],
  "ShutdownTask/UpdateLease.Success": ["DETAILED", "Count", "shard", "rare"],
  "ShutdownTask/UpdateLease.Time": ["DETAILED", "Milliseconds", "shard", "rare"],
  "ShutdownTask/CreateLease.Success": ["DETAILED", "Count", "application", "rare"],
  "ShutdownTask/CreateLease.Time": ["DETAILED", "Milliseconds", "application", "rare"],
  "ShutdownTask/CreateLease_TRIM_HORIZON.Success": ["DETAILED", "Count", "application", "rare"],
  "ShutdownTask/MissingMergeParent": ["SUMMARY", "Count", "application", "rare"],
  "ShutdownTask/MissingMergeParentLease": ["SUMMARY", "Count", "application", "rare"],
  "RenewAllLeases/CurrentLeases": ["SUMMARY", "Count", "worker", "steady"],
  "RenewAllLeases/LostLeases": ["SUMMARY", "Count", "worker", "steady"],
  "RenewAllLeases/Success": ["SUMMARY", "Count", "worker", "steady"],
  "RenewAllLeases/Time": ["SUMMARY", "Milliseconds", "worker", "steady"],
  "RenewAllLeases/RenewLease.Success": ["DETAILED", "Count", "worker", "steady"],
  "RenewAllLeases/RenewLease.Time": ["DETAILED", "Milliseconds", "worker", "steady"],
  "LeaseDiscovery/ListLeaseKeysForWorker.Time": ["DETAILED", "Milliseconds", "worker", "steady"],
  "LeaseDiscovery/FetchNewLeases.Time": ["DETAILED", "Milliseconds", "worker", "steady"],
  "LeaseDiscovery/NewLeasesDiscovered": ["DETAILED", "Count", "worker", "steady"],
  "LeaseDiscovery/OwnerMismatch": ["DETAILED", "Count", "worker", "rare"],
  "LeaseDiscovery/GetLease:Error": ["SUMMARY", "Count", "worker", "rare"],
  "LeaseDiscovery/Success": ["SUMMARY", "Count", "worker", "steady"],
  "LeaseDiscovery/Time": ["SUMMARY", "Milliseconds", "worker", "steady"],
  "LeaseAssignmentManager/TotalLeases": ["SUMMARY", "Count", "application", "steady"],
  "LeaseAssignmentManager/NumWorkers": ["SUMMARY", "Count", "application", "steady"],
  "LeaseAssignmentManager/ExpiredLeases": ["SUMMARY", "Count", "application", "steady"],
  "LeaseAssignmentManager/LeaseSpillover": ["SUMMARY", "Count", "application", "rare"],
  "LeaseAssignmentManager/NumOfLeasesReassignment": ["SUMMARY", "Count", "application", "steady"],
  "LeaseAssignmentManager/NumWorkersWithInvalidEntry": ["SUMMARY", "Count", "application", "rare"],
  "LeaseAssignmentManager/LeaseDeserializationFailureCount": ["SUMMARY", "Count", "application", "rare"],
  "LeaseAssignmentManager/ForceLeaderRelease": ["SUMMARY", "Count", "application", "rare"],
  "LeaseAssignmentManager/Success": ["SUMMARY", "Count", "application", "steady"],
  "LeaseAssignmentManager/Time": ["SUMMARY", "Milliseconds", "application", "steady"],
  "LeaseAssignmentManager/LeaseAndWorkerMetricsLoad.Time": [
    "DETAILED",
    "Milliseconds",
    "application",
    "steady",
  ],
  "LeaseAssignmentManager/AssignExpiredOrUnassignedLeases.Time": [
    "DETAILED",
    "Milliseconds",
    "application",
    "steady",
  ],
  "LeaseAssignmentManager/BalanceWorkerVariance.Time": [
    "DETAILED",
    "Milliseconds",
    "application",
    "steady",
  ],
  "LeaseAssignmentManager/ParallelyAssignLeases.Success": ["DETAILED", "Count", "application", "steady"],
  "LeaseAssignmentManager/ParallelyAssignLeases.Time": ["DETAILED", "Milliseconds", "application", "steady"],
  "LeaseAssignmentManager/FailedAssignmentCount": ["DETAILED", "Count", "application", "steady"],
  "LeaderDecider/LeaderDecider:IsLeader": ["DETAILED", "Count", "application", "steady"],
  "PeriodicShardSyncManager/NumStreamsWithPartialLeases": ["SUMMARY", "Count", "application", "steady"],
  "PeriodicShardSyncManager/NumStreamsToSync": ["SUMMARY", "Count", "application", "steady"],
  "PeriodicShardSyncManager/NumSkippedShardSyncTask": ["SUMMARY", "Count", "application", "steady"],
  "PeriodicShardSyncManager/Success": ["SUMMARY", "Count", "application", "steady"],
  "PeriodicShardSyncManager/Time": ["SUMMARY", "Milliseconds", "application", "steady"],
  "ShardSyncTask/SyncShards.Success": ["DETAILED", "Count", "application", "rare"],
  "ShardSyncTask/CreateLease.Success": ["DETAILED", "Count", "application", "rare"],
  "ShardSyncTask/CreateLease.Time": ["DETAILED", "Milliseconds", "application", "rare"],
  "ShardSyncTask/CreateLease_TRIM_HORIZON.Success": ["DETAILED", "Count", "application", "rare"],
  "ShardSyncTask/CreateLease_LATEST.Success": ["DETAILED", "Count", "application", "rare"],
  "ShardSyncTask/CreateLease_AT_TIMESTAMP.Success": ["DETAILED", "Count", "application", "rare"],
  "ShardSyncTask/Success": ["SUMMARY", "Count", "application", "rare"],
  "ShardSyncTask/Time": ["SUMMARY", "Milliseconds", "application", "rare"],
  "MultiStreamTracker/ActiveStreams.Count": ["SUMMARY", "Count", "application", "steady"],
  "WorkerMetricStatsReporter/Success": ["SUMMARY", "Count", "worker", "steady"],
  "WorkerMetricStatsReporter/Time": ["SUMMARY", "Milliseconds", "worker", "steady"],
  "Scheduler:Initialize/Initialize.Success": ["SUMMARY", "Count", "application", "rare"],
} as const;

/** The key of a metric. */
export type MetricId = keyof typeof METRICS;

/** A metric, in words. */
export interface MetricSpec {
  readonly id: MetricId;
  readonly operation: string;
  readonly name: string;
  readonly importance: MetricImportance;
  readonly unit: MetricUnit;
  readonly subject: MetricSubject;
  /** Whether it has a value in each minute. */
  readonly isSteady: boolean;
  /** False: KCL has no such metric. */
  readonly isOfKcl: boolean;
}

/** What KCL lacks. */
const OWN: readonly MetricId[] = [
  "ProcessTask/RecordProcessor.processRecords.Failures",
  "ProcessTask/RecordsSkipped",
];

/** Every metric, in the order of the list. */
export function metricSpecs(): readonly MetricSpec[] {
  return (Object.entries(METRICS) as [MetricId, Row][]).map(([id, [importance, unit, subject, comes]]) => {
    const slash = id.indexOf("/");
    const operation = id.slice(0, slash), name = id.slice(slash + 1);
    return {
      id,
      operation,
      name,
      importance,
      unit,
      subject,
      isSteady: comes === "steady",
      isOfKcl: !OWN.includes(id),
    };
  });
}

/** The dimensions of a metric, in KCL's order. */
export function dimensionsOf({ subject }: MetricSpec, isMultiStream: boolean): readonly MetricDimension[] {
  const stream: readonly MetricDimension[] = isMultiStream ? ["StreamId"] : [];
  switch (subject) {
    case "application":
      return ["Operation"];
    case "worker":
      return ["Operation", "WorkerIdentifier"];
    case "stream":
      return ["Operation", ...stream];
    case "shard":
      return ["Operation", ...stream, "ShardId"];
  }
}

/** Metrics of KCL that are not sent. */
export interface UnsentMetrics {
  readonly operation: string;
  /** `*`: all of the operation. */
  readonly names: readonly string[];
  readonly why: string;
}

/** What Java sends, or may send, and kclite does not. */
export const UNSENT: readonly UnsentMetrics[] = [
  {
    operation: "LeaseAssignmentManager",
    names: ["NumWorkersWithFailingWorkerMetric"],
    why: "kclite's leader balances by the measurements that there are, and does not look for failed ones.",
  },
  {
    operation: "LeaseRenewerInitialize",
    names: ["Fault"],
    why: "kclite has no such step: a worker finds its leases as it finds new ones.",
  },
  {
    operation: "TakeLeases",
    names: ["*"],
    why: "Java sends them in its mode for KCL 2.x, in which kclite never runs.",
  },
  {
    operation: "Migration",
    names: ["*"],
    why: "kclite leaves the upgrade of a fleet from KCL 2.x to Java.",
  },
  {
    operation: "TableMigration, TableMigrationInitialize, TableMigrationAsyncMove",
    names: ["*"],
    why: "kclite leaves the move to the single table to Java.",
  },
  {
    operation: "WorkerMetrics",
    names: ["FleetMinSupportCode"],
    why: "It is a part of the move to the single table, which is Java's.",
  },
  {
    operation: "WorkerMetricStatsReporter",
    names: ["InMemoryMetricStatsReporterFailure"],
    why: "kclite logs it when the CPU cannot be measured.",
  },
  {
    operation: "MultiStreamTracker",
    names: ["StreamsPendingDeletion.Count", "NonExistingStreamDelete.Count", "DeletedStreams.Count"],
    why: "kclite's log and its event `leaseDeleted` name each lease that is deleted.",
  },
  {
    operation: "ShardSyncTask, ShutdownTask",
    names: ["CreateLease_SHARD_END.Success", "CreateLease_SEQUENCE_NUMBER.Success"],
    why: "kclite creates no lease at such a checkpoint.",
  },
  {
    operation: "StreamIdFetch",
    names: ["*"],
    why: "They are of a feature that KCL reserves for later.",
  },
];
