/**
 * The stream of one table: shards that live for a while, and the changes of items in them.
 *
 * A shard ends after its life, and has one child. The items of a key are in one line of shards. A stream that
 * is switched off takes no more, and is kept until its records are as old as the retention. One that is
 * switched on again is another stream, with a label of its own.
 *
 * Source: the API reference of DynamoDB Streams.
 *
 * @module
 */

import type { Item } from "../../../aws/dynamodb.ts";
import { hashOf } from "../../model/chance.ts";
import type { Timeline } from "../operation.ts";
import { itemBytes } from "./attribute_values.ts";

/** Which images a stream keeps of each change. */
export type ViewType = "KEYS_ONLY" | "NEW_IMAGE" | "OLD_IMAGE" | "NEW_AND_OLD_IMAGES";

/** How the streams of all tables are made. */
export interface TableStreamSettings {
  readonly timeline: Timeline;
  readonly region: string;
  /** How long it takes to be switched on. */
  readonly changeMs: number;
  /** How many shards are open at a time. */
  readonly shards: number;
  /** After this time a shard ends, and its child begins, in ms. */
  readonly shardLifeMs: number;
}

/** One change, without the members that all of a stream share. */
export interface StoredChange {
  readonly eventID: string;
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  readonly sequenceNumber: string;
  readonly epochMs: number;
  readonly keys: Item;
  readonly newImage: Item | undefined;
  readonly oldImage: Item | undefined;
  readonly bytes: number;
  /** Whether it was no user but the time to live that deleted the item. */
  readonly isExpiry: boolean;
}

/** One shard. */
export interface TableStreamShard {
  readonly shardId: string;
  readonly parentShardId: string | undefined;
  readonly startingSequenceNumber: string;
  endingSequenceNumber: string | undefined;
  readonly openedMs: number;
  endedMs: number | undefined;
  /** Oldest first. */
  readonly records: StoredChange[];
  /** The last number that was trimmed; undefined if none was. */
  trimmedTo: string | undefined;
}

/** What an item was before a write, and is after it. */
export interface ItemChange {
  readonly keys: Item;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  readonly isExpiry: boolean;
}

/** An open shard, and the hashes of the keys whose changes it takes: `from` included, `to` not. */
interface Line {
  readonly shard: TableStreamShard;
  readonly from: number;
  readonly to: number;
}

/** How many hashes there are. */
const HASHES = 2 ** 32;

/** Source: the developer guide of DynamoDB, "Change data capture for DynamoDB Streams". */
export const TABLE_STREAM_RETENTION_MS = 86_400_000;

/** See the module. */
export class TableStream {
  readonly label: string;
  readonly arn: string;
  readonly tableName: string;
  readonly viewType: ViewType;
  readonly createdEpochMs: number;
  readonly keySchema: readonly unknown[];
  readonly settings: TableStreamSettings;
  readonly #shards: TableStreamShard[] = [];
  /** The open shards, each with the hashes of the keys that are in it. */
  #lines: readonly Line[] = [];
  readonly #readyMs: number;
  #isDisabled = false;
  #numbers = 100_000_000_000_000_000_000n;

  constructor(
    table: { readonly name: string; readonly arn: string; readonly keySchema: readonly unknown[] },
    viewType: ViewType,
    settings: TableStreamSettings,
  ) {
    const { timeline, changeMs, shards } = this.settings = settings;
    this.createdEpochMs = timeline.epochMs;
    this.label = new Date(this.createdEpochMs).toISOString().replace("Z", "");
    this.tableName = table.name;
    this.arn = `${table.arn}/stream/${this.label}`;
    this.viewType = viewType;
    this.keySchema = table.keySchema;
    this.#readyMs = timeline.nowMs + changeMs;
    this.#lines = this.#opened(undefined, { from: 0, to: HASHES }, shards);
  }

  get status(): "ENABLING" | "ENABLED" | "DISABLED" {
    if (this.#isDisabled) return "DISABLED";
    return this.settings.timeline.nowMs < this.#readyMs ? "ENABLING" : "ENABLED";
  }

  /** Whether nothing of it is kept any more. */
  get isGone(): boolean {
    return this.#isDisabled && this.shards().length === 0;
  }

  /** All shards that are kept, in the order in which they began. */
  shards(): readonly TableStreamShard[] {
    this.#pass();
    return this.#shards;
  }

  find(shardId: string): TableStreamShard | undefined {
    return this.shards().find((shard) => shard.shardId === shardId);
  }

  /** Keeps what became of an item; nothing, if it is the same as before. */
  add({ keys, before, after, isExpiry }: ItemChange): void {
    if (this.#isDisabled || JSON.stringify(before) === JSON.stringify(after)) return;
    this.#pass();
    const hash = hashOf(JSON.stringify(keys));
    const shard = this.#lines.find(({ from, to }) => hash >= from && hash < to)?.shard;
    if (shard === undefined) return;
    const wantsNew = this.viewType === "NEW_IMAGE" || this.viewType === "NEW_AND_OLD_IMAGES";
    const wantsOld = this.viewType === "OLD_IMAGE" || this.viewType === "NEW_AND_OLD_IMAGES";
    const newImage = wantsNew ? after : undefined, oldImage = wantsOld ? before : undefined;
    const sequenceNumber = this.#number();
    shard.records.push({
      eventID: `${hashOf(sequenceNumber).toString(16).padStart(8, "0")}${sequenceNumber}`.padStart(32, "0"),
      eventName: before === undefined ? "INSERT" : after === undefined ? "REMOVE" : "MODIFY",
      sequenceNumber,
      epochMs: this.settings.timeline.epochMs,
      keys,
      newImage,
      oldImage,
      bytes: Math.ceil(
        [keys, newImage ?? {}, oldImage ?? {}].reduce((sum, item) => sum + itemBytes(item), 0),
      ),
      isExpiry,
    });
  }

  /** Ends an open shard, as after its life. @param children How many follow. */
  rollOver(shardId: string, children = 1): void {
    const line = this.#lines.find(({ shard }) => shard.shardId === shardId);
    if (line === undefined) throw new Error(`Cannot end shard "${shardId}": it is not open`);
    this.#close(line.shard);
    const opened = this.#opened(shardId, line, children);
    this.#lines = this.#lines.flatMap((one) => one === line ? opened : [one]);
  }

  /** Forgets records as if they were too old; a shard that has ended, as a whole. */
  trim(shardId: string): void {
    const shard = this.find(shardId);
    if (shard === undefined) throw new Error(`Cannot trim shard "${shardId}": there is none`);
    this.#forget(shard, shard.records.length);
    if (shard.endingSequenceNumber !== undefined) this.#shards.splice(this.#shards.indexOf(shard), 1);
  }

  /** Takes no more changes. */
  disable(): void {
    if (this.#isDisabled) return;
    this.#isDisabled = true;
    for (const { shard } of this.#lines) this.#close(shard);
    this.#lines = [];
  }

  /** What the time has done since the last look. */
  #pass(): void {
    const { timeline: { nowMs }, shardLifeMs } = this.settings;
    for (const { shard } of this.#lines) {
      if (nowMs - shard.openedMs >= shardLifeMs) this.rollOver(shard.shardId);
    }
    const oldestMs = this.settings.timeline.epochMs - TABLE_STREAM_RETENTION_MS;
    for (const shard of [...this.#shards]) {
      const kept = shard.records.findIndex(({ epochMs }) => epochMs > oldestMs);
      this.#forget(shard, kept === -1 ? shard.records.length : kept);
      const isOver = shard.endedMs !== undefined && nowMs - shard.endedMs >= TABLE_STREAM_RETENTION_MS;
      if (isOver) this.#shards.splice(this.#shards.indexOf(shard), 1);
    }
  }

  #forget(shard: TableStreamShard, count: number): void {
    const last = shard.records.splice(0, count).at(-1);
    if (last !== undefined) shard.trimmedTo = last.sequenceNumber;
  }

  /** Shards that share the hashes of their parent, or all of them. */
  #opened(
    parentShardId: string | undefined,
    { from, to }: Pick<Line, "from" | "to">,
    count: number,
  ): readonly Line[] {
    const edge = (i: number) => from + Math.floor((to - from) * i / count);
    return Array.from({ length: count }, (_, i) => ({
      shard: this.#open(parentShardId, i),
      from: edge(i),
      to: edge(i + 1),
    }));
  }

  #open(parentShardId: string | undefined, line: number): TableStreamShard {
    const { timeline: { epochMs, nowMs } } = this.settings;
    const startingSequenceNumber = this.#number();
    const hash = hashOf(`${this.label} ${line} ${startingSequenceNumber}`).toString(16).padStart(8, "0");
    const shard: TableStreamShard = {
      shardId: `shardId-${String(epochMs).padStart(20, "0")}-${hash}`,
      parentShardId,
      startingSequenceNumber,
      endingSequenceNumber: undefined,
      openedMs: nowMs,
      endedMs: undefined,
      records: [],
      trimmedTo: undefined,
    };
    this.#shards.push(shard);
    return shard;
  }

  #close(shard: TableStreamShard): void {
    shard.endingSequenceNumber = shard.records.at(-1)?.sequenceNumber ?? this.#number();
    shard.endedMs = this.settings.timeline.nowMs;
  }

  #number(): string {
    return `${++this.#numbers}`;
  }
}
