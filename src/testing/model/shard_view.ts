/**
 * What Kinesis shows of a simulated shard from some position on: what polling and fan-out have in common.
 *
 * @module
 */

import type { IteratorPosition, ShardFilter } from "../../aws/kinesis.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { type SimulatedShard, type SimulatedStream, WORLD_EPOCH_MS } from "./simulated_stream.ts";

/** Some records of a shard. */
export interface ShardView {
  readonly records: readonly KinesisRecord[];
  readonly bytes: number;
  /** The index of the record that follows. */
  readonly next: number;
  readonly millisBehindLatest: number;
  /** Whether the shard is closed and nothing follows. */
  readonly isEnd: boolean;
}

/** What bounds a view. */
export interface ViewLimits {
  readonly limit: number;
  readonly nowMs: number;
  /**
   * The most bytes of payloads and partition keys, unless the first record alone has more. @default
   * {Infinity}
   */
  readonly maxBytes?: number | undefined;
}

/** The records from an index on, without those that are trimmed. */
export function viewOf(
  shard: SimulatedShard,
  from: number,
  { limit, nowMs, maxBytes = Infinity }: ViewLimits,
): ShardView {
  const start = Math.max(from, shard.trimmed);
  const first = start - shard.forgotten;
  const records: KinesisRecord[] = [];
  let bytes = 0, countedBytes = 0;
  for (const record of shard.records.slice(first, first + limit)) {
    countedBytes += record.data.length + record.partitionKey.length;
    if (countedBytes > maxBytes && records.length > 0) break;
    records.push(record);
    bytes += record.data.length;
  }
  const next = start + records.length;
  const following = shard.records[next - shard.forgotten];
  return {
    records,
    bytes,
    next,
    millisBehindLatest: following === undefined
      ? 0
      : Math.max(1, WORLD_EPOCH_MS + nowMs - following.approximateArrivalTimestamp),
    isEnd: following === undefined && shard.endingSequenceNumber !== undefined,
  };
}

/** The index of the first record from a position on. */
export function indexOf(shard: SimulatedShard, position: IteratorPosition): number {
  const first = (holds: (record: KinesisRecord) => boolean) => {
    const index = shard.records.findIndex(holds);
    return shard.forgotten + (index === -1 ? shard.records.length : index);
  };
  switch (position.type) {
    case "TRIM_HORIZON":
      return 0;
    case "LATEST":
      return shard.forgotten + shard.records.length;
    case "AT_SEQUENCE_NUMBER":
      return first((record) => BigInt(record.sequenceNumber) >= BigInt(position.sequenceNumber));
    case "AFTER_SEQUENCE_NUMBER":
      return first((record) => BigInt(record.sequenceNumber) > BigInt(position.sequenceNumber));
    case "AT_TIMESTAMP":
      return first((record) => record.approximateArrivalTimestamp >= position.timestampMs);
  }
}

/** Whether a listing with this filter shows a shard. Source: the API reference of ListShards, ShardFilter. */
export function passesFilter(stream: SimulatedStream, shardId: string, filter: ShardFilter): boolean {
  const shard = stream.shards.get(shardId);
  if (shard === undefined) return true;
  const { openedMs, closedMs = Infinity } = shard;
  switch (filter.type) {
    case "AT_LATEST":
      return closedMs === Infinity;
    case "AT_TRIM_HORIZON":
      return shard.parents.every((id) => stream.shards.get(id)?.isGone !== false);
    case "FROM_TRIM_HORIZON":
      return true;
    case "AT_TIMESTAMP": {
      const atMs = filter.timestampMs - WORLD_EPOCH_MS;
      return openedMs <= atMs && atMs <= closedMs;
    }
    case "FROM_TIMESTAMP":
      return closedMs >= filter.timestampMs - WORLD_EPOCH_MS;
  }
}
