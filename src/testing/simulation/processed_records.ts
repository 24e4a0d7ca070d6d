/**
 * Which user records have been processed, by any worker. For some nothing was promised: those before the
 * position at which the application began.
 *
 * @module
 */

import type { InitialPosition } from "../../stream/sequence_number.ts";
import { type SimulatedShard, type SimulatedStream, WORLD_EPOCH_MS } from "../model/simulated_stream.ts";
import type { SimulatedStreams } from "./simulated_streams.ts";

/**
 * A leader whose scan does not show yet what another one has begun makes the first leases later than that
 * one: see `shared_table.ts`. What is put within this time of the first lease may be missed, or not.
 */
const LATEST_TOLERANCE_MS = 3500;

/** See the module. */
export class Progress {
  readonly #streams: SimulatedStreams;
  readonly #initialPosition: InitialPosition;
  /** By lease key. */
  readonly #processed = new Map<string, { readonly places: Set<number>; prefix: number }>();
  /** From when on LATEST is promised, by stream, in virtual ms. */
  readonly #latestMs = new Map<SimulatedStream, number>();

  constructor(streams: SimulatedStreams, initialPosition: InitialPosition) {
    this.#streams = streams;
    this.#initialPosition = initialPosition;
  }

  /**
   * A lease was created.
   *
   * @param latestEpochMs The time that it keeps, by its worker's clock: one that is ahead promises less.
   */
  leased(leaseKey: string, nowMs: number, latestEpochMs: number = -Infinity): void {
    const stream = this.#streams.shardOf(leaseKey)?.stream;
    if (stream === undefined || this.#latestMs.has(stream)) return;
    this.#latestMs.set(stream, Math.max(nowMs, latestEpochMs - WORLD_EPOCH_MS) + LATEST_TOLERANCE_MS);
  }

  /** Notes a record as processed. @returns what is wrong with its order. */
  process(leaseKey: string, place: number): string | undefined {
    const done = this.#doneOf(leaseKey);
    done.places.add(place);
    const shard = this.#streams.shardOf(leaseKey);
    const found = shard?.steps[place];
    if (shard === undefined || found === undefined) return `there is no record ${place}`;
    const { key, step } = found;
    const before = step === 1 ? undefined : shard.stream.placeOf(key, step - 1);
    if (before === undefined || this.#isDone(before.shard, before.place)) return undefined;
    return `${key}: step ${step}, but step ${step - 1} in ${before.shard.shardId} was not processed`;
  }

  /** Whether a record has been processed, by any worker. */
  isProcessed(leaseKey: string, place: number): boolean {
    return this.#doneOf(leaseKey).places.has(place);
  }

  /** How many user records of a shard have been processed without a gap. */
  processedOf(leaseKey: string): number {
    const shard = this.#streams.shardOf(leaseKey);
    const done = this.#doneOf(leaseKey);
    if (shard === undefined) return 0;
    while (done.prefix < shard.steps.length && this.#isDone(shard, done.prefix)) done.prefix++;
    return done.prefix;
  }

  /** Whether the shard was over before the application began: it need not be read at all. */
  isExempt(leaseKey: string): boolean {
    const shard = this.#streams.shardOf(leaseKey);
    return shard !== undefined && shard.closedMs !== undefined && shard.closedMs < this.#beginMs(shard);
  }

  /** Whether a record is trimmed: a reader behind the stored checkpoint does not find it. */
  isTrimmed(leaseKey: string, place: number): boolean {
    const shard = this.#streams.shardOf(leaseKey);
    const last = shard?.records[shard.trimmed - 1];
    return last !== undefined && place < (shard?.placeAfter.get(last.sequenceNumber) ?? 0);
  }

  /** Whether nothing was promised of a record: it lies before the position at which the application began. */
  isOptional(leaseKey: string, place: number): boolean {
    const shard = this.#streams.shardOf(leaseKey);
    return shard !== undefined && this.#isBefore(shard, place);
  }

  #isDone(shard: SimulatedShard, place: number): boolean {
    return this.#processed.get(shard.leaseKey)?.places.has(place) === true || this.#isBefore(shard, place);
  }

  #isBefore(shard: SimulatedShard, place: number): boolean {
    return (shard.steps[place]?.putMs ?? Infinity) < this.#beginMs(shard);
  }

  /** Virtual ms from which on everything must be processed. */
  #beginMs({ stream }: SimulatedShard): number {
    if (this.#initialPosition instanceof Date) return this.#initialPosition.getTime() - WORLD_EPOCH_MS;
    if (this.#initialPosition === "TRIM_HORIZON") return -Infinity;
    return this.#latestMs.get(stream) ?? -Infinity;
  }

  #doneOf(leaseKey: string): { readonly places: Set<number>; prefix: number } {
    let done = this.#processed.get(leaseKey);
    if (done === undefined) this.#processed.set(leaseKey, done = { places: new Set(), prefix: 0 });
    return done;
  }
}
