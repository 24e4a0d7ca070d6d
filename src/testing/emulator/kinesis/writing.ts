/**
 * What producers and operators do to a stream: put records, split and merge shards.
 *
 * @module
 */

import type { SimulatedShard } from "../../model/simulated_stream.ts";
import { ApiError, constraintError, invalid } from "../api_error.ts";
import type { Input } from "../input.ts";
import { activeStreamOf, shardIn, usableStreamOf } from "./lookup.ts";
import { ACCOUNT_ID, type Operations } from "../operation.ts";
import { type EmulatedStream, type EmulatedStreams, isHashKey } from "./emulated_streams.ts";

/** Source: "Quotas and limits" of the Kinesis documentation, for one call. */
const MAX_PUT_BYTES = 10 * 1024 ** 2, MAX_PUT_RECORDS = 500;

/** What writing takes. */
export interface WritingOptions {
  readonly streams: EmulatedStreams;
  /** Whether a shard takes but 1 MiB and 1000 records a second. */
  readonly isWriteLimited: boolean;
}

/** The operations, over some streams. */
export function writingOperations({ streams, isWriteLimited }: WritingOptions): Operations {
  const { timeline } = streams.settings;

  /** @throws {ApiError} when the shard has taken too much. */
  const put = (stream: EmulatedStream, { partitionKey, explicitHashKey, data }: ReadyRecord) => {
    const shard = stream.shardFor(partitionKey, explicitHashKey);
    if (isWriteLimited) checkRate(stream, shard, data.length + partitionKey.length);
    const { sequenceNumber } = stream.put(shard, partitionKey, data);
    return { ShardId: shard.shardId, SequenceNumber: sequenceNumber };
  };

  const checkRate = (stream: EmulatedStream, shard: SimulatedShard, bytes: number) => {
    const { writes, writeBytes } = stream.limitsOf(shard);
    const { nowMs } = timeline;
    if (writes.left(nowMs) < 1 || writeBytes.left(nowMs) <= 0) {
      throw new ApiError(
        "ProvisionedThroughputExceededException",
        `Rate exceeded for shard ${shard.shardId} in stream ${stream.name} under account ${ACCOUNT_ID}.`,
      );
    }
    writes.spend(1, nowMs);
    writeBytes.spend(bytes, nowMs);
  };

  const reshard = (input: Input, change: (stream: EmulatedStream) => unknown): unknown => {
    const stream = activeStreamOf(streams, input);
    if (stream.mode === "ON_DEMAND") {
      throw invalid(
        `Request is invalid. Stream ${stream.name} under account ${ACCOUNT_ID} is in On-Demand mode.`,
      );
    }
    const answer = change(stream);
    stream.life.change("UPDATING");
    return answer;
  };

  return {
    PutRecord({ input }) {
      const stream = usableStreamOf(streams, input);
      return { ...put(stream, readyRecord(input, stream, "data")), EncryptionType: stream.encryptionType };
    },

    PutRecords({ input }) {
      const stream = usableStreamOf(streams, input);
      const records = input.maps("Records");
      if (records.length < 1 || records.length > MAX_PUT_RECORDS) {
        throw constraintError(
          `${records.length} records`,
          "records",
          `Member must have length between 1 and ${MAX_PUT_RECORDS}`,
        );
      }
      const ready = records.map((record, i) => readyRecord(record, stream, `records.${i + 1}.member.data`));
      const bytes = ready.reduce((sum, { data, partitionKey }) => sum + data.length + partitionKey.length, 0);
      if (bytes > MAX_PUT_BYTES) {
        throw new ApiError(
          "InvalidArgumentException",
          `Records size exceeds ${MAX_PUT_BYTES} bytes: ${bytes}`,
        );
      }
      let failed = 0;
      const results = ready.map((record) => {
        try {
          return put(stream, record);
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          failed++;
          return { ErrorCode: error.code, ErrorMessage: error.message };
        }
      });
      return { FailedRecordCount: failed, Records: results, EncryptionType: stream.encryptionType };
    },

    SplitShard: ({ input }) =>
      reshard(input, (stream) => {
        const shard = openShard(stream, input.requiredText("ShardToSplit"));
        const at = input.requiredText("NewStartingHashKey");
        const { startingHashKey, endingHashKey } = shard.hashKeyRange;
        if (!isHashKey(at) || BigInt(at) <= BigInt(startingHashKey) || BigInt(at) > BigInt(endingHashKey)) {
          throw new ApiError(
            "InvalidArgumentException",
            `NewStartingHashKey ${at} used in SplitShard() on shard ${shard.shardId} in stream ${stream.name} ` +
              `under account ${ACCOUNT_ID} is not both greater than one plus the shard's StartingHashKey ` +
              `${startingHashKey} and less than the shard's EndingHashKey ${endingHashKey}.`,
          );
        }
        stream.model.split(shard, timeline.nowMs, BigInt(at));
      }),

    MergeShards: ({ input }) =>
      reshard(input, (stream) => {
        const first = openShard(stream, input.requiredText("ShardToMerge"));
        const second = openShard(stream, input.requiredText("AdjacentShardToMerge"));
        mergeShards(stream, [first, second], timeline.nowMs);
      }),

    UpdateShardCount: ({ input }) =>
      reshard(input, (stream) => {
        const current = stream.model.open.length;
        const target = input.integer("TargetShardCount", 1, 500) ?? current;
        if (target > 2 * current || target < current / 2) {
          throw new ApiError(
            "LimitExceededException",
            `UpdateShardCount cannot go from ${current} to ${target}: at most double, at least half.`,
          );
        }
        spreadEvenly(stream, target, timeline.nowMs);
        return {
          StreamName: stream.name,
          StreamARN: stream.arn,
          CurrentShardCount: current,
          TargetShardCount: target,
        };
      }),
  };
}

/** Merges two neighbours, in either order. @throws {ApiError} when they are none. */
export function mergeShards(
  stream: EmulatedStream,
  pair: readonly [SimulatedShard, SimulatedShard],
  nowMs: number,
): void {
  const [lower, upper] = pair.toSorted((a, b) => startOf(a) < startOf(b) ? -1 : 1);
  const isNext = lower !== undefined && upper !== undefined &&
    BigInt(lower.hashKeyRange.endingHashKey) + 1n === startOf(upper);
  if (isNext) stream.model.merge(lower, nowMs);
  else {
    throw new ApiError(
      "InvalidArgumentException",
      `Shards ${pair[0].shardId} and ${
        pair[1].shardId
      } in stream ${stream.name} under account ${ACCOUNT_ID} ` +
        "are not an adjacent pair of shards eligible for merging",
    );
  }
}

/** An open shard by its id. @throws {ApiError} when it is closed or unknown. */
export function openShard(stream: EmulatedStream, shardId: string): SimulatedShard {
  const shard = shardIn(stream, shardId);
  if (shard.endingSequenceNumber === undefined) return shard;
  throw new ApiError(
    "InvalidArgumentException",
    `Shard ${shardId} in stream ${stream.name} under account ${ACCOUNT_ID} has already been merged or split, ` +
      "and thus is not eligible for merging or splitting.",
  );
}

/** Splits where a boundary is missing, then merges where there is one too many. */
function spreadEvenly(stream: EmulatedStream, count: number, nowMs: number): void {
  const { model } = stream;
  const bounds = Array.from({ length: count }, (_, i) => ((1n << 128n) / BigInt(count)) * BigInt(i));
  for (const bound of bounds) {
    const shard = model.shardOf(bound);
    if (startOf(shard) !== bound) model.split(shard, nowMs, bound);
  }
  const wanted = new Set(bounds);
  for (;;) {
    const surplus = model.open.find((shard) => !wanted.has(startOf(shard)));
    if (surplus === undefined) return;
    mergeShards(stream, [model.shardOf(startOf(surplus) - 1n), surplus], nowMs);
  }
}

function startOf(shard: SimulatedShard): bigint {
  return BigInt(shard.hashKeyRange.startingHashKey);
}

/** A record to put, checked. */
interface ReadyRecord {
  readonly partitionKey: string;
  readonly explicitHashKey: string | undefined;
  readonly data: Uint8Array;
}

/** @param member What the data is called where it is refused. */
function readyRecord(input: Input, { maxRecordBytes }: EmulatedStream, member: string): ReadyRecord {
  const partitionKey = input.requiredText("PartitionKey");
  const explicitHashKey = input.text("ExplicitHashKey");
  const data = input.requiredBytes("Data");
  if (partitionKey.length < 1 || partitionKey.length > 256) {
    throw constraintError(partitionKey, "partitionKey", "Member must have length between 1 and 256");
  }
  if (explicitHashKey !== undefined && !isHashKey(explicitHashKey)) {
    throw new ApiError(
      "InvalidArgumentException",
      `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${explicitHashKey}`,
    );
  }
  const bytes = data.length + new TextEncoder().encode(partitionKey).length;
  if (bytes > maxRecordBytes) {
    throw invalid(
      `1 validation error detected: Value at '${member}' failed to satisfy constraint: ` +
        `Member must have length less than or equal to ${maxRecordBytes}: with its partition key it has ${bytes} bytes. ` +
        "UpdateMaxRecordSize raises the limit, up to 10 MiB",
    );
  }
  return { partitionKey, explicitHashKey, data };
}
