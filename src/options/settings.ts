// Pure.
/**
 * Turns options into settings: every value present and checked, before anything is started.
 *
 * @module
 */

import { ASSIGNMENT_DEFAULTS, type LeaseAssignmentStrategy } from "../lease/assignment.ts";
import type { FormerStreamsLeasesDeletionStrategy } from "../lease/former_streams.ts";
import type { IdlePacing } from "../retrieval/pacing.ts";
import type { OnTrimmedCheckpoint } from "../retrieval/start_position.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import { number } from "./option_checks.ts";
import { checkOptions } from "./option_table.ts";
import type { OnProcessError, WorkerOptions } from "./options.ts";
import { type StreamsSetting, streamsSetting } from "./stream_settings.ts";

/** Options with all defaults filled in. Clients, credentials and system are made elsewhere. */
export interface WorkerSettings {
  readonly applicationName: string;
  readonly tableName: string;
  readonly streams: StreamsSetting;
  readonly region: string | undefined;
  readonly initialPosition: InitialPosition;
  readonly newStreamCheckIntervalMs: number;
  readonly formerStreamsLeasesDeletionStrategy: FormerStreamsLeasesDeletionStrategy;
  readonly waitPeriodToDeleteFormerStreamsMs: number;
  readonly onTrimmedCheckpoint: OnTrimmedCheckpoint;
  readonly failoverTimeMs: number;
  readonly leaseAssignmentIntervalMs: number;
  readonly leaseDiscoveryIntervalMs: number;
  readonly maxLeasesForWorker: number;
  readonly maxLeaseRenewals: number;
  readonly gracefulLeaseHandoffTimeoutMs: number;
  readonly isGracefulLeaseHandoffEnabled: boolean;
  readonly leaseAssignmentStrategy: LeaseAssignmentStrategy;
  readonly maxThroughputPerHostKBps: number;
  readonly dampeningPercentage: number;
  readonly reBalanceThresholdPercentage: number;
  readonly allowThroughputOvershoot: boolean;
  readonly migrateAllEntitiesToLeaseTable: boolean;
  readonly parentShardPollIntervalMs: number;
  readonly leaseAuditIntervalMs: number;
  readonly leaseCleanupIntervalMs: number;
  readonly cleanupLeasesUponShardCompletion: boolean;
  readonly ignoreUnexpectedChildShards: boolean;
  readonly skipShardSyncAtWorkerInitializationIfLeasesExist: boolean;
  readonly maxInitializationAttempts: number;
  readonly schedulerInitializationBackoffTimeMs: number;
  readonly maxRecords: number;
  readonly idlePacing: IdlePacing;
  readonly idleTimeBetweenReadsMs: number;
  readonly maxIdleTimeBetweenReadsMs: number;
  readonly maxReadsPerSecond: number;
  readonly maxReadBytesPerSecond: number;
  readonly maxBufferedBytes: number;
  readonly retrievalMode: "POLLING" | "FANOUT";
  readonly consumerName: string;
  readonly deregisterConsumerOnStop: boolean;
  readonly wireFormat: "json" | "cbor";
  readonly callProcessRecordsEvenForEmptyRecordList: boolean;
  readonly onProcessError: OnProcessError;
  readonly taskBackoffTimeMs: number;
  readonly shutdownGraceMs: number;
  readonly callbackLimitMs: number;
  readonly logWarningForTaskAfterMs: number | undefined;
}

/**
 * Fills in and checks.
 *
 * @throws {TypeError} when something required is missing, or an option is of the wrong kind or unknown, {@linkcode RangeError}
 * when a number is out of range.
 */
export function settingsOf(options: WorkerOptions): WorkerSettings {
  checkOptions(options);
  const { applicationName, failoverTimeMs = 10_000, idleTimeBetweenReadsMs = 1000 } = options;
  const maxIdleTimeBetweenReadsMs = options.maxIdleTimeBetweenReadsMs ??
    Math.max(idleTimeBetweenReadsMs, Math.min(4 * idleTimeBetweenReadsMs, 10_000));
  // 30 s: the longest pause after a failed read too, half of what health takes for a shard that stands still.
  number({ min: idleTimeBetweenReadsMs, max: Math.max(idleTimeBetweenReadsMs, 30_000) })(
    "maxIdleTimeBetweenReadsMs",
    maxIdleTimeBetweenReadsMs,
  );
  const { streams, region } = streamsSetting(options);
  return {
    applicationName,
    tableName: options.tableName ?? applicationName,
    streams,
    region,
    initialPosition: options.initialPositionInStream ?? "LATEST",
    newStreamCheckIntervalMs: options.newStreamCheckIntervalMs ?? 60_000,
    formerStreamsLeasesDeletionStrategy: options.formerStreamsLeasesDeletionStrategy ??
      "NO_STREAMS_LEASES_DELETION",
    waitPeriodToDeleteFormerStreamsMs: options.waitPeriodToDeleteFormerStreamsMs ?? 3_600_000,
    onTrimmedCheckpoint: options.onTrimmedCheckpoint ?? "trim-horizon",
    failoverTimeMs,
    leaseAssignmentIntervalMs: options.leaseAssignmentIntervalMs ?? failoverTimeMs / 4,
    leaseDiscoveryIntervalMs: options.leaseDiscoveryIntervalMs ?? 1000,
    maxLeasesForWorker: options.maxLeasesForWorker ?? Infinity,
    maxLeaseRenewals: options.maxLeaseRenewals ?? 20,
    gracefulLeaseHandoffTimeoutMs: options.gracefulLeaseHandoffTimeoutMs ?? 30_000,
    isGracefulLeaseHandoffEnabled: options.isGracefulLeaseHandoffEnabled ??
      ASSIGNMENT_DEFAULTS.gracefulHandoff,
    leaseAssignmentStrategy: options.leaseAssignmentStrategy ?? ASSIGNMENT_DEFAULTS.strategy,
    maxThroughputPerHostKBps: options.maxThroughputPerHostKBps ??
      ASSIGNMENT_DEFAULTS.maxThroughputPerHostKBps,
    dampeningPercentage: options.dampeningPercentage ?? ASSIGNMENT_DEFAULTS.dampeningPercentage,
    reBalanceThresholdPercentage: options.reBalanceThresholdPercentage ??
      ASSIGNMENT_DEFAULTS.reBalanceThresholdPercentage,
    allowThroughputOvershoot: options.allowThroughputOvershoot ??
      ASSIGNMENT_DEFAULTS.allowThroughputOvershoot,
    migrateAllEntitiesToLeaseTable: options.migrateAllEntitiesToLeaseTable ?? false,
    parentShardPollIntervalMs: options.parentShardPollIntervalMs ?? 2000,
    leaseAuditIntervalMs: options.leaseAuditIntervalMs ?? 10_000,
    leaseCleanupIntervalMs: options.leaseCleanupIntervalMs ?? 60_000,
    cleanupLeasesUponShardCompletion: options.cleanupLeasesUponShardCompletion ?? true,
    ignoreUnexpectedChildShards: options.ignoreUnexpectedChildShards ?? false,
    skipShardSyncAtWorkerInitializationIfLeasesExist:
      options.skipShardSyncAtWorkerInitializationIfLeasesExist ?? false,
    maxInitializationAttempts: options.maxInitializationAttempts ?? 20,
    schedulerInitializationBackoffTimeMs: options.schedulerInitializationBackoffTimeMs ?? 1000,
    maxRecords: options.maxRecords ?? 10_000,
    idlePacing: options.idlePacing ?? "adaptive",
    idleTimeBetweenReadsMs,
    maxIdleTimeBetweenReadsMs,
    maxReadsPerSecond: options.maxReadsPerSecond ?? 5,
    // 2 MiB a second: the read limit of a shard, Kinesis quotas.
    maxReadBytesPerSecond: options.maxReadBytesPerSecond ?? 2_097_152,
    // 256 MiB; ours.
    maxBufferedBytes: options.maxBufferedBytes ?? 268_435_456,
    retrievalMode: options.retrievalMode ?? "POLLING",
    consumerName: options.consumerName ?? applicationName,
    deregisterConsumerOnStop: options.deregisterConsumerOnStop ?? false,
    wireFormat: options.wireFormat ?? "json",
    callProcessRecordsEvenForEmptyRecordList: options.callProcessRecordsEvenForEmptyRecordList ?? false,
    onProcessError: options.onProcessError ?? "skip",
    taskBackoffTimeMs: options.taskBackoffTimeMs ?? 500,
    shutdownGraceMs: options.shutdownGraceMs ?? 30_000,
    callbackLimitMs: options.callbackLimitMs ?? 300_000,
    logWarningForTaskAfterMs: options.logWarningForTaskAfterMs,
  };
}
