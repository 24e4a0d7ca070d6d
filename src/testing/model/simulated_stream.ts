/**
 * A stream in memory: shards that split and merge, and numbered records of some partition keys in them.
 *
 * Each user record is one step of its key: 1, 2, 3 and so on, over all shards that the key's hash has lived
 * in. So every record shows whether it was out of order, or missing, whatever its payload.
 *
 * @module
 */

import { leaseKeyOf } from "../../lease/lease.ts";
import { type HashKeyRange, MAX_HASH_KEY } from "../../stream/hash_key.ts";
import { type KinesisRecord, kinesisRecord } from "../../stream/record.ts";
import { type ExtendedSequenceNumber, isSentinel, isShardEnd } from "../../stream/sequence_number.ts";
import type { Shard } from "../../stream/shard.ts";
import { aggregateOf } from "../../stream/aggregate_writer.ts";
import type { Chance } from "./chance.ts";

/** Wall time, in ms since 1970, at virtual ms 0, as Kinesis has it. */
export const WORLD_EPOCH_MS: number = Date.UTC(2026, 0, 30, 12);

/** One user record, wherever it lies. */
export interface Step {
  readonly key: string;
  /** From 1. */
  readonly step: number;
  readonly position: ExtendedSequenceNumber;
  /** Virtual ms at which it was put. */
  readonly putMs: number;
}

/** A shard, with all that was ever put into it. */
export interface SimulatedShard {
  readonly stream: SimulatedStream;
  readonly shardId: string;
  /** The shard id, unless there are many streams. */
  readonly leaseKey: string;
  readonly parents: readonly string[];
  readonly hashKeyRange: HashKeyRange;
  readonly startingSequenceNumber: string;
  endingSequenceNumber: string | undefined;
  /** Virtual ms. */
  readonly openedMs: number;
  closedMs: number | undefined;
  /** As Kinesis has them, aggregates unopened. */
  readonly records: KinesisRecord[];
  /** The user records in them, in order. A record's place is its index here. */
  readonly steps: Step[];
  /** The place that follows a record of Kinesis, by its sequence number. */
  readonly placeAfter: Map<string, number>;
  /** How many of `records` are trimmed: they were kept for long enough. */
  trimmed: number;
  /** How many of the trimmed ones are no longer in `records`. Indexes count them nevertheless. */
  forgotten: number;
  /** Closed, and trimmed to the end: it is not listed any more. */
  isGone: boolean;
}

/** What a stream is made of. */
export interface SimulatedStreamOptions {
  readonly chance: Chance;
  /** @default {"simulated"} */
  readonly streamName?: string | undefined;
  /** `account:stream:epoch`, of one stream among many. */
  readonly streamIdentifier?: string | undefined;
  readonly shardCount: number;
  /** What each step holds. */
  readonly payload: (key: string, step: number) => Uint8Array;
  /** What all sequence numbers begin with, before their last ten digits. @default {""} */
  readonly sequencePrefix?: string | undefined;
  /** When it begins, in virtual ms. @default {0} */
  readonly openedMs?: number | undefined;
}

/** A record as a producer gives it. */
export interface RecordToPut {
  readonly partitionKey: string;
  readonly data: Uint8Array;
  /** @default {undefined} */
  readonly encryptionType?: "NONE" | "KMS" | undefined;
}

/**
 * The partition keys. More than there are ever shards in a world of ordinary size, so that each shard has
 * some.
 */
const KEY_COUNT = 16;

/** See the module. */
export class SimulatedStream {
  /** By id, in the order in which they were opened. */
  readonly shards: Map<string, SimulatedShard> = new Map();
  readonly #options: SimulatedStreamOptions;
  readonly #chance: Chance;
  /** By partition key: the shard and place of each step. */
  readonly #steps = new Map<string, { readonly shard: SimulatedShard; readonly place: number }[]>();
  #sequence = 4_900_000_000;
  /** User records put up to now. */
  total = 0;
  readonly streamName: string;

  constructor(options: SimulatedStreamOptions) {
    const { chance, shardCount, openedMs = 0, streamName = "simulated" } = this.#options = options;
    this.#chance = chance;
    this.streamName = streamName;
    const width = (MAX_HASH_KEY + 1n) / BigInt(shardCount);
    for (let i = 0n; i < shardCount; i++) {
      const end = i === BigInt(shardCount) - 1n ? MAX_HASH_KEY : (i + 1n) * width - 1n;
      this.#open({ startingHashKey: `${i * width}`, endingHashKey: `${end}` }, [], openedMs);
    }
  }

  get open(): readonly SimulatedShard[] {
    return [...this.shards.values()].filter((shard) => shard.endingSequenceNumber === undefined);
  }

  /** The sequence number after which everything lies that is put from now on. */
  get tip(): string {
    return this.#numbered(this.#sequence);
  }

  /** The key of a shard's lease. */
  keyOf(shardId: string): string {
    return leaseKeyOf(shardId, this.#options.streamIdentifier);
  }

  childrenOf(shardId: string): readonly SimulatedShard[] {
    return [...this.shards.values()].filter((shard) => shard.parents.includes(shardId));
  }

  /** Where a step of a key lies; undefined when there is none. */
  placeOf(key: string, step: number): { readonly shard: SimulatedShard; readonly place: number } | undefined {
    return this.#steps.get(key)?.[step - 1];
  }

  /** Puts the next steps of some key: one record, or several in an aggregate. */
  put(nowMs: number): void {
    const key = this.#chance.below(KEY_COUNT);
    const hashKey = (MAX_HASH_KEY / BigInt(KEY_COUNT)) * BigInt(key) + 12_345n;
    const shard = this.shardOf(hashKey);
    const partitionKey = `key-${key}`;
    let steps = this.#steps.get(partitionKey);
    if (steps === undefined) this.#steps.set(partitionKey, steps = []);
    const isAggregate = this.#chance.happens(0.3);
    const count = isAggregate ? 2 + this.#chance.below(6) : 1;
    const payloads = Array.from(
      { length: count },
      (_, index) => this.#options.payload(partitionKey, steps.length + 1 + index),
    );
    const [first = new Uint8Array()] = payloads;
    const data = isAggregate ? aggregateOf(partitionKey, `${hashKey}`, payloads) : first;
    const { sequenceNumber } = this.append(shard, { partitionKey, data }, nowMs);
    for (let subSequenceNumber = 0; subSequenceNumber < count; subSequenceNumber++) {
      const position = { sequenceNumber, subSequenceNumber };
      steps.push({ shard, place: shard.steps.length });
      shard.steps.push({ key: partitionKey, step: steps.length, position, putMs: nowMs });
    }
    shard.placeAfter.set(sequenceNumber, shard.steps.length);
    this.total += count;
  }

  /** Puts one record as it is. It is no step: the rules of a world do not know of it. */
  append(
    shard: SimulatedShard,
    { partitionKey, data, encryptionType }: RecordToPut,
    nowMs: number,
  ): KinesisRecord {
    const record = kinesisRecord({
      sequenceNumber: this.#nextSequence(),
      subSequenceNumber: 0,
      partitionKey,
      explicitHashKey: undefined,
      data,
      approximateArrivalTimestamp: WORLD_EPOCH_MS + nowMs,
      encryptionType,
      aggregated: false,
    });
    shard.records.push(record);
    return record;
  }

  /** The open shard that a hash key belongs to. */
  shardOf(hashKey: bigint): SimulatedShard {
    const shard = this.open.find(({ hashKeyRange }) =>
      BigInt(hashKeyRange.startingHashKey) <= hashKey && hashKey <= BigInt(hashKeyRange.endingHashKey)
    );
    if (shard === undefined) throw new RangeError(`no open shard has hash key ${hashKey}`);
    return shard;
  }

  /** Splits a shard: its second half begins at a hash key, by default in the middle. */
  split(shard: SimulatedShard, nowMs: number, at?: bigint): void {
    this.#close(shard, nowMs);
    const start = BigInt(shard.hashKeyRange.startingHashKey), end = BigInt(shard.hashKeyRange.endingHashKey);
    const middle = at ?? (start + end) / 2n + 1n;
    this.#open({ startingHashKey: `${start}`, endingHashKey: `${middle - 1n}` }, [shard.shardId], nowMs);
    this.#open({ startingHashKey: `${middle}`, endingHashKey: `${end}` }, [shard.shardId], nowMs);
  }

  /** Merges a shard with the one that follows it. @returns false when it is the last. */
  merge(shard: SimulatedShard, nowMs: number): boolean {
    const next = this.open.find(({ hashKeyRange }) =>
      BigInt(hashKeyRange.startingHashKey) === BigInt(shard.hashKeyRange.endingHashKey) + 1n
    );
    if (next === undefined) return false;
    this.#close(shard, nowMs);
    this.#close(next, nowMs);
    const { startingHashKey } = shard.hashKeyRange, { endingHashKey } = next.hashKeyRange;
    this.#open({ startingHashKey, endingHashKey }, [shard.shardId, next.shardId], nowMs);
    return true;
  }

  /**
   * Forgets the records of a shard whose user records all lie at or before a position, and a closed shard
   * with its last.
   */
  trim(shard: SimulatedShard, at: ExtendedSequenceNumber): void {
    const done = recordsUpTo(shard, at);
    while ((shard.placeAfter.get(shard.records[shard.trimmed]?.sequenceNumber ?? "") ?? Infinity) <= done) {
      shard.trimmed++;
    }
    shard.isGone = isShardEnd(at) && shard.trimmed === shard.records.length;
  }

  /** As ListShards returns them, all that are still known. */
  list(): Shard[] {
    return [...this.shards.values()].filter((shard) => !shard.isGone).map((shard) => ({
      shardId: shard.shardId,
      parentShardId: shard.parents[0],
      adjacentParentShardId: shard.parents[1],
      hashKeyRange: shard.hashKeyRange,
      startingSequenceNumber: shard.startingSequenceNumber,
      endingSequenceNumber: shard.endingSequenceNumber,
    }));
  }

  #open(hashKeyRange: HashKeyRange, parents: readonly string[], openedMs: number): void {
    const shardId = `shardId-${String(this.shards.size).padStart(12, "0")}`;
    this.shards.set(shardId, {
      stream: this,
      shardId,
      leaseKey: this.keyOf(shardId),
      parents,
      hashKeyRange,
      startingSequenceNumber: this.#nextSequence(),
      endingSequenceNumber: undefined,
      openedMs,
      closedMs: undefined,
      records: [],
      steps: [],
      placeAfter: new Map(),
      trimmed: 0,
      forgotten: 0,
      isGone: false,
    });
  }

  #close(shard: SimulatedShard, nowMs: number): void {
    shard.endingSequenceNumber = this.#nextSequence();
    shard.closedMs = nowMs;
  }

  #nextSequence(): string {
    this.#sequence += 1 + this.#chance.below(3);
    return this.#numbered(this.#sequence);
  }

  #numbered(sequence: number): string {
    return `${this.#options.sequencePrefix ?? ""}${sequence}`;
  }
}

/** How many user records of a shard lie at or before a position; NaN when it is nowhere in the shard. */
export function recordsUpTo(shard: SimulatedShard, at: ExtendedSequenceNumber): number {
  if (isShardEnd(at)) return shard.steps.length;
  if (isSentinel(at)) return 0;
  const end = shard.placeAfter.get(at.sequenceNumber);
  if (end === undefined) return NaN;
  const count = Number(shard.steps[end - 1]?.position.subSequenceNumber ?? 0) + 1;
  return end - count + Math.min(count, at.subSequenceNumber + 1);
}
