/**
 * The options of a worker. Each option states its effect, unit, default, KCL's key and its danger.
 *
 * @module
 */

import type { GivenCredentials } from "../aws/credentials.ts";
import type { Kinesis } from "../aws/kinesis.ts";
import type { KinesisConsumers } from "../aws/kinesis_consumers.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { WorkerEventListener } from "../events.ts";
import type { CpuSource } from "../cpu_source.ts";
import type { LeaseAssignmentStrategy } from "../lease/assignment.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import type { System } from "../system.ts";
import type { ProcessingOptions } from "./processing_options.ts";
import type { ReadingOptions } from "./reading_options.ts";
import type { StreamOptions } from "./stream_options.ts";

/**
 * Options of a worker. Only `applicationName`, `processor` and one of `streamName`, `streamArn` and `streams`
 * must be given; `processor` not for a loop over `worker.batches()`. An unknown name is refused.
 */
export interface WorkerOptions extends ProcessingOptions, ReadingOptions, StreamOptions {
  /**
   * Names the application: workers with the same name share the stream's shards, and their lease table bears
   * this name. KCL: `applicationName`. A new name starts over from `initialPositionInStream`.
   */
  applicationName: string;
  /**
   * Makes the processor of one shard; called once for each lease that this worker gains. Left out only for a
   * loop over `worker.batches()`. KCL: `ShardRecordProcessorFactory`.
   */
  processor?: RecordProcessorFactory | undefined;

  /**
   * AWS region of streams and table, e.g. `eu-central-1`. KCL: `regionName`.
   *
   * @default the region in `streamArn`, or in the first ARN of `streams`
   */
  region?: string | undefined;
  /**
   * Keys, or a function that gives them: of `./credentials`, of AWS's SDK for JavaScript as it is, or your
   * own. The keys of a function are kept until shortly before they expire, or for 15 minutes if they have no
   * end. KCL: `AwsCredentialsProvider`.
   */
  credentials?: GivenCredentials | undefined;
  /**
   * Other credentials for the lease table. KCL: `AwsCredentialsProviderDynamoDB`.
   *
   * @default the same as `credentials`
   */
  dynamoDBCredentials?: GivenCredentials | undefined;
  /**
   * Base URL of Kinesis, for emulators and private endpoints. KCL: `kinesisEndpoint`.
   *
   * @default the region's public endpoint
   */
  kinesisEndpoint?: string | undefined;
  /**
   * Base URL of DynamoDB, for emulators and private endpoints. KCL: `dynamoDBEndpoint`.
   *
   * @default the region's public endpoint
   */
  dynamoDBEndpoint?: string | undefined;
  /**
   * Region of the lease table, if it is not the stream's. KCL: `dynamoDbClient.region`.
   *
   * @default the same as `region`
   */
  dynamoDBRegion?: string | undefined;

  /**
   * Name of the lease table. KCL: `tableName`.
   *
   * @default the application name
   */
  tableName?: string | undefined;
  /**
   * Names this worker in the table. A fixed name gets its leases back immediately after a restart. KCL:
   * `workerIdentifier`. Each live worker needs a name of its own. If two processes have one name, the one
   * that started last continues. The older one stops delivering within `failoverTimeMs`, reports the health
   * fault `superseded`, and stays up idle until it is stopped.
   *
   * @default a random UUID
   */
  workerIdentifier?: string | undefined;
  /**
   * Where a shard is read from that has no checkpoint yet: `"TRIM_HORIZON"` (the oldest record), `"LATEST"`
   * or a `Date`. KCL: `initialPositionInStream`, `initialPositionInStreamExtended`. Only counts when a lease
   * is created: with an existing table it changes nothing.
   *
   * @default {"LATEST"}
   */
  initialPositionInStream?: InitialPosition | undefined;

  /**
   * How long a lease may go without renewal before other workers may take it, in ms. Shorter means faster
   * takeover and more DynamoDB writes (one per lease per third of it). KCL: `failoverTimeMillis`. All workers
   * of one application must agree, or leases are taken from live owners.
   *
   * @default {10000}
   */
  failoverTimeMs?: number | undefined;
  /**
   * How often the leader scans the table and assigns leases, in ms. Shorter finds workers that have died
   * sooner and reads more. KCL: `leaseAssignmentIntervalMillis` (there: twice the failover time).
   *
   * @default a quarter of `failoverTimeMs`
   */
  leaseAssignmentIntervalMs?: number | undefined;
  /**
   * How often a worker looks for leases newly assigned to it, in ms. KCL derives it from the assignment
   * interval. Each look is a query of the index, half a read unit. With a small table it is a scan, which
   * serves the leader and the watch of its lock too: half a unit or one.
   *
   * @default {1000}
   */
  leaseDiscoveryIntervalMs?: number | undefined;
  /**
   * How many leases one worker may hold. KCL: `maxLeasesForWorker`. As in KCL the leader applies its own
   * figure to every worker. Too small a figure leaves shards unread.
   *
   * @default no limit
   */
  maxLeasesForWorker?: number | undefined;
  /**
   * How many lease renewals may be under way at the same time. KCL: `maxLeaseRenewalThreads`.
   *
   * @default {20}
   */
  maxLeaseRenewals?: number | undefined;
  /**
   * How long a processor has to finish when the leader hands its shard to another worker, in ms. After that
   * the lease moves, whatever the processor is doing. KCL: `gracefulLeaseHandoffTimeoutMillis`.
   *
   * @default {30000}
   */
  gracefulLeaseHandoffTimeoutMs?: number | undefined;
  /**
   * Whether the leader asks a live owner to hand a lease over, so that the processor can finish first. If
   * false, it simply takes the lease. KCL: `isGracefulLeaseHandoffEnabled`. Without it records are delivered
   * twice whenever a lease moves.
   *
   * @default {true}
   */
  isGracefulLeaseHandoffEnabled?: boolean | undefined;
  /**
   * How leases are spread over the workers. `"WORKER_UTILIZATION_AWARE"`: by the load that each worker
   * reports, else by the throughput of its leases. While there is no load, and for the first leases of a
   * joining worker, by count. `"LEASE_COUNT_BASED"`: by count alone. KCL: `leaseAssignmentStrategy`. As with
   * all options about assignment, the leader's value counts. If workers differ, the way in which leases are
   * spread changes with the leader.
   *
   * @default {"WORKER_UTILIZATION_AWARE"}
   */
  leaseAssignmentStrategy?: LeaseAssignmentStrategy | undefined;
  /**
   * Reports how busy this worker is, in percent of what it may use; called about once a second. Without a
   * source the worker is weighed by the throughput of its leases. KCL: `disableWorkerMetrics` switches its
   * own sources off. Once it has worked, a source that fails for 30 s keeps leaders from giving this worker
   * more leases.
   *
   * @default no source
   */
  cpuUtilization?: CpuSource | undefined;
  /**
   * The throughput above which a worker is given no more leases, in KB/s. KCL: `maxThroughputPerHostKBps`.
   * Only with `"WORKER_UTILIZATION_AWARE"`. Too small a figure leaves shards unread.
   *
   * @default no limit
   */
  maxThroughputPerHostKBps?: number | undefined;
  /**
   * Which part of a worker's excess load is moved at a time, in percent, 1 to 100. KCL:
   * `dampeningPercentage`. More evens out faster, and overshoots where load does not follow throughput.
   *
   * @default {60}
   */
  dampeningPercentage?: number | undefined;
  /**
   * How far from the average a worker may be before leases move, in percent. KCL:
   * `reBalanceThresholdPercentage`. Less than the usual ups and downs moves leases back and forth.
   *
   * @default {10}
   */
  reBalanceThresholdPercentage?: number | undefined;
  /**
   * Whether a busy worker's smallest lease moves when even that is more than it should give away at a time.
   * KCL: `allowThroughputOvershoot`. Without it few large shards stay where they are.
   *
   * @default {true}
   */
  allowThroughputOvershoot?: boolean | undefined;
  /**
   * How often a shard that waits for its parents checks whether they have ended, in ms. KCL:
   * `parentShardPollIntervalMillis` (there: 10000). A parent that ends in the same worker is noticed
   * immediately. A shard at its end looks as often whether the other parent of a merge has a lease.
   *
   * @default {2000}
   */
  parentShardPollIntervalMs?: number | undefined;
  /**
   * How often the leader checks that the leases cover all hash keys, in ms. A hole that is seen three times
   * in a row is filled; while that fails, `/health` reports a fault. The check costs no call. The leases are
   * also compared with the shards that the stream lists: every five minutes, and at this interval while
   * something differs. Longer finds unread shards later. KCL: `leasesRecoveryAuditorExecutionFrequencyMillis`
   * (there: 120000).
   *
   * @default {10000}
   */
  leaseAuditIntervalMs?: number | undefined;
  /**
   * How often a worker looks whether the leases of ended shards may be deleted, in ms. KCL:
   * `leaseCleanupIntervalMillis`.
   *
   * @default {60000}
   */
  leaseCleanupIntervalMs?: number | undefined;
  /**
   * Whether the lease of a completed shard is deleted once its children are under way. The lease of a shard
   * that no longer exists in the stream is deleted in any case. KCL: `cleanupLeasesUponShardCompletion`.
   *
   * @default {true}
   */
  cleanupLeasesUponShardCompletion?: boolean | undefined;
  /**
   * Whether a listing in which a child's parent is still open is used anyway. KCL:
   * `ignoreUnexpectedChildShards`.
   *
   * @default {false}
   */
  ignoreUnexpectedChildShards?: boolean | undefined;
  /**
   * Whether a worker that finds leases in the table starts without listing the stream's shards. KCL:
   * `skipShardSyncAtWorkerInitializationIfLeasesExist`.
   *
   * @default {false}
   */
  skipShardSyncAtWorkerInitializationIfLeasesExist?: boolean | undefined;
  /**
   * Whether a fleet with state in the extra tables of KCL 3.0 to 3.4 is being migrated to the lease table.
   * Must be the same as in its Java workers. KCL: `migrateAllEntitiesToLeaseTable`. Without such tables it
   * changes nothing. It is refused until all workers support the single table.
   *
   * @default {false}
   */
  migrateAllEntitiesToLeaseTable?: boolean | undefined;

  /**
   * How many times starting up is tried (table, stream, shard list) before `run()` rejects.
   * KCL: `maxInitializationAttempts`.
   *
   * @default {20}
   */
  maxInitializationAttempts?: number | undefined;
  /**
   * How long to wait between those tries, in ms. KCL: `schedulerInitializationBackoffTimeMillis`.
   *
   * @default {1000}
   */
  schedulerInitializationBackoffTimeMs?: number | undefined;

  /**
   * How long a stopping worker waits for its processors, in ms, before it drops their leases. KCL:
   * `shutdownGraceMillis` (MultiLang).
   *
   * @default {30000}
   */
  shutdownGraceMs?: number | undefined;

  /**
   * Capacity of a lease table that has to be created.
   *
   * @default {"PAY_PER_REQUEST"}
   */
  billingMode?:
    | "PAY_PER_REQUEST"
    | { readonly readCapacity: number; readonly writeCapacity: number }
    | undefined;
  /**
   * Whether a lease table that has to be created is protected from deletion. KCL:
   * `leaseTableDeletionProtectionEnabled`.
   *
   * @default {false}
   */
  leaseTableDeletionProtectionEnabled?: boolean | undefined;
  /**
   * Whether point-in-time recovery is switched on for the lease table. KCL: `leaseTablePitrEnabled`.
   *
   * @default {false}
   */
  leaseTablePitrEnabled?: boolean | undefined;
  /** Tags of a lease table that has to be created. */
  leaseTableTags?: Readonly<Record<string, string>> | undefined;
  /**
   * In how many parallel segments the leader scans the lease table; 0 = one per 200 MB. KCL:
   * `leaseTableScanTotalSegments`.
   *
   * @default {0}
   */
  leaseTableScanTotalSegments?: number | undefined;

  /**
   * How long a callback of a record processor may run before the log reports a fault, in ms. KCL has no such
   * limit; MultiLang: `healthCallbackLimitMillis`. Must be longer than the slowest healthy batch; give
   * `healthApp()` the same.
   *
   * @default {300000}
   */
  callbackLimitMs?: number | undefined;
  /**
   * From how little time on, until unread records are trimmed, the log has a warning, in ms. If their loss is
   * certain at the present pace, it reports the fault `dataLossAhead`. KCL has no such limit; MultiLang:
   * `healthDataLossLimitMillis`. A short time leaves little time to act; give `healthApp()` the same.
   *
   * @default a quarter of the stream's retention period
   */
  dataLossLimitMs?: number | undefined;
  /**
   * A callback that runs for longer than this, in ms, is worth a warning of the log, before it is a fault.
   * KCL: `logWarningForTaskAfterMillis`. Less than an ordinary batch takes writes two lines for every batch.
   *
   * @default no warning
   */
  logWarningForTaskAfterMs?: number | undefined;

  /**
   * What is logged, whether or not there is an `onEvent`. A function replaces the default, e.g.
   * `logTo(console.log, { level: "info", format: "json" })`; `false` writes nothing. KCL: the configuration
   * of its logger. Without a log, skipped records are not reported, except to an `onEvent` that looks for
   * `batchFailed`.
   *
   * @default warnings and errors, by `console.error`
   */
  log?: false | WorkerEventListener | undefined;
  /** Receives every event. If it throws, the worker is not affected; the log reports it once. */
  onEvent?: WorkerEventListener | undefined;
  /**
   * Sends every request of the worker, in place of the runtime's `fetch`: through a proxy, by an agent of
   * your own, with your own certificates. Has the parameters of the Web's `fetch`. It must heed `signal`, or
   * requests outlive their time limits. It must heed `redirect: "manual"`, or signatures go to other hosts.
   * It must not try again: the worker does, and counts each request. Functions that give credentials send
   * requests of their own. KCL: the HTTP client of its `KinesisAsyncClient`.
   *
   * @default the `fetch` of `system`
   */
  fetch?: System["fetch"] | undefined;
  /** Time, chance and fetch, for tests. */
  system?: System | undefined;
  /** Kinesis itself, for tests and simulations; replaces region, endpoint and credentials. */
  kinesis?: Kinesis | undefined;
  /** Enhanced fan-out itself, for tests and simulations; replaces region, endpoint and credentials. */
  kinesisConsumers?: KinesisConsumers | undefined;
  /** The lease table, for tests and simulations; both stores must be given together. */
  leaseStore?: LeaseStore | undefined;
  /** The store of what is kept next to the leases, for tests and simulations. */
  coordinatorStore?: CoordinatorStore | undefined;
}
