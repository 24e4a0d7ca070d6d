/**
 * Finds the last record of a shard before a time or a number, by reading. Kinesis reads forward only, so it
 * is asked for ever earlier times until a record is found: a second, ten seconds, a hundred seconds before.
 *
 * The result is a real record. A checkpoint AT_TIMESTAMP would mean another time for each worker's
 * configuration, and LATEST another record each time that it is opened.
 *
 * A shard allows five calls of each kind a second, which its consumers share. So calls are paced, and a
 * stretch that holds much is halved by time and not read through.
 *
 * @module
 */

import type { IteratorPosition, Kinesis, StreamReference } from "../../aws/kinesis.ts";
import type { GetRecordsOutput } from "../../aws/kinesis_wire.ts";
import { isAwsError } from "../../errors.ts";
import { AggregateOpener, looksAggregated } from "../../stream/aggregation.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { compare, type ExtendedSequenceNumber, positionAt } from "../../stream/sequence_number.ts";
import { isOpen, type Shard } from "../../stream/shard.ts";
import type { Clock } from "../../system.ts";
import { FROM_OLDEST, type ShardPosition } from "./positions.ts";

/** Where to search. */
export interface SearchOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly clock: Clock;
  /** What the stream keeps, in ms. */
  readonly retentionMs: number;
}

/**
 * What a time means in a shard: the last record that arrived before it.
 *
 * @throws {AwsServiceError} when the shard cannot be read.
 */
export async function positionAtTime(
  options: SearchOptions,
  shard: Shard,
  epochMs: number,
  signal: AbortSignal,
): Promise<ShardPosition> {
  const isBefore = (record: KinesisRecord) => record.approximateArrivalTimestamp < epochMs;
  return await new Search(options, shard, isBefore, signal).from(epochMs);
}

/**
 * What a number means in a shard: the last record before the one that has it.
 *
 * @throws {RangeError} when the number is not of this shard, {@linkcode AwsServiceError} when it cannot be
 * read.
 */
export async function positionBefore(
  options: SearchOptions,
  shard: Shard,
  sequenceNumber: string,
  signal: AbortSignal,
): Promise<ShardPosition> {
  const wanted = positionAt(sequenceNumber);
  const { startingSequenceNumber: first, endingSequenceNumber: last } = shard;
  if (
    compare(wanted, positionAt(first)) < 0 || (last !== undefined && compare(wanted, positionAt(last)) > 0)
  ) {
    throw new RangeError(
      `Cannot reset shard ${shard.shardId} to ${sequenceNumber}: expected a number of this shard, from ${first} ` +
        `to ${last ?? "the newest record"}: name the shard of the record with --shard`,
    );
  }
  const isBefore = (record: KinesisRecord) => compare(record, wanted) < 0;
  const search = new Search(options, shard, isBefore, signal);
  const found = await search.probe({ type: "AT_SEQUENCE_NUMBER", sequenceNumber });
  return await search.from((found.nextMs ?? options.clock.epochMs()) + 1);
}

/**
 * When the first record after a checkpoint arrived, and when the one at the checkpoint did, in ms since 1970.
 * Undefined where there is none, or it was trimmed.
 *
 * @param checkpoint A record's, or TRIM_HORIZON.
 */
export async function arrivalAfter(
  options: SearchOptions,
  shard: Shard,
  checkpoint: ExtendedSequenceNumber,
  signal: AbortSignal,
): Promise<{ readonly nextMs: number | undefined; readonly lastMs: number | undefined }> {
  const { sequenceNumber } = checkpoint;
  const isBegun = sequenceNumber !== "TRIM_HORIZON";
  // Of an aggregate a part may be unread.
  const isRead = (record: KinesisRecord) =>
    isBegun && compare(positionAt(record.sequenceNumber, lastSubSequenceNumber(record)), checkpoint) <= 0;
  const { last, nextMs } = await new Search(options, shard, isRead, signal).probe(
    isBegun ? { type: "AT_SEQUENCE_NUMBER", sequenceNumber } : { type: "TRIM_HORIZON" },
    Infinity,
  );
  return { nextMs, lastMs: last?.arrivalMs };
}

/** What reading from one place on shows. */
interface Probe {
  /** The last record before the target. Undefined: none was seen. */
  readonly last: LastBefore | undefined;
  /** When the first record at or after the target arrived, in ms since 1970. Undefined: none was seen. */
  readonly nextMs: number | undefined;
  /** Whether the target was reached, or the end of what the shard holds. Else there is more to read. */
  readonly isReached: boolean;
}

interface LastBefore {
  readonly sequenceNumber: string;
  /** Of the last user record, if it is an aggregate. */
  readonly subSequenceNumber: number;
  readonly arrivalMs: number;
}

class Search {
  readonly #options: SearchOptions;
  readonly #shard: Shard;
  readonly #isBefore: (record: KinesisRecord) => boolean;
  readonly #signal: AbortSignal;
  readonly #calledMs = { open: -Infinity, read: -Infinity };
  #targetMs = Infinity;

  constructor(
    options: SearchOptions,
    shard: Shard,
    isBefore: (record: KinesisRecord) => boolean,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#shard = shard;
    this.#isBefore = isBefore;
    this.#signal = signal;
  }

  /** @param targetMs No record before the target arrived later than that. */
  async from(targetMs: number): Promise<ShardPosition> {
    const { clock, retentionMs } = this.#options;
    this.#targetMs = targetMs;
    const oldestMs = clock.epochMs() - retentionMs;
    let emptyFromMs = targetMs;
    for (let backMs = 1000;; backMs *= 10) {
      const fromMs = targetMs - backMs;
      const isOldest = fromMs <= oldestMs;
      const probe = await this.probe(
        isOldest ? { type: "TRIM_HORIZON" } : { type: "AT_TIMESTAMP", timestampMs: fromMs },
      );
      if (probe.last !== undefined) return await this.#within(probe, probe.last, emptyFromMs);
      if (isOldest) return this.#positionOf(probe);
      emptyFromMs = fromMs;
    }
  }

  /** Reads some pages. */
  async probe(position: IteratorPosition, mostPages: number = MOST_PAGES): Promise<Probe> {
    const { kinesis, stream, clock } = this.#options;
    const { shardId } = this.#shard;
    const signal = this.#signal;
    let iterator: string | undefined;
    try {
      iterator = await this.#paced("open", () => kinesis.getShardIterator(stream, shardId, position, signal));
    } catch (error) {
      // Our clock is ahead of Kinesis's: what has not arrived there cannot be before the target.
      const isFuture = position.type === "AT_TIMESTAMP" && position.timestampMs > clock.epochMs() - CLOCKS_MS;
      if (isFuture && isAwsError(error, "InvalidArgumentException")) return NOTHING;
      // Trimmed meanwhile, to its end.
      if (isAwsError(error, "ResourceNotFoundException") && !isOpen(this.#shard)) return NOTHING;
      throw error;
    }
    let last: KinesisRecord | undefined;
    for (let pages = 0, emptyPages = 0; iterator !== undefined;) {
      const at: string = iterator;
      const output = await this.#paced("read", () => kinesis.getRecords(stream, at, PAGE_RECORDS, signal));
      const { records } = output;
      const nextAt = records.findIndex((record) => !this.#isBefore(record));
      const next = records[nextAt];
      last = (next === undefined ? records : records.slice(0, nextAt)).at(-1) ?? last;
      if (next !== undefined) {
        return { last: lastOf(last), nextMs: next.approximateArrivalTimestamp, isReached: true };
      }
      if (records.length > 0 && ++pages >= mostPages) {
        return { last: lastOf(last), nextMs: undefined, isReached: false };
      }
      if (records.length === 0 && ++emptyPages > MOST_EMPTY_PAGES) {
        throw new Error(
          `Cannot read shard ${shardId}: expected its tip or a record: got ${emptyPages} empty pages: try again`,
        );
      }
      iterator = this.#isPast(output) ? undefined : output.nextShardIterator;
    }
    return { last: lastOf(last), nextMs: undefined, isReached: true };
  }

  /**
   * Whether nothing more can come before the target. An empty page may be in the middle of a shard. A closed
   * shard is read to its end, since it matters whether it has records after the target.
   */
  #isPast({ records, millisBehindLatest }: GetRecordsOutput): boolean {
    if (!isOpen(this.#shard)) return false;
    const nowMs = this.#options.clock.epochMs();
    const newest = records.at(-1);
    // A shard that is written to all the time may never give an empty page. Some emulators always say that
    // nothing is left, so the page must be recent too.
    if (newest !== undefined) {
      return millisBehindLatest === 0 && records.length < PAGE_RECORDS &&
        newest.approximateArrivalTimestamp > nowMs - CLOCKS_MS;
    }
    return !millisBehindLatest ||
      nowMs - millisBehindLatest > this.#targetMs + CLOCKS_MS;
  }

  /** Closes in on the last record. @param emptyFromMs From here on there is none before the target. */
  async #within(found: Probe, foundLast: LastBefore, emptyFromMs: number): Promise<ShardPosition> {
    let probe = found, last = foundLast, untilMs = emptyFromMs;
    for (let round = 1; !probe.isReached; round++) {
      const middleMs = Math.floor((last.arrivalMs + untilMs) / 2);
      const isNarrow = middleMs <= last.arrivalMs || round > MOST_ROUNDS;
      const next = isNarrow
        ? await this.probe({ type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: last.sequenceNumber }, Infinity)
        : await this.probe({ type: "AT_TIMESTAMP", timestampMs: middleMs });
      if (next.last !== undefined || isNarrow) {
        probe = next;
        last = next.last ?? last;
      } else untilMs = middleMs;
    }
    return this.#positionOf({ ...probe, last });
  }

  #positionOf({ last, nextMs }: Probe): ShardPosition {
    if (!isOpen(this.#shard) && nextMs === undefined) return { type: "finished" };
    if (last === undefined) return FROM_OLDEST;
    const { sequenceNumber, subSequenceNumber, arrivalMs } = last;
    return { type: "after", checkpoint: positionAt(sequenceNumber, subSequenceNumber), arrivalMs };
  }

  async #paced<T>(kind: "open" | "read", call: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const waitMs = this.#calledMs[kind] + CALL_INTERVAL_MS - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs, this.#signal);
    this.#calledMs[kind] = clock.monotonicMs();
    return await call();
  }
}

const NOTHING: Probe = { last: undefined, nextMs: undefined, isReached: true };

/** Records of a page. Ours: about a megabyte at most where records are of a common size. */
const PAGE_RECORDS = 1000;

/** After this many pages with records a search halves its stretch. Ours. */
const MOST_PAGES = 2;

/** Kinesis skips some minutes with each empty page; a shard keeps a year at most. Ours. */
const MOST_EMPTY_PAGES = 5000;

/** Half of half of ... a year is a millisecond after 35 rounds. Arrival times may go back a little. */
const MOST_ROUNDS = 50;

/** Kinesis allows five calls of each kind a second. Source: API reference, GetRecords, GetShardIterator. */
const CALL_INTERVAL_MS = 250;

/** How far our clock may be ahead of Kinesis's. AWS refuses signatures beyond. */
const CLOCKS_MS = 15 * 60_000;

function lastOf(record: KinesisRecord | undefined): LastBefore | undefined {
  return record === undefined ? undefined : {
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: lastSubSequenceNumber(record),
    arrivalMs: record.approximateArrivalTimestamp,
  };
}

/** A checkpoint with it stands for the whole record, to KCL and to us: both compare user records with it. */
export function lastSubSequenceNumber(record: KinesisRecord): number {
  if (!looksAggregated(record.data)) return 0;
  const opening = new AggregateOpener(undefined).open(record);
  let step = opening.next();
  while (!step.done) step = opening.next();
  return Math.max(0, (step.value?.left ?? 0) - 1);
}
