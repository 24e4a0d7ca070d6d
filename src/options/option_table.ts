// Pure.
/**
 * What each option must be, nothing left out: an option without a check does not compile, and a name without
 * one is refused.
 *
 * @module
 */

import {
  billingMode,
  type Check,
  checkFields,
  consumerName,
  credentials,
  endpoint,
  falseOrFunctionThat,
  functionThat,
  isObject,
  number,
  objectWith,
  oneOf,
  position,
  shown,
  system,
  tags,
  text,
  yesOrNo,
} from "./option_checks.ts";
import type { WorkerOptions } from "./options.ts";
import type { StreamConfig } from "./stream_options.ts";

/** A time between two things, in ms. */
const interval = number({ min: 1 });
/** A time that may be none at all, in ms. */
const duration = number({ min: 0 });
const count = number({ min: 1, isInteger: true });

/** What `streamsSetting()` checks, where it knows the region too, and `failureSettings()`. */
const elsewhere: Check = () => {};

/** By name. */
export const OPTION_CHECKS: Readonly<Record<keyof WorkerOptions, Check>> = {
  applicationName: text,
  processor: functionThat("makes a RecordProcessor"),
  region: text,
  credentials,
  dynamoDBCredentials: credentials,
  kinesisEndpoint: endpoint,
  dynamoDBEndpoint: endpoint,
  dynamoDBStreamsEndpoint: endpoint,
  dynamoDBRegion: text,
  tableName: text,
  workerIdentifier: text,

  streamName: text,
  streamArn: text,
  streams: elsewhere,
  newStreamCheckIntervalMs: interval,
  formerStreamsLeasesDeletionStrategy: oneOf(
    "NO_STREAMS_LEASES_DELETION",
    "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION",
    "PROVIDED_STREAMS_DEFERRED_DELETION",
  ),
  waitPeriodToDeleteFormerStreamsMs: duration,
  streamIdentifiersForLeaseCleanup: functionThat("names streams"),

  initialPositionInStream: position,
  onTrimmedCheckpoint: oneOf("trim-horizon", "latest", "stop"),
  maxRecords: number({ min: 1, max: 10_000, isInteger: true }),
  idlePacing: oneOf("adaptive", "fixed"),
  idleTimeBetweenReadsMs: number({ min: 200 }),
  maxIdleTimeBetweenReadsMs: interval, // settingsOf() knows between what
  maxReadsPerSecond: number({ min: 0.01, mayBeInfinite: true }),
  maxReadBytesPerSecond: number({ min: 1, mayBeInfinite: true }),
  maxBufferedBytes: number({ min: 0, mayBeInfinite: true }),
  retrievalMode: oneOf("POLLING", "FANOUT"),
  consumerName,
  consumerArn: text,
  deregisterConsumerOnStop: yesOrNo,
  wireFormat: oneOf("auto", "json", "cbor"),

  failoverTimeMs: number({ min: 1000 }),
  leaseAssignmentIntervalMs: interval,
  leaseDiscoveryIntervalMs: interval,
  maxLeasesForWorker: number({ min: 1, mayBeInfinite: true }),
  maxLeaseRenewals: count,
  gracefulLeaseHandoffTimeoutMs: interval,
  isGracefulLeaseHandoffEnabled: yesOrNo,
  leaseAssignmentStrategy: oneOf("LEASE_COUNT_BASED", "WORKER_UTILIZATION_AWARE"),
  cpuUtilization: functionThat("gives percents"),
  maxThroughputPerHostKBps: number({ min: 0, mayBeInfinite: true }),
  dampeningPercentage: number({ min: 1, max: 100 }),
  reBalanceThresholdPercentage: number({ min: 0, mayBeInfinite: true }),
  allowThroughputOvershoot: yesOrNo,
  parentShardPollIntervalMs: interval,
  leaseAuditIntervalMs: interval,
  leaseCleanupIntervalMs: interval,
  cleanupLeasesUponShardCompletion: yesOrNo,
  ignoreUnexpectedChildShards: yesOrNo,
  skipShardSyncAtWorkerInitializationIfLeasesExist: yesOrNo,
  migrateAllEntitiesToLeaseTable: yesOrNo,

  maxInitializationAttempts: count,
  schedulerInitializationBackoffTimeMs: interval,
  callProcessRecordsEvenForEmptyRecordList: yesOrNo,
  foreignAggregates: oneOf("drop", "deliver"),
  onProcessError: oneOf("skip", "retry", "stop"),
  errors: elsewhere,
  batch: elsewhere,
  filter: elsewhere,
  concurrency: elsewhere,
  taskBackoffTimeMs: interval,
  shutdownGraceMs: duration,
  callbackLimitMs: interval,
  dataLossLimitMs: interval,
  logWarningForTaskAfterMs: duration,

  billingMode,
  leaseTableDeletionProtectionEnabled: yesOrNo,
  leaseTablePitrEnabled: yesOrNo,
  leaseTableTags: tags,
  // The most that Scan takes. Source: DynamoDB API reference.
  leaseTableScanTotalSegments: number({ min: 0, max: 1_000_000, isInteger: true }),

  log: falseOrFunctionThat("hears events, e.g. logTo(console.log)"),
  onEvent: functionThat("takes an event"),
  fetch: functionThat("sends a request, as the Web's fetch does"),
  system,
  kinesis: objectWith(),
  kinesisConsumers: objectWith(),
  leaseStore: objectWith(),
  coordinatorStore: objectWith(),
};

const STREAM_CHECKS: Readonly<Record<keyof StreamConfig, Check>> = {
  streamIdentifier: text,
  streamArn: text,
  streamName: text,
  initialPositionInStream: position,
  consumerArn: text,
};

/**
 * Checks each option on its own, and that there is no other option. Rules between two options are checked
 * where the options are read.
 *
 * @throws {TypeError} when an option is of the wrong kind or unknown, {@linkcode RangeError} when a number is
 * out of range.
 */
export function checkOptions(options: WorkerOptions): void {
  const given: unknown = options;
  if (!isObject(given)) {
    throw new TypeError(`Cannot start worker: expected an object of options: got ${shown(given)}`);
  }
  OPTION_CHECKS.applicationName("applicationName", given.applicationName);
  checkFields("", given, OPTION_CHECKS);
}

/** The same for one of many streams. */
export function checkStreamConfig(config: StreamConfig): void {
  const given: unknown = config;
  if (!isObject(given)) {
    throw new TypeError(
      `Cannot read streams: expected a name, an ARN, an identifier or a StreamConfig: got ${shown(given)}`,
    );
  }
  checkFields("streams[].", given, STREAM_CHECKS);
}
