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
import type { TableStream } from "./dynamodb/table_stream.ts";
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

  /** Puts an item, in place of one with the same key. */
  put(item: Item): void {
    this.#table.put(this.#table.checkedItem(item));
  }

  /** Deletes an item; nothing, if there is none. */
  delete(key: Item): void {
    this.#table.delete(this.#table.keyText(key));
  }

  /** Deletes an item as its time to live does; nothing, if there is none. */
  expire(key: Item): void {
    this.#table.delete(this.#table.keyText(key), true);
  }

  /**
   * The last stream that it has had, to be moved by hand.
   *
   * @throws {RangeError} when it has had none.
   */
  get stream(): TableStreamControl {
    const stream = this.#table.streams.at(-1);
    if (stream !== undefined) return new TableStreamControl(stream);
    throw new RangeError(
      `Cannot find the stream of table "${this.#table.name}": it has none: set its StreamSpecification`,
    );
  }
}

/** A shard of a table's stream, to be looked at. */
export interface TableShard {
  /** E.g. `shardId-00000001700000000000-0a1b2c3d`. */
  readonly shardId: string;
  /** The shard that it follows. Undefined for the first of its line. */
  readonly parentShardId: string | undefined;
  /** Whether it takes changes. */
  readonly isOpen: boolean;
  /** How many changes it holds. */
  readonly changes: number;
}

/** The stream of one table. What names a shard throws an `Error` when there is none. */
export class TableStreamControl {
  readonly #stream: TableStream;

  /** `simulatedAws()` makes it. */
  constructor(stream: TableStream) {
    this.#stream = stream;
  }

  /** The stream's ARN, as a worker's `streamArn` names it. */
  get arn(): string {
    return this.#stream.arn;
  }

  /** All shards that are not forgotten, oldest first. */
  shards(): readonly TableShard[] {
    return this.#stream.shards().map(({ shardId, parentShardId, endingSequenceNumber, records }) => ({
      shardId,
      parentShardId,
      isOpen: endingSequenceNumber === undefined,
      changes: records.length,
    }));
  }

  /**
   * Ends an open shard, as after its life.
   *
   * @param shardId @default each open one
   * @param children How many follow it. @default 1
   */
  rollOver(shardId?: string, children?: number): void {
    const ids = shardId === undefined
      ? this.shards().filter(({ isOpen }) => isOpen).map((shard) => shard.shardId)
      : [shardId];
    for (const id of ids) this.#stream.rollOver(id, children);
  }

  /** Forgets what a shard holds, as after 24 hours; a shard that has ended, as a whole. */
  trim(shardId: string): void {
    this.#stream.trim(shardId);
  }

  /** Switches it off, as UpdateTable does. What it holds can be read for 24 hours. */
  disable(): void {
    this.#stream.disable();
  }
}
