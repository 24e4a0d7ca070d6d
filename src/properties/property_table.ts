// Pure.
/**
 * Every property that is accepted. The reader of property files, the environment, the command line and
 * docs/OPTIONS.md all go by this table.
 *
 * Where two properties set the same thing, the one further down is the more specific and wins.
 *
 * Source: KCL 3.5.1, `MultiLangDaemonConfiguration` and the beans below it.
 *
 * @module
 */

import { BALANCING_PROPERTIES } from "./balancing_properties.ts";
import { FAILURE_PROPERTIES } from "./failure_properties.ts";
import { LEASE_PROPERTIES } from "./lease_properties.ts";
import { METRICS_PROPERTIES } from "./metrics_properties.ts";
import { option, type Property, type PropertyGroup, setting } from "./property.ts";
import {
  boolean,
  count,
  epochSeconds,
  idleTime,
  INT_MAX,
  milliseconds,
  millisecondsOrZero,
  oneOf,
  providers,
  streamArn,
  streamName,
  text,
  url,
  wholeNumber,
} from "./property_value.ts";
import { LAMBDA_PROPERTIES } from "./lambda_properties.ts";
import { STARTING_PROPERTIES } from "./starting_properties.ts";
import { MANY_STREAMS_PROPERTIES } from "./stream_properties.ts";
import { WITHOUT_EFFECT } from "./unserved_properties.ts";

const APPLICATION: readonly Property[] = [
  setting({
    name: "executableName",
    type: text,
    setting: "executableName",
    kcl: "required",
    note:
      "What processes the records. A name that ends in `.ts`, `.js` or `.mjs` is a module whose default export is a " +
      "processor class, or a function that makes processors; anything else is a program with arguments, separated by spaces",
  }),
  setting({
    name: "processingLanguage",
    type: text,
    setting: "processingLanguage",
    kcl: "none",
    note: "Only logged",
  }),
  option({
    name: "applicationName",
    type: text,
    option: "applicationName",
    kcl: "required",
    note: "Workers with the same name share the stream; also the name of the lease table",
  }),
  option({
    name: "streamName",
    type: streamName,
    option: "streamName",
    kcl: "required",
    note: "The stream to read, unless `streamArn` is given",
  }),
  option({
    name: "streamArn",
    type: streamArn,
    option: "streamArn",
    kcl: "none",
    note:
      "Its stream name wins over `streamName`. KCL ignores region and account; here the account counts, except " +
      "where the region is not ours or the account is 000000000000: then only the name is used",
  }),
  option({
    name: "workerIdentifier",
    aliases: ["workerId"],
    type: text,
    option: "workerIdentifier",
    kcl: "random UUID",
    note:
      "Names this worker in the table. Each live worker needs a name of its own: of two processes of one name the one that " +
      "started last goes on, the older one stays up idle with the health fault `superseded`",
  }),
  option({
    name: "initialPositionInStream",
    type: oneOf(["TRIM_HORIZON", "LATEST"], " (for a time, set initialPositionInStreamExtended)"),
    option: "initialPositionInStream",
    kcl: "LATEST",
    note: "Where reading starts on a shard that has no checkpoint yet",
  }),
  option({
    name: "initialPositionInStreamExtended",
    type: epochSeconds,
    option: "initialPositionInStream",
    kcl: "none",
    note: "Start at this time instead. Seconds, not milliseconds",
  }),
  option({
    name: "onTrimmedCheckpoint",
    type: oneOf(["trim-horizon", "latest", "stop"]),
    option: "onTrimmedCheckpoint",
    default: "trim-horizon",
    note:
      "What becomes of a shard whose checkpoint is no longer in the stream: read on from the oldest record, from the newest, " +
      "or not at all. KCL reads on from the oldest, silently",
  }),
];

const AWS: readonly Property[] = [
  option({
    name: "regionName",
    aliases: ["kinesisClient.region"],
    type: text,
    option: "region",
    kcl: "the SDK's region chain",
    default: "see below",
    note: "Region of the stream and of the lease table. `kinesisClient.region` does not move the lease table",
  }),
  option({
    name: "dynamoDbClient.region",
    type: text,
    option: "dynamoDBRegion",
    kcl: "`regionName`",
    note: "Region of the lease table, where it is another",
  }),
  option({
    name: "kinesisEndpoint",
    aliases: ["kinesisClient.endpointOverride"],
    type: url,
    option: "kinesisEndpoint",
    kcl: "the region's",
    note: "For emulators and private endpoints",
  }),
  option({
    name: "dynamoDBEndpoint",
    aliases: ["dynamoDbClient.endpointOverride"],
    type: url,
    option: "dynamoDBEndpoint",
    kcl: "the region's",
    note: "For emulators and private endpoints",
  }),
  option({
    name: "dynamoDBStreamsEndpoint",
    type: url,
    option: "dynamoDBStreamsEndpoint",
    default: "an emulator's, else the region's",
    note:
      "For the stream of a table: emulators and private endpoints. `AWS_ENDPOINT_URL_DYNAMODB_STREAMS` sets it too: docs/dynamodb-streams.md",
  }),
  setting({
    name: "AwsCredentialsProvider",
    type: providers,
    setting: "credentials",
    kcl: "required",
    default: "DefaultCredentialsProvider",
    note:
      "Where credentials come from, in KCL's syntax. `awscredentialsprovider` may be written in any case. A class that is not " +
      "known is skipped, unless none of the list is known",
  }),
  setting({
    name: "AwsCredentialsProviderDynamoDB",
    type: providers,
    setting: "dynamoDBCredentials",
    kcl: "`AwsCredentialsProvider`",
    note: "Other credentials for the lease table",
  }),
];

const READING: readonly Property[] = [
  setting({
    name: "retrievalMode",
    type: oneOf(["FANOUT", "POLLING", "DEFAULT"]),
    setting: "retrievalMode",
    kcl: "FANOUT, or POLLING if a polling property is set",
    note:
      "FANOUT registers a consumer that AWS charges for, by the hour for each shard and by the gigabyte; POLLING costs " +
      "nothing extra. The log says which is used, and why",
  }),
  option({
    name: "fanoutConfig.consumerArn",
    type: text,
    option: "consumerArn",
    kcl: "none",
    note: "An enhanced fan-out consumer that is registered already; it is never deregistered",
  }),
  option({
    name: "fanoutConfig.consumerName",
    type: text,
    option: "consumerName",
    kcl: "`applicationName`",
    note: "Name of the enhanced fan-out consumer, which is registered where it does not exist",
  }),
  option({
    name: "deregisterConsumerOnStop",
    type: boolean,
    option: "deregisterConsumerOnStop",
    default: "false",
    note:
      "Whether a worker that stops deregisters the consumer, which ends its cost. For a worker that is alone: others that " +
      "still run have to register it again",
  }),
  option({
    name: "wireFormat",
    type: oneOf(["auto", "json", "cbor"]),
    option: "wireFormat",
    default: "auto",
    note:
      "How GetRecords answers: CBOR takes a quarter fewer bytes and half the CPU time. auto: CBOR from AWS, JSON from any " +
      "other endpoint, or where AWS_CBOR_DISABLE=true or CBOR_ENABLED=false is set",
  }),
  option({
    name: "maxRecords",
    aliases: ["pollingConfig.maxRecords"],
    type: count({ max: 10_000 }),
    option: "maxRecords",
    kcl: "10000",
    note: "The most records of one read",
  }),
  option({
    name: "idlePacing",
    type: oneOf(["adaptive", "fixed"]),
    option: "idlePacing",
    default: "adaptive",
    note:
      "Rests between two reads. Adaptive: none while behind, longer and longer ones at the tip of a quiet shard. Fixed: " +
      "the same after every read, as in KCL; the default where `idleTimeBetweenReadsInMillis` is set and " +
      "`maxIdleTimeBetweenReadsInMillis` is not",
  }),
  option({
    name: "idleTimeBetweenReadsInMillis",
    aliases: ["pollingConfig.idleTimeBetweenReadsInMillis"],
    type: idleTime,
    option: "idleTimeBetweenReadsMs",
    kcl: "1500",
    default: "1000",
    note:
      "The rest between two reads; at least 200. Setting it makes it fixed, unless `idlePacing` says otherwise",
  }),
  option({
    name: "maxIdleTimeBetweenReadsInMillis",
    type: milliseconds,
    option: "maxIdleTimeBetweenReadsMs",
    default: "4 × `idleTimeBetweenReadsInMillis`, at most 10000",
    note: "How long the rest at the tip of a quiet shard may become, up to 30000. Only with adaptive pacing",
  }),
  option({
    name: "maxReadsPerSecond",
    type: count({ max: 5 }),
    option: "maxReadsPerSecond",
    default: "5",
    note:
      "Reads of one shard while it is behind. All applications that poll the shard share Kinesis's five a second",
  }),
  option({
    name: "maxReadBytesPerSecond",
    type: count(),
    option: "maxReadBytesPerSecond",
    default: "2097152",
    note:
      "Bytes read of one shard while it is behind. All applications that poll the shard share Kinesis's 2 MiB a second",
  }),
  option({
    name: "maxBufferedBytes",
    type: wholeNumber(),
    option: "maxBufferedBytes",
    default: "67108864",
    note:
      "Bytes of memory that all shards together may take for pages that are read ahead of their processors when polling; " +
      "one page of a shard passes in any case. 0 reads nothing ahead",
  }),
];

const PROCESSING: readonly Property[] = [
  option({
    name: "callProcessRecordsEvenForEmptyRecordList",
    type: boolean,
    option: "callProcessRecordsEvenForEmptyRecordList",
    kcl: "false",
    note: "Whether `processRecords` is called for empty reads too",
  }),
  option({
    name: "foreignAggregates",
    type: oneOf(["drop", "deliver"]),
    option: "foreignAggregates",
    default: "drop",
    note: "What becomes of a KPL aggregate that has a user record of another shard; KCL drops it",
  }),
  option({
    name: "taskBackoffTimeMillis",
    type: milliseconds,
    option: "taskBackoffTimeMs",
    kcl: "500",
    note: "The first pause after a failed callback; it doubles up to 30 s",
  }),
  setting({
    name: "timeoutInSeconds",
    type: count({ max: INT_MAX }),
    setting: "timeoutInSeconds",
    kcl: "no limit",
    note:
      "How long a program may take for each next message. Then KCL ends the daemon; here only that program is ended",
  }),
  setting({
    name: "onChildFailure",
    type: oneOf(["restart", "exit"]),
    setting: "onChildFailure",
    default: "restart",
    note: "What becomes of the worker when a program dies or breaks the protocol; `exit` is what KCL does",
  }),
  option({
    name: "shutdownGraceMillis",
    type: millisecondsOrZero,
    option: "shutdownGraceMs",
    kcl: "0",
    default: "5000",
    note:
      "How long processors may take to finish when the worker is asked to stop; 5000 fits into the 10 s that Docker gives",
  }),
];

/** The table, by subject. */
export const PROPERTY_GROUPS: readonly PropertyGroup[] = [
  { title: "Application and stream", properties: APPLICATION },
  { title: "Many streams", properties: MANY_STREAMS_PROPERTIES },
  { title: "AWS", properties: AWS },
  { title: "Leases and the lease table", properties: LEASE_PROPERTIES },
  { title: "Spreading leases over workers", properties: BALANCING_PROPERTIES },
  { title: "Reading", properties: READING },
  { title: "Processing", properties: PROCESSING },
  { title: "Failures, batches and order", properties: FAILURE_PROPERTIES },
  { title: "Lambda handlers", properties: LAMBDA_PROPERTIES },
  { title: "Starting and watching", properties: STARTING_PROPERTIES },
  { title: "Metrics in CloudWatch", properties: METRICS_PROPERTIES },
  ...WITHOUT_EFFECT,
];

/** The table. */
export const PROPERTIES: readonly Property[] = PROPERTY_GROUPS.flatMap(({ properties }) => properties);
