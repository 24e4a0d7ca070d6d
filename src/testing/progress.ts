/**
 * Which user records have been processed, by anybody, and of which nothing was promised: those that lie before the position
 * at which the application began.
 *
 * @module
 */

import type { InitialPosition } from "../stream/sequence_number.ts";
import { type SimulatedShard, type SimulatedStream, WORLD_EPOCH_MS } from "./simulated_stream.ts";

/**
 * A lease that is created at LATEST notes the wall time of a worker whose clock may be wrong by so many ms: see
 * `fleet_script.ts`. What is put within this time of the first lease may be missed, or not.
 */
const latestToleranceMs = 30_000;

/** See the module. */
export class Progress {
  readonly #stream: SimulatedStream;
  readonly #initialPosition: InitialPosition;
  /** By shard. */
  readonly #processed = new Map<string, { readonly places: Set<number>; prefix: number }>();
  #firstLeaseMs: number | undefined;

  constructor(stream: SimulatedStream, initialPosition: InitialPosition) {
    this.#stream = stream;
    this.#initialPosition = initialPosition;
  }

  /** A lease was created. */
  leased(nowMs: number): void {
    this.#firstLeaseMs ??= nowMs;
  }

  /** Notes a record as processed. @returns what is wrong with its order. */
  process(shardId: string, place: number): string | undefined {
    const done = this.#doneOf(shardId);
    done.places.add(place);
    const found = this.#stream.shards.get(shardId)?.steps[place];
    if (found === undefined) return `there is no record ${place}`;
    const { key, step } = found;
    const before = step === 1 ? undefined : this.#stream.placeOf(key, step - 1);
    if (before === undefined || this.#isDone(before.shard, before.place)) return undefined;
    return `${key}: step ${step}, but step ${step - 1} in ${before.shard.shardId} was not processed`;
  }

  /** How many user records of a shard have been processed without a gap. */
  processedOf(shardId: string): number {
    const shard = this.#stream.shards.get(shardId);
    const done = this.#doneOf(shardId);
    if (shard === undefined) return 0;
    while (done.prefix < shard.steps.length && this.#isDone(shard, done.prefix)) done.prefix++;
    return done.prefix;
  }

  /** Whether the shard was over before the application began: it need not be read at all. */
  isExempt(shardId: string): boolean {
    const shard = this.#stream.shards.get(shardId);
    return shard !== undefined && shard.closedMs !== undefined && shard.closedMs < this.#beginMs;
  }

  /** Whether a processor that starts may find that a record is not there. */
  mayBeMissed(shardId: string, place: number): boolean {
    const shard = this.#stream.shards.get(shardId);
    if (shard === undefined) return false;
    const lastTrimmed = shard.records[shard.trimmed - 1];
    const trimmed = lastTrimmed === undefined ? 0 : shard.placeAfter.get(lastTrimmed.sequenceNumber) ?? 0;
    return place < trimmed || this.#isBefore(shard, place);
  }

  #isDone(shard: SimulatedShard, place: number): boolean {
    return this.#processed.get(shard.shardId)?.places.has(place) === true || this.#isBefore(shard, place);
  }

  #isBefore(shard: SimulatedShard, place: number): boolean {
    return (shard.steps[place]?.putMs ?? Infinity) < this.#beginMs;
  }

  /** Virtual ms from which on everything must be processed. */
  get #beginMs(): number {
    if (this.#initialPosition instanceof Date) return this.#initialPosition.getTime() - WORLD_EPOCH_MS;
    if (this.#initialPosition === "TRIM_HORIZON") return -Infinity;
    return (this.#firstLeaseMs ?? -Infinity) + latestToleranceMs;
  }

  #doneOf(shardId: string): { readonly places: Set<number>; prefix: number } {
    let done = this.#processed.get(shardId);
    if (done === undefined) this.#processed.set(shardId, done = { places: new Set(), prefix: 0 });
    return done;
  }
}
