/**
 * The operations of Kinesis Data Streams that a consumer needs, as an interface and as signed JSON calls.
 * Retrieval and the worker use the interface; a simulator replaces it.
 *
 * @module
 */

import { type Fields, fieldsOf, listIn, optionalNumberIn, optionalTextIn, textIn } from "./answer_fields.ts";
import { jsonCaller, type ServiceOptions } from "./json_call.ts";
import {
  type GetRecordsOutput,
  getRecordsOutput,
  hashKeyRangeOf,
  JSON_ENCODING,
  KINESIS_SERVICE,
  optionalSequenceNumberIn,
  sequenceNumberIn,
} from "./kinesis_wire.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry.ts";
import type { Shard } from "../stream/shard.ts";

/**
 * A stream as calls name it: by name, and by ARN too where it is known (cross-account needs it).
 *
 * @experimental
 */
export interface StreamReference {
  /** The stream's name. */
  readonly streamName: string;
  /** The stream's ARN. Undefined when it is not known. */
  readonly streamArn: string | undefined;
}

/**
 * The fields of DescribeStreamSummary that we use.
 *
 * @experimental
 */
export interface StreamSummary {
  /** The stream's name. */
  readonly streamName: string;
  /** Undefined on emulators that have none. */
  readonly streamArn: string | undefined;
  /** The stream's status. */
  readonly streamStatus: "CREATING" | "DELETING" | "ACTIVE" | "UPDATING";
  /** When the stream was created, in epoch seconds. */
  readonly streamCreationEpochS: number | undefined;
  /** How many shards take records. */
  readonly openShardCount: number | undefined;
  /** How long the stream keeps records. */
  readonly retentionPeriodHours?: number | undefined;
  /** `ON_DEMAND` or `PROVISIONED`. Undefined on emulators that do not report it. */
  readonly streamMode?: string | undefined;
}

/**
 * Which shards ListShards returns. Some emulators ignore it and return all.
 *
 * @experimental
 */
export type ShardFilter =
  | { readonly type: "AT_LATEST" | "AT_TRIM_HORIZON" | "FROM_TRIM_HORIZON" }
  | { readonly type: "AT_TIMESTAMP" | "FROM_TIMESTAMP"; readonly timestampMs: number };

/**
 * Where a shard iterator starts.
 *
 * @experimental
 */
export type IteratorPosition =
  | { readonly type: "TRIM_HORIZON" | "LATEST" }
  | { readonly type: "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER"; readonly sequenceNumber: string }
  | { readonly type: "AT_TIMESTAMP"; readonly timestampMs: number };

/**
 * Kinesis, as far as a consumer needs it. Every method throws `AwsServiceError`, or the signal's reason.
 *
 * @experimental
 */
export interface Kinesis {
  /** Asks what a stream is. */
  describeStreamSummary(stream: StreamReference, signal?: AbortSignal): Promise<StreamSummary>;
  /** All pages. Follow-up pages send nothing but the token. */
  listShards(stream: StreamReference, filter?: ShardFilter, signal?: AbortSignal): Promise<readonly Shard[]>;
  /**
   * Asks for an iterator at a position of a shard.
   *
   * @returns undefined when the service gives no iterator: the shard is over.
   */
  getShardIterator(
    stream: StreamReference,
    shardId: string,
    position: IteratorPosition,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /**
   * Reads one page.
   *
   * @param limit At most 10,000 records.
   */
  getRecords(
    stream: StreamReference,
    shardIterator: string,
    limit: number,
    signal?: AbortSignal,
  ): Promise<GetRecordsOutput>;
}

/** Options of {@linkcode signedKinesis}. */
export interface SignedKinesisOptions extends ServiceOptions {
  /**
   * How GetRecords and GetShardIterator are tried again. The retrieval loop paces itself, so there is little
   * to do here.
   *
   * @default {READ_RETRY_POLICY}
   */
  readonly readRetry?: RetryPolicy | undefined;
}

/**
 * For calls that a loop repeats anyway. One quick second try after a fault. None when Kinesis throttles,
 * since a shard allows only five calls a second.
 */
export const READ_RETRY_POLICY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, attempts: 2, throttledAttempts: 1 };

/**
 * Kinesis over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedKinesis(options: SignedKinesisOptions): Kinesis {
  const call = jsonCaller(KINESIS_SERVICE, options);
  const readRetry = options.readRetry ?? READ_RETRY_POLICY;
  return {
    describeStreamSummary: (stream, signal) =>
      call({
        operation: "DescribeStreamSummary",
        input: nameOf(stream),
        decode: streamSummary,
        signal,
      }),

    async listShards(stream, filter, signal) {
      const shards: Shard[] = [];
      let input: Readonly<Record<string, unknown>> = {
        ...nameOf(stream),
        ...(filter === undefined ? {} : { ShardFilter: wireFilter(filter) }),
      };
      let token: string | undefined;
      for (;;) {
        const before = token;
        const page = await call({
          operation: "ListShards",
          input,
          decode: (body) => shardPage(body, before),
          retry: LIST_RETRY_POLICY,
          signal,
        });
        for (const shard of page.shards) shards.push(shard);
        if (page.nextToken === undefined) return shards;
        token = page.nextToken;
        input = { NextToken: token };
      }
    },

    getShardIterator: (stream, shardId, position, signal) =>
      call({
        operation: "GetShardIterator",
        input: { ...nameOf(stream), ShardId: shardId, ...wirePosition(position) },
        decode: (body) => optionalTextIn(body, "ShardIterator"),
        retry: readRetry,
        signal,
      }),

    getRecords: (stream, shardIterator, limit, signal) =>
      call({
        operation: "GetRecords",
        input: {
          ShardIterator: shardIterator,
          Limit: limit,
          ...(stream.streamArn === undefined ? {} : { StreamARN: stream.streamArn }),
        },
        decode: (body) => getRecordsOutput(body, JSON_ENCODING),
        retry: readRetry,
        signal,
      }),
  };
}

/** Source: KCL 3.5.1, `KinesisShardDetector`: 1500 ms after LimitExceeded, up to 50 tries. */
const LIST_RETRY_POLICY: RetryPolicy = {
  ...DEFAULT_RETRY_POLICY,
  throttledAttempts: 50,
  throttledBaseMs: 1500,
  maxDelayMs: 3000,
};

/** AWS takes name and ARN together; kinesalite refuses any StreamARN, so none is made up from a name. */
function nameOf(stream: StreamReference): Readonly<Record<string, unknown>> {
  return stream.streamArn === undefined
    ? { StreamName: stream.streamName }
    : { StreamName: stream.streamName, StreamARN: stream.streamArn };
}

function wireFilter(filter: ShardFilter): Readonly<Record<string, unknown>> {
  return "timestampMs" in filter
    ? { Type: filter.type, Timestamp: filter.timestampMs / 1000 }
    : { Type: filter.type };
}

function wirePosition(position: IteratorPosition): Readonly<Record<string, unknown>> {
  switch (position.type) {
    case "TRIM_HORIZON":
    case "LATEST":
      return { ShardIteratorType: position.type };
    case "AT_SEQUENCE_NUMBER":
    case "AFTER_SEQUENCE_NUMBER":
      return { ShardIteratorType: position.type, StartingSequenceNumber: position.sequenceNumber };
    case "AT_TIMESTAMP":
      return { ShardIteratorType: position.type, Timestamp: position.timestampMs / 1000 };
  }
}

function streamSummary(answer: Fields): StreamSummary {
  const summary = fieldsOf(answer["StreamDescriptionSummary"], "StreamDescriptionSummary");
  const mode = summary["StreamModeDetails"];
  return {
    streamName: textIn(summary, "StreamName"),
    streamArn: optionalTextIn(summary, "StreamARN"),
    streamStatus: textIn(summary, "StreamStatus") as StreamSummary["streamStatus"],
    streamCreationEpochS: optionalNumberIn(summary, "StreamCreationTimestamp"),
    openShardCount: optionalNumberIn(summary, "OpenShardCount"),
    retentionPeriodHours: optionalNumberIn(summary, "RetentionPeriodHours"),
    streamMode: mode == null ? undefined : optionalTextIn(fieldsOf(mode, "StreamModeDetails"), "StreamMode"),
  };
}

/** @param token Of this page. A page that names itself as the next would be requested for ever. */
function shardPage(
  answer: Fields,
  token: string | undefined,
): { readonly shards: readonly Shard[]; readonly nextToken: string | undefined } {
  const nextToken = optionalTextIn(answer, "NextToken");
  if (nextToken !== undefined && nextToken === token) {
    throw new SyntaxError("expected another NextToken than before");
  }
  return { shards: listIn(answer, "Shards").map(shardOf), nextToken };
}

function shardOf(value: unknown): Shard {
  const shard = fieldsOf(value, "a shard");
  const range = fieldsOf(shard["SequenceNumberRange"], "SequenceNumberRange");
  return {
    shardId: textIn(shard, "ShardId"),
    parentShardId: optionalTextIn(shard, "ParentShardId"),
    adjacentParentShardId: optionalTextIn(shard, "AdjacentParentShardId"),
    hashKeyRange: hashKeyRangeOf(shard["HashKeyRange"]),
    startingSequenceNumber: sequenceNumberIn(range, "StartingSequenceNumber"),
    endingSequenceNumber: optionalSequenceNumberIn(range, "EndingSequenceNumber"),
  };
}
