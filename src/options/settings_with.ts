// Pure.
/**
 * Turns options into settings: every value present and checked, before anything is started.
 *
 * Options are flat and have KCL's names. Settings come in groups, each named for its readers. A part of the
 * worker takes the group that it reads, so that its signature shows which settings it uses. A value that
 * several groups need is in each of them.
 *
 * @module
 */

import { ASSIGNMENT_DEFAULTS } from "../lease/assignment.ts";
import type { Pacing } from "../retrieval/pacing.ts";
import type { FailureSettings } from "../failures/failure_options.ts";
import { number } from "./option_checks.ts";
import { checkOptions } from "./option_table.ts";
import type { WorkerOptions } from "./options.ts";
import type { WorkerSettings } from "./setting_groups.ts";
import { streamsSetting } from "./stream_settings.ts";

/**
 * Fills in and checks.
 *
 * @param failureSettings Does so for `errors`, `batch`, `filter` and `concurrency`; undefined where none of
 * them is set.
 * @throws {TypeError} when something required is missing, or an option is of the wrong kind or unknown,
 * {@linkcode RangeError} when a number is out of range.
 */
export function settingsWith(
  options: WorkerOptions,
  failureSettings: ((options: WorkerOptions) => FailureSettings | undefined) | undefined,
): WorkerSettings {
  checkOptions(options);
  const {
    applicationName,
    tableName = applicationName,
    failoverTimeMs = 10_000,
    gracefulLeaseHandoffTimeoutMs = ASSIGNMENT_DEFAULTS.handoffTimeoutMs,
    leaseAuditIntervalMs = 10_000,
    callbackLimitMs = 300_000,
  } = options;
  const pacing = pacingOf(options);
  const { streams, region } = streamsSetting(options);
  return {
    applicationName,
    workerIdentifier: options.workerIdentifier,
    clients: {
      region,
      kinesisEndpoint: options.kinesisEndpoint,
      dynamoDBRegion: options.dynamoDBRegion ?? region,
      dynamoDBEndpoint: options.dynamoDBEndpoint,
      dynamoDBStreamsEndpoint: options.dynamoDBStreamsEndpoint,
      wireFormat: options.wireFormat ?? "auto",
    },
    table: {
      tableName,
      migrateAllEntitiesToLeaseTable: options.migrateAllEntitiesToLeaseTable ?? false,
      billingMode: options.billingMode ?? "PAY_PER_REQUEST",
      leaseTableDeletionProtectionEnabled: options.leaseTableDeletionProtectionEnabled ?? false,
      leaseTablePitrEnabled: options.leaseTablePitrEnabled ?? false,
      leaseTableTags: options.leaseTableTags ?? {},
      leaseTableScanTotalSegments: options.leaseTableScanTotalSegments ?? 0,
    },
    finding: { streams, region, initialPosition: options.initialPositionInStream ?? "LATEST" },
    starting: {
      maxInitializationAttempts: options.maxInitializationAttempts ?? 20,
      schedulerInitializationBackoffTimeMs: options.schedulerInitializationBackoffTimeMs ?? 1000,
    },
    leadership: {
      failoverTimeMs,
      leaseAssignmentIntervalMs: options.leaseAssignmentIntervalMs ?? failoverTimeMs / 4,
      leaseAuditIntervalMs,
    },
    assignment: {
      failoverTimeMs,
      handoffTimeoutMs: gracefulLeaseHandoffTimeoutMs,
      gracefulHandoff: options.isGracefulLeaseHandoffEnabled ?? ASSIGNMENT_DEFAULTS.gracefulHandoff,
      strategy: options.leaseAssignmentStrategy ?? ASSIGNMENT_DEFAULTS.strategy,
      maxLeasesForWorker: options.maxLeasesForWorker ?? ASSIGNMENT_DEFAULTS.maxLeasesForWorker,
      maxThroughputPerHostKBps: options.maxThroughputPerHostKBps ??
        ASSIGNMENT_DEFAULTS.maxThroughputPerHostKBps,
      dampeningPercentage: options.dampeningPercentage ?? ASSIGNMENT_DEFAULTS.dampeningPercentage,
      reBalanceThresholdPercentage: options.reBalanceThresholdPercentage ??
        ASSIGNMENT_DEFAULTS.reBalanceThresholdPercentage,
      allowThroughputOvershoot: options.allowThroughputOvershoot ??
        ASSIGNMENT_DEFAULTS.allowThroughputOvershoot,
    },
    syncing: {
      leaseAuditIntervalMs,
      ignoreUnexpectedChildShards: options.ignoreUnexpectedChildShards ?? false,
      newStreamCheckIntervalMs: options.newStreamCheckIntervalMs ?? 60_000,
      formerStreamsLeasesDeletionStrategy: options.formerStreamsLeasesDeletionStrategy ??
        "NO_STREAMS_LEASES_DELETION",
      waitPeriodToDeleteFormerStreamsMs: options.waitPeriodToDeleteFormerStreamsMs ?? 3_600_000,
      streamIdentifiersForLeaseCleanup: options.streamIdentifiersForLeaseCleanup,
    },
    leasing: {
      failoverTimeMs,
      gracefulLeaseHandoffTimeoutMs,
      leaseDiscoveryIntervalMs: options.leaseDiscoveryIntervalMs ?? 1000,
      maxLeaseRenewals: options.maxLeaseRenewals ?? 20,
    },
    cleaning: {
      leaseCleanupIntervalMs: options.leaseCleanupIntervalMs ?? 60_000,
      cleanupLeasesUponShardCompletion: options.cleanupLeasesUponShardCompletion ?? true,
    },
    reading: {
      retrievalMode: options.retrievalMode ?? "POLLING",
      consumerName: options.consumerName ?? applicationName,
      deregisterConsumerOnStop: options.deregisterConsumerOnStop ?? false,
      onTrimmedCheckpoint: options.onTrimmedCheckpoint ?? "trim-horizon",
      maxRecords: options.maxRecords ?? 10_000,
      // 64 MiB; ours. 32 MiB slowed four shards with slow processors down.
      maxBufferedBytes: options.maxBufferedBytes ?? 67_108_864,
      pacing,
    },
    delivery: {
      onProcessError: options.onProcessError ?? "skip",
      isErrorRuleChosen: (options.onProcessError ?? options.errors) !== undefined,
      isPolicy: options.errors !== undefined,
      taskBackoffTimeMs: options.taskBackoffTimeMs ?? 500,
      callProcessRecordsEvenForEmptyRecordList: options.callProcessRecordsEvenForEmptyRecordList ?? false,
      foreignAggregates: options.foreignAggregates ?? "drop",
      parentShardPollIntervalMs: options.parentShardPollIntervalMs ?? 2000,
    },
    failures: failureSettings?.(options),
    watching: {
      failoverTimeMs,
      callbackLimitMs,
      dataLossLimitMs: options.dataLossLimitMs,
      idleTimeBetweenReadsMs: pacing.idleTimeBetweenReadsMs,
      logWarningForTaskAfterMs: options.logWarningForTaskAfterMs,
    },
    stopping: { shutdownGraceMs: options.shutdownGraceMs ?? 30_000 },
  };
}

function pacingOf(options: WorkerOptions): Pacing {
  const { idleTimeBetweenReadsMs = 1000 } = options;
  const maxIdleTimeBetweenReadsMs = options.maxIdleTimeBetweenReadsMs ??
    Math.max(idleTimeBetweenReadsMs, Math.min(4 * idleTimeBetweenReadsMs, 10_000));
  // 30 s: also the longest pause after a failed read, and half of what health allows a shard without
  // progress.
  number({ min: idleTimeBetweenReadsMs, max: Math.max(idleTimeBetweenReadsMs, 30_000) })(
    "maxIdleTimeBetweenReadsMs",
    maxIdleTimeBetweenReadsMs,
  );
  return {
    idlePacing: options.idlePacing ?? "adaptive",
    idleTimeBetweenReadsMs,
    maxIdleTimeBetweenReadsMs,
    maxReadsPerSecond: options.maxReadsPerSecond ?? 5,
    // 2 MiB a second: the read limit of a shard, Kinesis quotas.
    maxReadBytesPerSecond: options.maxReadBytesPerSecond ?? 2_097_152,
  };
}
