// Pure.
/**
 * What Kinesis sends, as far as several operations send the same: records, child shards, hash key ranges. Emulators
 * send null for what AWS leaves out.
 *
 * @module
 */

import type { HashKeyRange } from "../stream/hash_key.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { ChildShard } from "../stream/shard.ts";
import { decodeBase64 } from "./base64.ts";
import type { JsonService } from "./json_call.ts";

/** Kinesis Data Streams among the JSON services. */
export const KINESIS_SERVICE: JsonService = {
  service: "kinesis",
  targetPrefix: "Kinesis_20131202",
  contentType: "application/x-amz-json-1.1",
  // Source: KCL 3.5.1, `PollingConfig.kinesisRequestTimeout`.
  attemptTimeoutMs: 30_000,
};

/** A hash key range as it comes. */
export interface WireRange {
  readonly StartingHashKey: string;
  readonly EndingHashKey: string;
}

/** A record as it comes. */
export interface WireRecord {
  readonly SequenceNumber: string;
  readonly PartitionKey: string;
  /** Base64. */
  readonly Data: string;
  /** Seconds, with a fraction. */
  readonly ApproximateArrivalTimestamp: number;
  readonly EncryptionType?: "NONE" | "KMS" | null;
}

/** A child shard as it comes. */
export interface WireChildShard {
  readonly ShardId: string;
  readonly ParentShards?: readonly string[] | null;
  readonly HashKeyRange: WireRange;
}

/** Records, and the bytes of their payloads together. */
export interface DecodedRecords {
  readonly records: readonly KinesisRecord[];
  readonly bytes: number;
}

/**
 * Decodes records. The hot path: one slab of memory per page, and one plain literal per record.
 *
 * @throws {SyntaxError} when a payload is not base64.
 */
export function recordsOf(wire: readonly WireRecord[] | null | undefined): DecodedRecords {
  if (wire == null) return { records: [], bytes: 0 };
  const { views, bytes } = decodeBase64(wire.map((record) => record.Data));
  const records: KinesisRecord[] = wire.map((record, i) => ({
    sequenceNumber: record.SequenceNumber,
    subSequenceNumber: 0,
    partitionKey: record.PartitionKey,
    explicitHashKey: undefined,
    data: views[i] as Uint8Array,
    approximateArrivalTimestamp: Math.round(record.ApproximateArrivalTimestamp * 1000),
    encryptionType: record.EncryptionType ?? undefined,
    aggregated: false,
  }));
  return { records, bytes };
}

/** Decodes child shards; none when there is no list. */
export function childShardsOf(wire: readonly WireChildShard[] | null | undefined): readonly ChildShard[] {
  return (wire ?? []).map((child) => ({
    shardId: child.ShardId,
    parentShards: child.ParentShards ?? [],
    hashKeyRange: hashKeyRangeOf(child.HashKeyRange),
  }));
}

/** Decodes a hash key range. */
export function hashKeyRangeOf(range: WireRange): HashKeyRange {
  return { startingHashKey: range.StartingHashKey, endingHashKey: range.EndingHashKey };
}
