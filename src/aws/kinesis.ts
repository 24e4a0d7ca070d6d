/**
 * The operations of Kinesis Data Streams that a consumer needs, as an interface (what retrieval and the worker
 * use, and what a simulator puts in its place) and as signed JSON calls.
 *
 * @module
 */

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
