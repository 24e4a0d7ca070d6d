/**
 * The streams of the emulator: each is a stream of the model (`simulated_stream.ts`) with a name, a life and
 * an age. The retention period and a bound of bytes limit what is kept.
 *
 * @module
 */

import { Md5 } from "../../../stream/md5.ts";
import { MAX_HASH_KEY } from "../../../stream/hash_key.ts";
import type { KinesisRecord } from "../../../stream/record.ts";
import { Chance } from "../../model/chance.ts";
import { Budget, CallRate, READS_PER_SECOND } from "../../model/service_limits.ts";
import { type SimulatedShard, SimulatedStream, WORLD_EPOCH_MS } from "../../model/simulated_stream.ts";
import { ApiError } from "../api_error.ts";
import { ACCOUNT_ID, Lifecycle, type Timeline } from "../operation.ts";

/** What the streams have in common. */
export interface StreamSettings {
  readonly timeline: Timeline;
  readonly region: string;
  readonly changeMs: number;
  readonly maxStoredBytes: number;
}

/** Kinesis API reference, CreateStream: MaxRecordSizeInKiB. */
export const DEFAULT_RECORD_BYTES: number = 1024 ** 2;
/** What a record takes beside its payload and key, about. */
const RECORD_BYTES = 200;
/** Once there is too much, the oldest goes down to this part, so that it need not go record by record. */
const KEPT_PART = 0.9;

/** What a shard allows. Source: "Quotas and limits" of the Kinesis documentation. */
interface ShardLimits {
  readonly reads: CallRate;
  readonly readBytes: Budget;
  readonly writes: Budget;
  readonly writeBytes: Budget;
}

/** A registered consumer. */
export interface EmulatedConsumer {
  readonly consumerName: string;
  readonly consumerArn: string;
  readonly createdMs: number;
  readonly life: Lifecycle;
  readonly tags: Map<string, string>;
}

/** See the module. */
export class EmulatedStream {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  readonly life: Lifecycle;
  readonly model: SimulatedStream;
  readonly consumers: Map<string, EmulatedConsumer> = new Map();
  retentionHours = 24;
  mode: "PROVISIONED" | "ON_DEMAND" = "PROVISIONED";
  /** The most bytes of a record's data with its partition key. */
  maxRecordBytes: number = DEFAULT_RECORD_BYTES;
  /** Names the key of KMS that records are said to be encrypted with. Nothing is. */
  encryptionKeyId: string | undefined;
  /** The shard-level metrics that are set: reported, but not measured. */
  shardLevelMetrics: readonly string[] = [];
  readonly tags: Map<string, string> = new Map();
  readonly #settings: StreamSettings;
  readonly #limits = new Map<string, ShardLimits>();
  readonly #md5 = new Md5();
  #storedBytes = 0;

  constructor(name: string, shardCount: number, isReady: boolean, settings: StreamSettings) {
    const { timeline, region, changeMs } = this.#settings = settings;
    this.name = name;
    this.arn = `arn:aws:kinesis:${region}:${ACCOUNT_ID}:stream/${name}`;
    this.createdMs = timeline.epochMs;
    this.life = new Lifecycle(timeline, changeMs, isReady);
    this.model = new SimulatedStream({
      chance: new Chance(name),
      shardCount,
      payload: () => new Uint8Array(),
      // 56 digits in all, and those of a stream made later under the same name are greater.
      sequencePrefix: `49${String(this.createdMs).padStart(44, "0")}`,
      openedMs: timeline.nowMs,
    });
  }

  /** The shard that a record belongs to. */
  shardFor(partitionKey: string, explicitHashKey: string | undefined): SimulatedShard {
    if (explicitHashKey !== undefined) return this.model.shardOf(BigInt(explicitHashKey));
    const digest = this.#md5.digest(new TextEncoder().encode(partitionKey));
    return this.model.shardOf(digest.getBigUint64(0) << 64n | digest.getBigUint64(8));
  }

  /** As the API calls it. */
  get encryptionType(): "NONE" | "KMS" {
    return this.encryptionKeyId === undefined ? "NONE" : "KMS";
  }

  /** Puts a record. What is too old by now, or too much, is trimmed. */
  put(shard: SimulatedShard, partitionKey: string, data: Uint8Array): KinesisRecord {
    const { encryptionType } = this;
    const put = { partitionKey, data, encryptionType };
    const record = this.model.append(shard, put, this.#settings.timeline.nowMs);
    this.#storedBytes += sizeOf(record);
    if (this.#storedBytes > this.#settings.maxStoredBytes) this.#makeRoom();
    return record;
  }

  limitsOf(shard: SimulatedShard): ShardLimits {
    let limits = this.#limits.get(shard.shardId);
    if (limits === undefined) {
      limits = {
        reads: new CallRate(READS_PER_SECOND),
        readBytes: new Budget(2 * 1024 ** 2),
        writes: new Budget(1000),
        writeBytes: new Budget(1024 ** 2),
      };
      this.#limits.set(shard.shardId, limits);
    }
    return limits;
  }

  /** Forgets the first records of a shard, up to an index. */
  trim(shard: SimulatedShard, upTo: number): void {
    const count = Math.min(upTo - shard.forgotten, shard.records.length);
    if (count <= 0) return;
    for (const record of shard.records.splice(0, count)) this.#storedBytes -= sizeOf(record);
    shard.forgotten += count;
    shard.trimmed = Math.max(shard.trimmed, shard.forgotten);
  }

  /** Trims what is older than the retention period; closed shards of which nothing is left are forgotten. */
  expire(): void {
    const { nowMs } = this.#settings.timeline;
    const keptFromMs = nowMs - this.retentionHours * 3_600_000;
    for (const shard of this.model.shards.values()) {
      const kept = shard.records.findIndex((record) =>
        record.approximateArrivalTimestamp >= WORLD_EPOCH_MS + keptFromMs
      );
      this.trim(shard, shard.forgotten + (kept === -1 ? shard.records.length : kept));
      if ((shard.closedMs ?? Infinity) < keptFromMs) shard.isGone = true;
    }
  }

  #makeRoom(): void {
    const most = this.#settings.maxStoredBytes * KEPT_PART;
    while (this.#storedBytes > most) {
      let oldest: SimulatedShard | undefined;
      for (const shard of this.model.shards.values()) {
        const arrival = shard.records[0]?.approximateArrivalTimestamp ?? Infinity;
        if (arrival < (oldest?.records[0]?.approximateArrivalTimestamp ?? Infinity)) oldest = shard;
      }
      if (oldest === undefined) return;
      this.trim(oldest, oldest.forgotten + Math.ceil(oldest.records.length * (1 - KEPT_PART)));
    }
  }
}

/** All streams. */
export class EmulatedStreams {
  readonly settings: StreamSettings;
  readonly #streams = new Map<string, EmulatedStream>();

  constructor(settings: StreamSettings) {
    this.settings = settings;
  }

  /** By name. */
  all(): readonly EmulatedStream[] {
    for (const [name, stream] of this.#streams) if (stream.life.isGone) this.#streams.delete(name);
    return [...this.#streams.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  find(name: string): EmulatedStream | undefined {
    const stream = this.#streams.get(name);
    return stream?.life.isGone ? undefined : stream;
  }

  /** @param isReady Whether it is ACTIVE at once. @throws {ApiError} when there is one. */
  create(name: string, shardCount: number, isReady: boolean): EmulatedStream {
    if (this.find(name) !== undefined) {
      throw new ApiError(
        "ResourceInUseException",
        `Stream ${name} under account ${ACCOUNT_ID} already exists.`,
      );
    }
    const stream = new EmulatedStream(name, shardCount, isReady, this.settings);
    this.#streams.set(name, stream);
    return stream;
  }
}

/** The greatest hash key there is, and whether a text is one. */
export function isHashKey(text: string): boolean {
  return /^(0|[1-9]\d{0,38})$/.test(text) && BigInt(text) <= MAX_HASH_KEY;
}

function sizeOf({ data, partitionKey }: KinesisRecord): number {
  return data.length + partitionKey.length + RECORD_BYTES;
}
