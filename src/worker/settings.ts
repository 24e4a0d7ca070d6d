// Pure.
/**
 * Turns options into settings: every value present and checked, before anything is started.
 *
 * @module
 */

import { assignmentDefaults, type LeaseAssignmentStrategy } from "../lease/assignment.ts";
import type { FormerStreamsLeasesDeletionStrategy } from "../lease/former_streams.ts";
import type { IdlePacing } from "../retrieval/pacing.ts";
import type { OnTrimmedCheckpoint } from "../retrieval/start_position.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import { number, oneOf, position, required } from "./option_checks.ts";
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
}

/**
 * Fills in and checks.
 *
 * @throws {TypeError} when something required is missing or of the wrong kind, {@linkcode RangeError} when a number is out of
 * range.
 */
export function settingsOf(options: WorkerOptions): WorkerSettings {
  const applicationName = required("applicationName", options.applicationName);
  if (typeof options.processor !== "function") {
    throw new TypeError(
      `Cannot start worker: expected processor to be a function that makes a RecordProcessor: got ${typeof options
        .processor}`,
    );
  }
  const failoverTimeMs = number("failoverTimeMs", options.failoverTimeMs ?? 10_000, { min: 1000 });
  const idleTimeBetweenReadsMs = number("idleTimeBetweenReadsMs", options.idleTimeBetweenReadsMs ?? 1000, {
    min: 200,
  });
  const interval = (name: keyof WorkerOptions, fallback: number) =>
    number(name, (options[name] as number | undefined) ?? fallback, { min: 1 });
  const count = (name: keyof WorkerOptions, fallback: number) =>
    number(name, (options[name] as number | undefined) ?? fallback, { min: 1, isInteger: true });
  const limit = (
    name: "maxThroughputPerHostKBps" | "dampeningPercentage" | "reBalanceThresholdPercentage",
    min: number,
    max = Infinity,
  ) => number(name, options[name] ?? assignmentDefaults[name], { min, max });
  if (options.cpuUtilization !== undefined && typeof options.cpuUtilization !== "function") {
    throw new TypeError(
      `Cannot start worker: expected cpuUtilization to be a function that gives percents: got ${typeof options
        .cpuUtilization}`,
    );
  }
  const { streams, region } = streamsSetting(options);
  return {
    applicationName,
    tableName: options.tableName ?? applicationName,
    streams,
    region,
    initialPosition: position("initialPositionInStream", options.initialPositionInStream ?? "LATEST"),
    newStreamCheckIntervalMs: interval("newStreamCheckIntervalMs", 60_000),
    formerStreamsLeasesDeletionStrategy: oneOf(
      "formerStreamsLeasesDeletionStrategy",
      options.formerStreamsLeasesDeletionStrategy ?? "NO_STREAMS_LEASES_DELETION",
      [
        "NO_STREAMS_LEASES_DELETION",
        "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION",
        "PROVIDED_STREAMS_DEFERRED_DELETION",
      ],
    ),
    waitPeriodToDeleteFormerStreamsMs: number(
      "waitPeriodToDeleteFormerStreamsMs",
      options.waitPeriodToDeleteFormerStreamsMs ?? 3_600_000,
      { min: 0 },
    ),
    onTrimmedCheckpoint: oneOf("onTrimmedCheckpoint", options.onTrimmedCheckpoint ?? "trim-horizon", [
      "trim-horizon",
      "latest",
      "stop",
    ]),
    failoverTimeMs,
    leaseAssignmentIntervalMs: interval("leaseAssignmentIntervalMs", failoverTimeMs / 4),
    leaseDiscoveryIntervalMs: interval("leaseDiscoveryIntervalMs", 1000),
    maxLeasesForWorker: number("maxLeasesForWorker", options.maxLeasesForWorker ?? Infinity, { min: 1 }),
    maxLeaseRenewals: count("maxLeaseRenewals", 20),
    gracefulLeaseHandoffTimeoutMs: interval("gracefulLeaseHandoffTimeoutMs", 30_000),
    isGracefulLeaseHandoffEnabled: options.isGracefulLeaseHandoffEnabled ??
      assignmentDefaults.gracefulHandoff,
    leaseAssignmentStrategy: oneOf(
      "leaseAssignmentStrategy",
      options.leaseAssignmentStrategy ?? assignmentDefaults.strategy,
      ["LEASE_COUNT_BASED", "WORKER_UTILIZATION_AWARE"],
    ),
    maxThroughputPerHostKBps: limit("maxThroughputPerHostKBps", 0),
    dampeningPercentage: limit("dampeningPercentage", 1, 100),
    reBalanceThresholdPercentage: limit("reBalanceThresholdPercentage", 0),
    allowThroughputOvershoot: options.allowThroughputOvershoot ?? assignmentDefaults.allowThroughputOvershoot,
    migrateAllEntitiesToLeaseTable: options.migrateAllEntitiesToLeaseTable ?? false,
    parentShardPollIntervalMs: interval("parentShardPollIntervalMs", 2000),
    leaseAuditIntervalMs: interval("leaseAuditIntervalMs", 10_000),
    leaseCleanupIntervalMs: interval("leaseCleanupIntervalMs", 60_000),
    cleanupLeasesUponShardCompletion: options.cleanupLeasesUponShardCompletion ?? true,
    ignoreUnexpectedChildShards: options.ignoreUnexpectedChildShards ?? false,
    skipShardSyncAtWorkerInitializationIfLeasesExist:
      options.skipShardSyncAtWorkerInitializationIfLeasesExist ?? false,
    maxInitializationAttempts: count("maxInitializationAttempts", 20),
    schedulerInitializationBackoffTimeMs: interval("schedulerInitializationBackoffTimeMs", 1000),
    maxRecords: number("maxRecords", options.maxRecords ?? 10_000, { min: 1, max: 10_000, isInteger: true }),
    idlePacing: oneOf("idlePacing", options.idlePacing ?? "adaptive", ["adaptive", "fixed"]),
    idleTimeBetweenReadsMs,
    maxIdleTimeBetweenReadsMs: number(
      "maxIdleTimeBetweenReadsMs",
      options.maxIdleTimeBetweenReadsMs ??
        Math.max(idleTimeBetweenReadsMs, Math.min(4 * idleTimeBetweenReadsMs, 10_000)),
      // 30 s: the longest pause after a failed read too, half of what health takes for a shard that stands still.
      { min: idleTimeBetweenReadsMs, max: Math.max(idleTimeBetweenReadsMs, 30_000) },
    ),
    maxReadsPerSecond: number("maxReadsPerSecond", options.maxReadsPerSecond ?? 5, { min: 0.01 }),
    // 2 MiB a second: the read limit of a shard, Kinesis quotas.
    maxReadBytesPerSecond: number("maxReadBytesPerSecond", options.maxReadBytesPerSecond ?? 2_097_152, {
      min: 1,
    }),
    // 256 MiB; ours.
    maxBufferedBytes: number("maxBufferedBytes", options.maxBufferedBytes ?? 268_435_456, { min: 0 }),
    retrievalMode: oneOf("retrievalMode", options.retrievalMode ?? "POLLING", ["POLLING", "FANOUT"]),
    consumerName: options.consumerName ?? applicationName,
    deregisterConsumerOnStop: options.deregisterConsumerOnStop ?? false,
    wireFormat: oneOf("wireFormat", options.wireFormat ?? "json", ["json", "cbor"]),
    callProcessRecordsEvenForEmptyRecordList: options.callProcessRecordsEvenForEmptyRecordList ?? false,
    onProcessError: oneOf("onProcessError", options.onProcessError ?? "skip", ["skip", "retry", "stop"]),
    taskBackoffTimeMs: interval("taskBackoffTimeMs", 500),
    shutdownGraceMs: number("shutdownGraceMs", options.shutdownGraceMs ?? 30_000, { min: 0 }),
  };
}
