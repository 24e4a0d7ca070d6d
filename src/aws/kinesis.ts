/**
 * The operations of Kinesis Data Streams that a consumer needs, as an interface (what retrieval and the worker
 * use, and what a simulator puts in its place) and as signed JSON calls.
 *
 * @module
 */

import { jsonCaller, type ServiceOptions } from "./json_call.ts";
import {
  childShardsOf,
  hashKeyRangeOf,
  KINESIS_SERVICE,
  recordsOf,
  type WireChildShard,
  type WireRange,
  type WireRecord,
} from "./kinesis_wire.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { ChildShard, Shard } from "../stream/shard.ts";

/** A stream as calls name it: by name, and by ARN too where it is known (cross-account needs it). */
export interface StreamReference {
  readonly streamName: string;
  readonly streamArn: string | undefined;
}

/** What DescribeStreamSummary tells that we use. */
export interface StreamSummary {
  readonly streamName: string;
  /** Undefined on emulators that have none. */
  readonly streamArn: string | undefined;
  readonly streamStatus: "CREATING" | "DELETING" | "ACTIVE" | "UPDATING";
  readonly streamCreationEpochS: number | undefined;
  readonly openShardCount: number | undefined;
}

/** Which shards ListShards returns. Some emulators ignore it and return all. */
export type ShardFilter =
  | { readonly type: "AT_LATEST" | "AT_TRIM_HORIZON" | "FROM_TRIM_HORIZON" }
  | { readonly type: "AT_TIMESTAMP" | "FROM_TIMESTAMP"; readonly timestampMs: number };

/** Where a shard iterator starts. */
export type IteratorPosition =
  | { readonly type: "TRIM_HORIZON" | "LATEST" }
  | { readonly type: "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER"; readonly sequenceNumber: string }
  | { readonly type: "AT_TIMESTAMP"; readonly timestampMs: number };

/** One answer of GetRecords. */
export interface GetRecordsOutput {
  /** Not de-aggregated; `subSequenceNumber` is 0. */
  readonly records: readonly KinesisRecord[];
  /** Payload bytes of `records`. */
  readonly bytes: number;
  /** Undefined at the end of a shard. */
  readonly nextShardIterator: string | undefined;
  readonly millisBehindLatest: number | undefined;
  /** Empty where the service (or an emulator) names none. */
  readonly childShards: readonly ChildShard[];
}

/** Kinesis, as far as a consumer needs it. Every method throws `AwsServiceError`, or the signal's reason. */
export interface Kinesis {
  describeStreamSummary(stream: StreamReference, signal?: AbortSignal): Promise<StreamSummary>;
  /** All pages. Follow-up pages send nothing but the token. */
  listShards(stream: StreamReference, filter?: ShardFilter, signal?: AbortSignal): Promise<readonly Shard[]>;
  /** @returns undefined when the service gives no iterator: the shard is over. */
  getShardIterator(
    stream: StreamReference,
    shardId: string,
    position: IteratorPosition,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** @param limit At most 10,000 records. */
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
   * How GetRecords and GetShardIterator are tried again. The retrieval loop paces itself, so there is little to do here.
   *
   * @default {READ_RETRY_POLICY}
   */
  readonly readRetry?: RetryPolicy | undefined;
}

/**
 * For calls that a loop repeats anyway: one quick second try after a fault, none when Kinesis throttles, since a
 * shard allows but five calls a second.
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
        decode: (body) => streamSummary(body as DescribeAnswer),
        signal,
      }),

    async listShards(stream, filter, signal) {
      const shards: Shard[] = [];
      let input: Readonly<Record<string, unknown>> = {
        ...nameOf(stream),
        ...(filter === undefined ? {} : { ShardFilter: wireFilter(filter) }),
      };
      for (;;) {
        const page = await call({
          operation: "ListShards",
          input,
          decode: (body) => shardPage(body as ListShardsAnswer),
          retry: LIST_RETRY_POLICY,
          signal,
        });
        for (const shard of page.shards) shards.push(shard);
        if (page.nextToken === undefined) return shards;
        input = { NextToken: page.nextToken };
      }
    },

    getShardIterator: (stream, shardId, position, signal) =>
      call({
        operation: "GetShardIterator",
        input: { ...nameOf(stream), ShardId: shardId, ...wirePosition(position) },
        decode: (body) => (body as IteratorAnswer).ShardIterator ?? undefined,
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
        decode: (body) => getRecordsOutput(body as GetRecordsAnswer),
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

// What the service sends. Emulators send null for what AWS leaves out.

interface DescribeAnswer {
  readonly StreamDescriptionSummary?: {
    readonly StreamName: string;
    readonly StreamARN?: string | null;
    readonly StreamStatus: StreamSummary["streamStatus"];
    readonly StreamCreationTimestamp?: number | null;
    readonly OpenShardCount?: number | null;
  };
}

interface ListShardsAnswer {
  readonly Shards?: readonly WireShard[] | null;
  readonly NextToken?: string | null;
}

interface WireShard {
  readonly ShardId: string;
  readonly ParentShardId?: string | null;
  readonly AdjacentParentShardId?: string | null;
  readonly HashKeyRange: WireRange;
  readonly SequenceNumberRange: {
    readonly StartingSequenceNumber: string;
    readonly EndingSequenceNumber?: string | null;
  };
}

interface IteratorAnswer {
  readonly ShardIterator?: string | null;
}

interface GetRecordsAnswer {
  readonly Records?: readonly WireRecord[] | null;
  readonly NextShardIterator?: string | null;
  readonly MillisBehindLatest?: number | null;
  readonly ChildShards?: readonly WireChildShard[] | null;
}

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

function streamSummary({ StreamDescriptionSummary: summary }: DescribeAnswer): StreamSummary {
  if (summary == null) throw new SyntaxError("expected a StreamDescriptionSummary");
  return {
    streamName: summary.StreamName,
    streamArn: summary.StreamARN ?? undefined,
    streamStatus: summary.StreamStatus,
    streamCreationEpochS: summary.StreamCreationTimestamp ?? undefined,
    openShardCount: summary.OpenShardCount ?? undefined,
  };
}

function shardPage(
  answer: ListShardsAnswer,
): { readonly shards: readonly Shard[]; readonly nextToken: string | undefined } {
  return {
    shards: (answer.Shards ?? []).map((shard) => ({
      shardId: shard.ShardId,
      parentShardId: shard.ParentShardId ?? undefined,
      adjacentParentShardId: shard.AdjacentParentShardId ?? undefined,
      hashKeyRange: hashKeyRangeOf(shard.HashKeyRange),
      startingSequenceNumber: shard.SequenceNumberRange.StartingSequenceNumber,
      endingSequenceNumber: shard.SequenceNumberRange.EndingSequenceNumber ?? undefined,
    })),
    nextToken: answer.NextToken ?? undefined,
  };
}

function getRecordsOutput(answer: GetRecordsAnswer): GetRecordsOutput {
  return {
    ...recordsOf(answer.Records),
    nextShardIterator: answer.NextShardIterator ?? undefined,
    millisBehindLatest: answer.MillisBehindLatest ?? undefined,
    childShards: childShardsOf(answer.ChildShards),
  };
}
