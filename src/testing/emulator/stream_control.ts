/**
 * Streams and tables of the emulator in the hands of a test or a demo: no signing, no limits, no faults.
 *
 * @module
 */

import type { Item } from "../../aws/dynamodb.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import type { Shard } from "../../stream/shard.ts";
import { indexOf } from "../model/shard_view.ts";
import type { SimulatedShard } from "../model/simulated_stream.ts";
import type { EmulatedTable } from "./dynamodb/tables.ts";
import { shardIn } from "./kinesis/lookup.ts";
import type { EmulatedStream } from "./kinesis/emulated_streams.ts";
import { mergeShards, openShard } from "./kinesis/writing.ts";
import type { Timeline } from "./operation.ts";

/** Where a record was put. */
export interface PutResult {
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** The record's sequence number. */
  readonly sequenceNumber: string;
}

/**
 * One stream. What names a shard throws an `Error` when there is none, or when it is closed and may not be.
 */
export class StreamControl {
  readonly #stream: EmulatedStream;
  readonly #timeline: Timeline;

  /** `simulatedAws()` makes it. */
  constructor(stream: EmulatedStream, timeline: Timeline) {
    this.#stream = stream;
    this.#timeline = timeline;
  }

  /** The stream's ARN. */
  get arn(): string {
    return this.#stream.arn;
  }

  /**
   * Puts a record.
   *
   * @param data Text is put in UTF-8.
   * @param partitionKey Its MD5 decides about the shard. @default the data, for a text of up to 256
   * characters
   * @param explicitHashKey Decides in place of it: decimal text.
   */
  put(data: string | Uint8Array, partitionKey?: string, explicitHashKey?: string): PutResult {
    const key = partitionKey ?? (typeof data === "string" && data !== "" ? data.slice(0, 256) : "key");
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data.slice();
    const shard = this.#stream.shardFor(key, explicitHashKey);
    const { sequenceNumber } = this.#stream.put(shard, key, bytes);
    return { shardId: shard.shardId, sequenceNumber };
  }

  /** All shards that are not forgotten, closed ones included. */
  shards(): readonly Shard[] {
    return this.#stream.model.list();
  }

  /** What a shard holds, as it was put. */
  records(shardId: string): readonly KinesisRecord[] {
    return [...shardIn(this.#stream, shardId).records];
  }

  /** Splits an open shard. @param at The hash key at which its second half begins. @default the middle */
  split(shardId: string, at?: bigint): void {
    this.#stream.model.split(openShard(this.#stream, shardId), this.#timeline.nowMs, at);
  }

  /** Merges two open shards that are neighbours. */
  merge(shardId: string, adjacentShardId: string): void {
    const shards = [openShard(this.#stream, shardId), openShard(this.#stream, adjacentShardId)] as const;
    mergeShards(this.#stream, shards, this.#timeline.nowMs);
  }

  /**
   * Forgets records as if the retention period were over for them; a closed shard that has none left is
   * forgotten too.
   *
   * @param before The first sequence number that stays. @default none does
   */
  trim(shardId: string, before?: string): void {
    const shard: SimulatedShard = shardIn(this.#stream, shardId);
    const upTo = before === undefined
      ? Infinity
      : indexOf(shard, { type: "AT_SEQUENCE_NUMBER", sequenceNumber: before });
    this.#stream.trim(shard, upTo);
    if (shard.endingSequenceNumber !== undefined && shard.records.length === 0) shard.isGone = true;
  }
}

/** One table. */
export class TableView {
  readonly #table: EmulatedTable;

  /** `simulatedAws()` makes it. */
  constructor(table: EmulatedTable) {
    this.#table = table;
  }

  /** What it holds at this moment, in no particular order. */
  items(): readonly Item[] {
    return this.#table.items();
  }

  /** Whether point-in-time recovery is on. */
  get isRecoverable(): boolean {
    return this.#table.isRecoverable;
  }

  /** Whether it may not be dropped. */
  get isProtected(): boolean {
    return this.#table.isProtected;
  }

  /** Its tags. */
  get tags(): ReadonlyMap<string, string> {
    return this.#table.tags;
  }
}
