/**
 * A stream in memory: shards that split and merge, and numbered records of some partition keys in them.
 *
 * Each user record is one step of its key: 1, 2, 3 and so on, over all shards that the key's hash has lived in. So a
 * processor sees by itself whether anything came out of order or not at all.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import type { HashKeyRange } from "../stream/hash_key.ts";
import { MAX_HASH_KEY } from "../stream/hash_key.ts";
import { type ExtendedSequenceNumber, isSentinel, isShardEnd } from "../stream/sequence_number.ts";
import type { Shard } from "../stream/shard.ts";
import { aggregateOf } from "./aggregate.ts";
import type { Chance } from "./chance.ts";

/** A shard, with all that was ever put into it. */
export interface SimulatedShard {
  readonly shardId: string;
  readonly parents: readonly string[];
  readonly hashKeyRange: HashKeyRange;
  readonly startingSequenceNumber: string;
  endingSequenceNumber: string | undefined;
  /** As Kinesis has them, aggregates unopened. */
  readonly records: KinesisRecord[];
  /** Where each user record lies, in order. */
  readonly positions: ExtendedSequenceNumber[];
  /** The place in `positions` that follows a record of Kinesis, by its sequence number. */
  readonly placeAfter: Map<string, number>;
}

/** The partition keys. More than there are ever shards, so that each shard has some. */
const keyCount = 16;

/** See the module. */
export class SimulatedStream {
  readonly shards: Map<string, SimulatedShard> = new Map();
  readonly #chance: Chance;
  readonly #steps = new Map<string, number>();
  #sequence = 4_900_000_000;
  /** User records put so far. */
  total = 0;

  constructor(chance: Chance, shardCount: number) {
    this.#chance = chance;
    const width = (MAX_HASH_KEY + 1n) / BigInt(shardCount);
    for (let i = 0n; i < shardCount; i++) {
      const end = i === BigInt(shardCount) - 1n ? MAX_HASH_KEY : (i + 1n) * width - 1n;
      this.#open({ startingHashKey: `${i * width}`, endingHashKey: `${end}` }, []);
    }
  }

  get open(): readonly SimulatedShard[] {
    return [...this.shards.values()].filter((shard) => shard.endingSequenceNumber === undefined);
  }

  childrenOf(shardId: string): readonly SimulatedShard[] {
    return [...this.shards.values()].filter((shard) => shard.parents.includes(shardId));
  }

  /** Puts the next steps of some key: one record, or several in an aggregate. */
  put(nowMs: number): void {
    const key = this.#chance.below(keyCount);
    const hashKey = (MAX_HASH_KEY / BigInt(keyCount)) * BigInt(key) + 12_345n;
    const shard = this.open.find(({ hashKeyRange }) =>
      BigInt(hashKeyRange.startingHashKey) <= hashKey && hashKey <= BigInt(hashKeyRange.endingHashKey)
    );
    if (shard === undefined) throw new RangeError(`no open shard has hash key ${hashKey}`);
    const partitionKey = `key-${key}`;
    const isAggregate = this.#chance.happens(0.3);
    const count = isAggregate ? 2 + this.#chance.below(6) : 1;
    const payloads = Array.from({ length: count }, () => {
      const step = (this.#steps.get(partitionKey) ?? 0) + 1;
      this.#steps.set(partitionKey, step);
      return new TextEncoder().encode(`${partitionKey}:${step}`);
    });
    const sequenceNumber = this.#nextSequence();
    const [first = new Uint8Array()] = payloads;
    shard.records.push({
      sequenceNumber,
      subSequenceNumber: 0,
      partitionKey,
      explicitHashKey: undefined,
      data: isAggregate ? aggregateOf(partitionKey, `${hashKey}`, payloads) : first,
      approximateArrivalTimestamp: nowMs,
      encryptionType: undefined,
      aggregated: false,
    });
    for (let sub = 0; sub < count; sub++) shard.positions.push({ sequenceNumber, subSequenceNumber: sub });
    shard.placeAfter.set(sequenceNumber, shard.positions.length);
    this.total += count;
  }

  /** Splits a shard in the middle. */
  split(shard: SimulatedShard): void {
    this.#close(shard);
    const start = BigInt(shard.hashKeyRange.startingHashKey), end = BigInt(shard.hashKeyRange.endingHashKey);
    const middle = (start + end) / 2n;
    this.#open({ startingHashKey: `${start}`, endingHashKey: `${middle}` }, [shard.shardId]);
    this.#open({ startingHashKey: `${middle + 1n}`, endingHashKey: `${end}` }, [shard.shardId]);
  }

  /** Merges a shard with the one that follows it. @returns false when it is the last. */
  merge(shard: SimulatedShard): boolean {
    const next = this.open.find(({ hashKeyRange }) =>
      BigInt(hashKeyRange.startingHashKey) === BigInt(shard.hashKeyRange.endingHashKey) + 1n
    );
    if (next === undefined) return false;
    this.#close(shard);
    this.#close(next);
    const { startingHashKey } = shard.hashKeyRange, { endingHashKey } = next.hashKeyRange;
    this.#open({ startingHashKey, endingHashKey }, [shard.shardId, next.shardId]);
    return true;
  }

  /** As ListShards tells them. */
  list(): Shard[] {
    return [...this.shards.values()].map((shard) => ({
      shardId: shard.shardId,
      parentShardId: shard.parents[0],
      adjacentParentShardId: shard.parents[1],
      hashKeyRange: shard.hashKeyRange,
      startingSequenceNumber: shard.startingSequenceNumber,
      endingSequenceNumber: shard.endingSequenceNumber,
    }));
  }

  #open(hashKeyRange: HashKeyRange, parents: readonly string[]): void {
    const shardId = `shardId-${String(this.shards.size).padStart(12, "0")}`;
    this.shards.set(shardId, {
      shardId,
      parents,
      hashKeyRange,
      startingSequenceNumber: this.#nextSequence(),
      endingSequenceNumber: undefined,
      records: [],
      positions: [],
      placeAfter: new Map(),
    });
  }

  #close(shard: SimulatedShard): void {
    shard.endingSequenceNumber = this.#nextSequence();
  }

  #nextSequence(): string {
    this.#sequence += 1 + this.#chance.below(3);
    return `${this.#sequence}`;
  }
}

/** How many user records of a shard lie at or before a position. */
export function recordsUpTo(shard: SimulatedShard, at: ExtendedSequenceNumber): number {
  if (isShardEnd(at)) return shard.positions.length;
  if (isSentinel(at)) return 0;
  const end = shard.placeAfter.get(at.sequenceNumber);
  if (end === undefined) return NaN;
  const count = Number(shard.positions[end - 1]?.subSequenceNumber ?? 0) + 1;
  return end - count + Math.min(count, at.subSequenceNumber + 1);
}
