/**
 * The operations of DynamoDB Streams as signed JSON calls. They are a service of their own at an address of
 * their own, but are signed as DynamoDB.
 *
 * Source: the API reference of DynamoDB Streams (`DynamoDBStreams_20120810`), and the endpoint rules of the
 * AWS SDKs for it.
 *
 * @module
 */

import { type Fields, fieldsOf, listIn, optionalListIn, optionalTextIn, textIn } from "./answer_fields.ts";
import { isAwsHost, variantUrl } from "./endpoint.ts";
import { jsonCaller, type JsonService, type ServiceOptions } from "./json_call.ts";
import type { IteratorPosition } from "./kinesis.ts";
import { optionalSequenceNumberIn, sequenceNumberIn } from "./kinesis_wire.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry.ts";

/** One shard, as DescribeStream names it. */
export interface TableStreamShard {
  readonly shardId: string;
  readonly parentShardId: string | undefined;
  readonly startingSequenceNumber: string;
  /** Undefined while the shard takes records. */
  readonly endingSequenceNumber: string | undefined;
}

/** One page of DescribeStream. */
export interface TableStreamPage {
  readonly streamArn: string;
  readonly status: TableStreamStatus;
  readonly viewType: string | undefined;
  readonly tableName: string | undefined;
  readonly shards: readonly TableStreamShard[];
  /** Where the next page begins. Undefined for the last page. */
  readonly lastShardId: string | undefined;
}

/** Whether a stream takes changes. */
export type TableStreamStatus = "ENABLING" | "ENABLED" | "DISABLING" | "DISABLED";

/** What a page of DescribeStream is asked for. */
export interface TableStreamQuery {
  readonly streamArn: string;
  readonly afterShardId?: string | undefined;
  /** Lists only the children of this shard. Older emulators ignore it. */
  readonly childrenOf?: string | undefined;
  /** At most 100 shards. */
  readonly limit?: number | undefined;
}

/** One answer of GetRecords. */
export interface ChangesPage {
  /** As they came, each checked to be an object. */
  readonly records: readonly Fields[];
  /** Undefined at the end of a shard. */
  readonly nextShardIterator: string | undefined;
}

/** Where an iterator starts. There is no AT_TIMESTAMP. */
export type ChangePosition = Exclude<IteratorPosition, { readonly type: "AT_TIMESTAMP" }>;

/** DynamoDB Streams. Every method throws `AwsServiceError`, or the signal's reason. */
export interface DynamoDBStreams {
  describeStream(query: TableStreamQuery, signal?: AbortSignal): Promise<TableStreamPage>;
  /** The ARNs of a table's streams, the first page of them. */
  listStreams(tableName: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** @returns undefined when the service gives no iterator: the shard is over. */
  getShardIterator(
    at: { readonly streamArn: string; readonly shardId: string; readonly position: ChangePosition },
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** @param limit At most 1000 records. */
  getRecords(shardIterator: string, limit: number, signal?: AbortSignal): Promise<ChangesPage>;
}

/** The most records of one GetRecords. Source: the API reference of DynamoDB Streams. */
export const MAX_CHANGES = 1000;

const SERVICE: JsonService = {
  service: "dynamodb",
  targetPrefix: "DynamoDBStreams_20120810",
  contentType: "application/x-amz-json-1.0",
  attemptTimeoutMs: 30_000,
};

/** For DescribeStream: ten calls a second are allowed. Source: adapter 2.3.0, 50 tries with 1 s. */
const LIST_RETRY_POLICY: RetryPolicy = {
  ...DEFAULT_RETRY_POLICY,
  throttledAttempts: 50,
  throttledBaseMs: 1000,
  maxDelayMs: 3000,
};

/** As for Kinesis: the loop that reads paces itself. */
const READ_RETRY_POLICY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, attempts: 2, throttledAttempts: 1 };

/** Options of {@linkcode signedDynamoDBStreams}. */
export interface DynamoDBStreamsOptions extends ServiceOptions {
  /** How GetRecords and GetShardIterator are tried again. @default one quick second try after a fault */
  readonly readRetry?: RetryPolicy | undefined;
}

/**
 * DynamoDB Streams over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedDynamoDBStreams(options: DynamoDBStreamsOptions): DynamoDBStreams {
  const { endpoint, readRetry: retry = READ_RETRY_POLICY, ...service } = options;
  const call = jsonCaller(SERVICE, { ...service, endpoint: endpoint ?? streamsUrl(service.region, {}) });
  return {
    describeStream: ({ streamArn, afterShardId, childrenOf, limit }, signal) =>
      call({
        operation: "DescribeStream",
        input: {
          StreamArn: streamArn,
          ...(afterShardId === undefined ? {} : { ExclusiveStartShardId: afterShardId }),
          ...(childrenOf === undefined ? {} : { ShardFilter: { Type: "CHILD_SHARDS", ShardId: childrenOf } }),
          ...(limit === undefined ? {} : { Limit: limit }),
        },
        decode: (body) => pageOf(body, afterShardId),
        retry: LIST_RETRY_POLICY,
        signal,
      }),
    listStreams: (tableName, signal) =>
      call({
        operation: "ListStreams",
        input: { TableName: tableName },
        decode: (body) =>
          optionalListIn(body, "Streams").map((one) => textIn(fieldsOf(one, "a stream"), "StreamArn")),
        signal,
      }),
    getShardIterator: ({ streamArn, shardId, position }, signal) =>
      call({
        operation: "GetShardIterator",
        input: {
          StreamArn: streamArn,
          ShardId: shardId,
          ShardIteratorType: position.type,
          ...("sequenceNumber" in position ? { SequenceNumber: position.sequenceNumber } : {}),
        },
        decode: (body) => optionalTextIn(body, "ShardIterator"),
        retry,
        signal,
      }),
    getRecords: (shardIterator, limit, signal) =>
      call({
        operation: "GetRecords",
        input: { ShardIterator: shardIterator, Limit: Math.min(limit, MAX_CHANGES) },
        decode: (body) => ({
          records: listIn(body, "Records").map((one) => fieldsOf(one, "a record")),
          nextShardIterator: optionalTextIn(body, "NextShardIterator"),
        }),
        retry,
        signal,
      }),
  };
}

/** The public endpoints that a service may have. */
export interface StreamsVariant {
  readonly fips?: boolean | undefined;
  readonly dualStack?: boolean | undefined;
}

/**
 * The public address of DynamoDB Streams in a region.
 *
 * @throws {TypeError} when the region cannot be one.
 */
export function streamsUrl(region: string, { fips = false, dualStack = false }: StreamsVariant): string {
  // The first part is `streams.dynamodb`, and `streams-dynamodb` for both stacks.
  const service = dualStack ? "streams-dynamodb" : "streams.dynamodb";
  return variantUrl({ service, region }, { fips, dualStack });
}

/** The endpoints that options set. */
export interface GivenEndpoints {
  /** Of DynamoDB Streams itself. */
  readonly dynamoDBStreamsEndpoint?: string | undefined;
  readonly dynamoDBEndpoint?: string | undefined;
  readonly kinesisEndpoint?: string | undefined;
}

/**
 * Where DynamoDB Streams are for a worker. Their own endpoint counts. Else an address that is not AWS's is
 * that of an emulator, which serves the streams too: DynamoDB's first, as that has the tables, then
 * Kinesis's. Of AWS's addresses for the other two only the kind counts: FIPS, both stacks.
 *
 * @throws {TypeError} when the region cannot be one.
 */
export function streamsEndpoint(
  region: string,
  { dynamoDBStreamsEndpoint, dynamoDBEndpoint, kinesisEndpoint }: GivenEndpoints,
): string {
  const given = [dynamoDBEndpoint, kinesisEndpoint].filter((endpoint) => endpoint !== undefined);
  const own = dynamoDBStreamsEndpoint ?? given.find((endpoint) => !isAwsHost(endpoint));
  if (own !== undefined) return own;
  const [host = ""] = given.map((endpoint) => new URL(endpoint).hostname);
  return streamsUrl(region, {
    fips: host.split(".").some((part) => part.endsWith("-fips")),
    dualStack: /\.api\./.test(host),
  });
}

const STATUSES: readonly TableStreamStatus[] = ["ENABLING", "ENABLED", "DISABLING", "DISABLED"];

function pageOf(answer: Fields, after: string | undefined): TableStreamPage {
  const stream = fieldsOf(answer["StreamDescription"], "StreamDescription");
  const status = STATUSES.find((one) => one === stream["StreamStatus"]);
  if (status === undefined) {
    throw new SyntaxError(`expected StreamStatus to be one of ${STATUSES.join(", ")}`);
  }
  const lastShardId = optionalTextIn(stream, "LastEvaluatedShardId");
  if (lastShardId !== undefined && lastShardId === after) {
    throw new SyntaxError("expected another LastEvaluatedShardId than before");
  }
  return {
    streamArn: textIn(stream, "StreamArn"),
    status,
    viewType: optionalTextIn(stream, "StreamViewType"),
    tableName: optionalTextIn(stream, "TableName"),
    shards: optionalListIn(stream, "Shards").map(shardOf),
    lastShardId,
  };
}

function shardOf(value: unknown): TableStreamShard {
  const shard = fieldsOf(value, "a shard");
  const range = fieldsOf(shard["SequenceNumberRange"], "SequenceNumberRange");
  return {
    shardId: textIn(shard, "ShardId"),
    parentShardId: optionalTextIn(shard, "ParentShardId"),
    startingSequenceNumber: sequenceNumberIn(range, "StartingSequenceNumber"),
    endingSequenceNumber: optionalSequenceNumberIn(range, "EndingSequenceNumber"),
  };
}
