/**
 * What Kinesis shows of a simulated shard from some position on: what polling and fan-out have in common.
 *
 * @module
 */

import type { IteratorPosition } from "../aws/kinesis.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { type SimulatedShard, WORLD_EPOCH_MS } from "./simulated_stream.ts";

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

/** The records from an index on, without those that are trimmed. */
export function viewOf(
  shard: SimulatedShard,
  from: number,
  { limit, nowMs }: { readonly limit: number; readonly nowMs: number },
): ShardView {
  const start = Math.max(from, shard.trimmed);
  const records = shard.records.slice(start, start + limit);
  const next = start + records.length;
  const following = shard.records[next];
  return {
    records,
    bytes: records.reduce((sum, { data }) => sum + data.length, 0),
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
    return index === -1 ? shard.records.length : index;
  };
  switch (position.type) {
    case "TRIM_HORIZON":
      return 0;
    case "LATEST":
      return shard.records.length;
    case "AT_SEQUENCE_NUMBER":
      return first((record) => BigInt(record.sequenceNumber) >= BigInt(position.sequenceNumber));
    case "AFTER_SEQUENCE_NUMBER":
      return first((record) => BigInt(record.sequenceNumber) > BigInt(position.sequenceNumber));
    case "AT_TIMESTAMP":
      return first((record) => record.approximateArrivalTimestamp >= position.timestampMs);
  }
}
