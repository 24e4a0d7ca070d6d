/**
 * A Kinesis Client Library without Java: consumes an Amazon Kinesis data stream together with other workers, with
 * leases and checkpoints in DynamoDB, in the table and format of Java KCL 3.5.
 *
 * ```ts
 * import { KinesisWorker } from "@kclite/kclite";
 *
 * const worker = new KinesisWorker({
 *   applicationName: "word-count",
 *   streamName: "words",
 *   region: "eu-central-1",
 *   credentials: { accessKeyId: "AKIA…", secretAccessKey: "…" },
 *   processor: () => ({
 *     async processRecords({ records }, context) {
 *       for (const record of records) console.log(record.partitionKey, record.text());
 *       await context.checkpoint();
 *     },
 *     shardEnded: (context) => context.checkpoint(),
 *   }),
 *   onProcessError: "retry", // KCL's rule, and the default, is to skip a batch whose processRecords throws
 * });
 * const stop = new AbortController();
 * const running = worker.run(stop.signal);
 * stop.abort(); // the orderly stop: leases move to other workers, and `running` resolves
 * await running;
 * ```
 *
 * Nothing here needs more than Web standards. The health app is in `./health`, a simulated Kinesis and DynamoDB in `./testing`, and
 * the command line, which runs processors in other languages, in `./cli`.
 *
 * Types marked `@experimental` are for your own stores, clocks and Kinesis. They may change in any release.
 *
 * @module
 */

export { KinesisWorker } from "./src/worker/worker.ts";
export type { WorkerOptions } from "./src/options/options.ts";
export type { OnProcessError, ProcessingOptions } from "./src/options/processing_options.ts";
export type {
  BatchOptions,
  ConcurrencyOptions,
  ErrorPolicy,
  FilterPattern,
  OnExhausted,
  ProcessingOrder,
  RecordFilter,
  RetryOptions,
} from "./src/failures/failure_options.ts";
export type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterCondition,
  DeadLetterSink,
  SinkConnection,
} from "./src/failures/dead_letter.ts";
export type { StreamConfig, StreamList, StreamOptions } from "./src/options/stream_options.ts";
export type { FormerStreamsLeasesDeletionStrategy } from "./src/lease/former_streams.ts";
export type { ReadingOptions } from "./src/options/reading_options.ts";
export type { IdlePacing } from "./src/retrieval/pacing.ts";
export type { OnTrimmedCheckpoint } from "./src/retrieval/start_position.ts";

export type {
  BatchResponse,
  FencingToken,
  OwnPosition,
  PreparedCheckpoint,
  RecordProcessor,
  RecordProcessorFactory,
  RecordsBatch,
  ShardContext,
  ShardStream,
  TransactOptions,
} from "./src/consumer/record_processor.ts";
export type {
  TransactConditionCheck,
  TransactDelete,
  TransactItem,
  TransactPut,
  TransactTarget,
  TransactUpdate,
  TransactValue,
  TransactWrite,
} from "./src/transact/transact_write.ts";
export type { WorkerBatch, WorkerBatches } from "./src/consumer/batch_loop.ts";
export { eachRecord } from "./src/consumer/each_record.ts";
export type { EachRecordOptions, RecordHandler } from "./src/consumer/each_record.ts";
export { fromV1 } from "./src/consumer/v1_processor.ts";
export type {
  V1Checkpointer,
  V1Record,
  V1RecordProcessor,
  V1ShutdownReason,
} from "./src/consumer/v1_processor.ts";

export { kinesisRecord } from "./src/stream/record.ts";
export type { KinesisRecord, RecordFields } from "./src/stream/record.ts";
export type { ExtendedSequenceNumber, InitialPosition } from "./src/stream/sequence_number.ts";
export type { ChildShard, Shard } from "./src/stream/shard.ts";
export type { HashKeyRange } from "./src/stream/hash_key.ts";

export type {
  FleetFault,
  FleetFaultCode,
  LeaseEvent,
  LeaseLossReason,
  LoopPass,
  ProcessorCallback,
  RequestEvent,
  ShardEvent,
  ShardPhase,
  WorkerEvent,
  WorkerEventListener,
  WorkerLifeEvent,
} from "./src/events.ts";
export type { LogFormat, LogRecord } from "./src/observe/line_writer.ts";
export { logTo } from "./src/observe/log.ts";
export type { LogOptions } from "./src/observe/log.ts";
export { logLine } from "./src/observe/log_lines.ts";
export type { LogLevel, LogLine } from "./src/observe/log_lines.ts";
export {
  AwsServiceError,
  CredentialsError,
  LeaseLostError,
  LeaseTableError,
  ProcessorRestartError,
  StoreMovedError,
  StoreUnavailableError,
} from "./src/errors.ts";
export type { AwsServiceErrorDetails, CredentialsErrorOptions, CredentialsFailure } from "./src/errors.ts";
export type { Clock, System } from "./src/system.ts";
export type { CpuSource } from "./src/cpu_source.ts";
export type { LeaseAssignmentStrategy } from "./src/lease/assignment.ts";

export type { Credentials, CredentialsProvider, GivenCredentials } from "./src/aws/credentials.ts";
export type {
  IteratorPosition,
  Kinesis,
  ShardFilter,
  StreamReference,
  StreamSummary,
} from "./src/aws/kinesis.ts";
export type { GetRecordsOutput } from "./src/aws/kinesis_wire.ts";
export type { KinesisConsumers, StreamConsumer, SubscribeToShardInput } from "./src/aws/kinesis_consumers.ts";
export type { SubscribeToShardEvent } from "./src/aws/subscription.ts";
export type { Incarnation, LeaseMark } from "./src/lease/incarnation.ts";
export type { Lease, NewLease } from "./src/lease/lease.ts";
export type { LeaseProgress } from "./src/lease/lease_progress.ts";
export type {
  CompanionOutcome,
  CompanionWrites,
  LeaseStore,
  SmallTableListing,
  TableListing,
  UnreadableItem,
  WriteOutcome,
} from "./src/lease/lease_store.ts";
export type {
  LeaseAttribute,
  LeaseAttributes,
  LeaseCondition,
  LeaseOperation,
  LeaseWrite,
} from "./src/lease/lease_write.ts";
export type {
  CoordinatorStore,
  DrainStore,
  LeaderLock,
  LockCondition,
  LockRing,
  MigrationState,
  TablePlace,
  WorkerMetrics,
} from "./src/lease/coordinator_store.ts";
