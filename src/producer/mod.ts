/**
 * Puts records into a stream, for tests, for results of a processor, and for a relay from stream to stream.
 *
 * ```ts ignore
 * const producer = new KinesisProducer({ streamName: "results", region: "eu-central-1", credentials });
 * await producer.putAll(batch.records); // in order of each partition key
 * await context.checkpoint();
 * ```
 *
 * The order of each partition key is kept: a call holds one record of a key, or one aggregate of it. What
 * comes while a call is under way goes with the next one. A call whose answer is lost is made again, so a
 * record may be put twice.
 *
 * @module
 */

import { keptCredentials } from "../aws/credential_sources/given.ts";
import type { GivenCredentials } from "../aws/credentials.ts";
import type { StreamReference } from "../aws/kinesis.ts";
import {
  type KinesisWrites,
  PUT_LIMITS,
  type PutOutcome,
  signedKinesisWrites,
} from "../aws/kinesis_writes.ts";
import { backoffMs } from "../aws/retry.ts";
import { refuseUnknownNames } from "../nearest_name.ts";
import { addedBytes, aggregateOf } from "../stream/aggregate_writer.ts";
import { realSystem, type System } from "../system.ts";

export type { Credentials, CredentialsProvider, GivenCredentials } from "../aws/credentials.ts";
export type { Clock, System } from "../system.ts";

/** Options of a {@linkcode KinesisProducer}. */
export interface ProducerOptions {
  /** The stream's name. */
  readonly streamName: string;
  /** Its ARN, for a stream of another account. */
  readonly streamArn?: string | undefined;
  /** The stream's region. */
  readonly region: string;
  /** Keys, or a function that gives them. IAM: `kinesis:PutRecords`. */
  readonly credentials: GivenCredentials;
  /** Base URL of Kinesis, for emulators and private endpoints. @default the region's public endpoint */
  readonly kinesisEndpoint?: string | undefined;
  /**
   * Whether waiting records of one partition key become one record, as KPL makes them. Consumers must take
   * aggregates apart, as KCL and kclite do.
   *
   * @default {false}
   */
  readonly aggregate?: boolean | undefined;
  /** Time, chance and `fetch`. @default the real ones */
  readonly system?: System | undefined;
}

/** The names that there are: one that is missing here does not compile. */
const OPTIONS: Readonly<Record<keyof ProducerOptions, true>> = {
  streamName: true,
  streamArn: true,
  region: true,
  credentials: true,
  kinesisEndpoint: true,
  aggregate: true,
  system: true,
};

/** A record to put. One of a consumer fits. */
export interface ProducerRecord {
  /** 1 to 256 characters. Decides the shard. */
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

/** Where a record was put. */
export interface PutRecord {
  /** Undefined where an emulator does not say. */
  readonly shardId: string | undefined;
  /** Of an aggregate, that of the whole. */
  readonly sequenceNumber: string;
}

/** The most bytes of a call, of an aggregate as KPL makes them, and of all that waits. */
const BATCH_BYTES = 5 * 1024 ** 2, AGGREGATE_BYTES = 51_200, WAITING_BYTES = 128 * 1024 ** 2;

/** A stream takes larger records only where it is set so. */
const COMMON_BYTES = 1024 ** 2;

/** A record that is refused this many times in a row is given up. */
const MOST_ATTEMPTS = 10;

/** The first pause, and the longest, in ms. A shard takes 1 MiB or 1000 records in each second. */
const PAUSE = { baseMs: 100, maxMs: 5000 };

interface Waiting extends ProducerRecord {
  readonly bytes: number;
  readonly done: PromiseWithResolvers<PutRecord>;
}

/** What one record of a call is made of: records of one key. */
interface Parcel {
  readonly items: readonly Waiting[];
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

/** Puts records into one stream. */
export class KinesisProducer {
  readonly #writes: KinesisWrites;
  readonly #stream: StreamReference;
  readonly #system: System;
  readonly #isAggregating: boolean;
  /** By partition key, in order; the key that has waited for the longest time comes first. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #attempts = new Map<string, number>();
  #waitingBytes = 0;
  #putting: Promise<void> | undefined;

  /** @throws {TypeError} when an option is unknown or of the wrong kind. */
  constructor(options: ProducerOptions) {
    refuseUnknownNames(Object.keys(options), Object.keys(OPTIONS), { action: "Cannot make a producer" });
    const { streamName, streamArn, region, kinesisEndpoint, aggregate, system = realSystem } = options;
    const credentials = keptCredentials(options.credentials, "the option credentials of KinesisProducer", {
      system,
    });
    this.#stream = { streamName, streamArn };
    this.#system = system;
    this.#isAggregating = aggregate === true;
    this.#writes = signedKinesisWrites({ region, endpoint: kinesisEndpoint, credentials, system });
  }

  /**
   * Puts one record.
   *
   * @throws {RangeError} when Kinesis takes no such record, or 128 MiB wait already: await earlier ones.
   * @throws what ended the last try. Later records of the key that wait are given up with it.
   */
  put({ partitionKey, data }: ProducerRecord): Promise<PutRecord> {
    const bytes = data.length + UTF8.encode(partitionKey).length;
    const problem = this.#problemOf(partitionKey, bytes);
    if (problem !== undefined) return Promise.reject(new RangeError(`Cannot put a record: ${problem}`));
    const done = Promise.withResolvers<PutRecord>();
    const queue = this.#waiting.get(partitionKey);
    const item: Waiting = { partitionKey, data, bytes, done };
    if (queue === undefined) this.#waiting.set(partitionKey, [item]);
    else queue.push(item);
    this.#waitingBytes += bytes;
    // A turn later, so that what is put in one go travels in one call.
    this.#putting ??= Promise.resolve().then(() => this.#putAll()).finally(() => this.#putting = undefined);
    return done.promise;
  }

  /** Puts records, and waits for all. @throws the first error, when the others have ended too. */
  async putAll(records: Iterable<ProducerRecord>): Promise<void> {
    const outcomes = await Promise.allSettled(Array.from(records, (record) => this.put(record)));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  #problemOf(partitionKey: string, bytes: number): string | undefined {
    const characters = [...partitionKey].length;
    if (characters < 1 || characters > 256) {
      return `expected a partition key of 1 to 256 characters: got ${characters}`;
    }
    if (bytes > PUT_LIMITS.bytes) {
      return `expected at most ${PUT_LIMITS.bytes} bytes with its key: got ${bytes}`;
    }
    if (this.#waitingBytes + bytes <= WAITING_BYTES) return undefined;
    return `expected at most ${WAITING_BYTES} bytes to wait: got ${
      this.#waitingBytes + bytes
    }: await earlier ones`;
  }

  async #putAll(): Promise<void> {
    for (let attempt = 0; this.#waiting.size > 0;) {
      const parcels = this.#nextCall();
      const outcomes = await this.#call(parcels);
      const ends = parcels.map((parcel, at) => this.#settle(parcel, outcomes[at]));
      attempt = ends.includes("put") ? 1 : attempt + 1;
      if (!ends.includes("refused")) continue;
      const { clock, random } = this.#system;
      await clock.sleep(backoffMs({ ...PAUSE, attempt, chance: (1 + random()) / 2 }));
    }
  }

  #nextCall(): readonly Parcel[] {
    const parcels: Parcel[] = [];
    let bytes = 0;
    for (const [partitionKey, queue] of this.#waiting) {
      const parcel = parcelOf(partitionKey, this.#isAggregating ? firstOf(queue) : queue.slice(0, 1));
      const size = parcel.data.length + UTF8.encode(partitionKey).length;
      // A large record is refused where the stream is not set up for it, and with it all of its call.
      const isAlone = size > COMMON_BYTES;
      if (parcels.length > 0 && (isAlone || bytes + size > BATCH_BYTES)) break;
      parcels.push(parcel);
      bytes += size;
      if (isAlone || parcels.length === PUT_LIMITS.records) break;
    }
    return parcels;
  }

  /** An outcome for each parcel, also when the call fails as a whole. */
  async #call(parcels: readonly Parcel[]): Promise<readonly (PutOutcome | Failed)[]> {
    try {
      return await this.#writes.putRecords(this.#stream, parcels);
    } catch (error) {
      return parcels.map(() => ({ isPut: false, error }));
    }
  }

  /** `refused`: it is tried again. */
  #settle(
    { partitionKey, items }: Parcel,
    outcome: PutOutcome | Failed | undefined,
  ): "put" | "refused" | "givenUp" {
    const queue = this.#waiting.get(partitionKey) ?? [];
    if (outcome?.isPut === true) {
      const { shardId, sequenceNumber } = outcome;
      for (const { done } of this.#take(partitionKey, items.length)) {
        done.resolve({ shardId, sequenceNumber });
      }
      this.#attempts.delete(partitionKey);
      return "put";
    }
    const attempts = (this.#attempts.get(partitionKey) ?? 0) + 1;
    this.#attempts.set(partitionKey, attempts);
    const isOver = outcome === undefined || "error" in outcome || attempts >= MOST_ATTEMPTS;
    if (!isOver) return "refused";
    const error = outcome !== undefined && "error" in outcome ? outcome.error : notTaken(outcome);
    // Nothing of the key may overtake what was given up.
    for (const { done } of this.#take(partitionKey, queue.length)) done.reject(error);
    this.#attempts.delete(partitionKey);
    return "givenUp";
  }

  /** The first ones of a key. What remains of it waits behind the other keys. */
  #take(partitionKey: string, count: number): readonly Waiting[] {
    const queue = this.#waiting.get(partitionKey) ?? [];
    const taken = queue.splice(0, count);
    this.#waitingBytes -= taken.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#waiting.delete(partitionKey);
    if (queue.length > 0) this.#waiting.set(partitionKey, queue);
    return taken;
  }
}

/** A call that failed as a whole, after its own tries. */
interface Failed {
  readonly isPut: false;
  readonly error: unknown;
}

/** As many as one aggregate takes. */
function firstOf(queue: readonly Waiting[]): readonly Waiting[] {
  let bytes = 0;
  const end = queue.findIndex(({ data }) => (bytes += addedBytes(data)) > AGGREGATE_BYTES);
  return queue.slice(0, end === -1 ? queue.length : Math.max(1, end));
}

function parcelOf(partitionKey: string, items: readonly Waiting[]): Parcel {
  const payloads = items.map(({ data }) => data);
  const [only = new Uint8Array()] = payloads;
  const data = payloads.length === 1 ? only : aggregateOf(partitionKey, undefined, payloads);
  return { items, partitionKey, data };
}

function notTaken(outcome: PutOutcome | undefined): Error {
  const why = outcome === undefined || outcome.isPut ? "" : `: ${outcome.code}: ${outcome.detail}`;
  return new Error(`Cannot put a record: Kinesis did not take it in ${MOST_ATTEMPTS} tries${why}`);
}

const UTF8 = new TextEncoder();
