// Pure.
/**
 * Turns options into settings: every value present and checked, before anything is started.
 *
 * @module
 */

import { parseStreamArn } from "../aws/endpoint.ts";
import type { StreamReference } from "../aws/kinesis.ts";
import { assignmentDefaults, type LeaseAssignmentStrategy } from "../lease/assignment.ts";
import type { OnTrimmedCheckpoint } from "../retrieval/start_position.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import type { OnProcessError, WorkerOptions } from "./options.ts";

/** Options with all defaults filled in. Clients, credentials and system are made elsewhere. */
export interface WorkerSettings {
  readonly applicationName: string;
  readonly tableName: string;
  /** The ARN is undefined until the service has told it, unless it was given. */
  readonly stream: StreamReference;
  readonly region: string | undefined;
  readonly initialPosition: InitialPosition;
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
  readonly idleTimeBetweenReadsMs: number;
  readonly maxReadsPerSecond: number;
  readonly maxReadBytesPerSecond: number;
  readonly maxBufferedBytes: number;
  readonly retrievalMode: "POLLING" | "FANOUT";
  readonly consumerName: string;
  readonly consumerArn: string | undefined;
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
  const arn = options.streamArn === undefined ? undefined : parseStreamArn(options.streamArn);
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
  return {
    applicationName,
    tableName: options.tableName ?? applicationName,
    stream: {
      streamName: arn?.streamName ?? required("streamName", options.streamName),
      streamArn: options.streamArn,
    },
    region: options.region ?? arn?.region,
    initialPosition: position(options.initialPositionInStream ?? "LATEST"),
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
    idleTimeBetweenReadsMs: number("idleTimeBetweenReadsMs", options.idleTimeBetweenReadsMs ?? 1000, {
      min: 200,
    }),
    maxReadsPerSecond: number("maxReadsPerSecond", options.maxReadsPerSecond ?? 5, { min: 0.01 }),
    // 2 MiB a second: the read limit of a shard, Kinesis quotas.
    maxReadBytesPerSecond: number("maxReadBytesPerSecond", options.maxReadBytesPerSecond ?? 2_097_152, {
      min: 1,
    }),
    // 256 MiB; ours.
    maxBufferedBytes: number("maxBufferedBytes", options.maxBufferedBytes ?? 268_435_456, { min: 0 }),
    retrievalMode: oneOf("retrievalMode", options.retrievalMode ?? "POLLING", ["POLLING", "FANOUT"]),
    consumerName: options.consumerName ?? applicationName,
    consumerArn: options.consumerArn,
    deregisterConsumerOnStop: options.deregisterConsumerOnStop ?? false,
    wireFormat: oneOf("wireFormat", options.wireFormat ?? "json", ["json", "cbor"]),
    callProcessRecordsEvenForEmptyRecordList: options.callProcessRecordsEvenForEmptyRecordList ?? false,
    onProcessError: oneOf("onProcessError", options.onProcessError ?? "skip", ["skip", "retry", "stop"]),
    taskBackoffTimeMs: interval("taskBackoffTimeMs", 500),
    shutdownGraceMs: number("shutdownGraceMs", options.shutdownGraceMs ?? 30_000, { min: 0 }),
  };
}

function required(name: string, value: string | undefined): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new TypeError(
    `Cannot start worker: expected ${name} to be a text that is not empty: got ${shown(value)}`,
  );
}

interface Limits {
  readonly min: number;
  readonly max?: number;
  readonly isInteger?: boolean;
}

function number(name: string, value: number, limits: Limits): number {
  const { min, max = Infinity, isInteger = false } = limits;
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`Cannot start worker: expected ${name} to be a number: got ${shown(value)}`);
  }
  if (value < min || value > max || (isInteger && !Number.isInteger(value))) {
    const wanted = max === Infinity ? `>= ${min}` : `${min} to ${max}`;
    throw new RangeError(
      `Cannot start worker: ${name} must be ${isInteger ? "an integer " : ""}${wanted}: got ${value}`,
    );
  }
  return value;
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new TypeError(
    `Cannot start worker: expected ${name} to be one of ${
      allowed.map((text) => `"${text}"`).join(", ")
    }: got ${shown(value)}`,
  );
}

function position(value: InitialPosition): InitialPosition {
  const isDate = value instanceof Date && !Number.isNaN(value.getTime());
  if (isDate || value === "TRIM_HORIZON" || value === "LATEST") return value;
  throw new TypeError(
    `Cannot start worker: expected initialPositionInStream to be "TRIM_HORIZON", "LATEST" or a valid Date: got ${
      shown(value)
    }`,
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
