/**
 * The records of a shard that were handed to the delivery and may not be passed by a checkpoint yet. Kept in
 * order, from the end of the contiguous finished prefix on.
 *
 * Two positions matter. All records up to `finishedThrough` are finished: processed, given up, or filtered.
 * All records up to `acknowledgedThrough` may be stored: the processor asked for it, or need not be asked. A
 * processor may return from a batch and keep its records in memory. Those are finished, and not acknowledged.
 *
 * Payloads are views into their page. So the bytes of a page count in the worker's budget until each of its
 * records is finished.
 *
 * @module
 */

import type { ByteBudget } from "../retrieval/byte_budget.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { Runs } from "./done_map.ts";
import type { LaneItem } from "./lanes.ts";

/** Records in memory, finished ahead of others or not, beside the last page. Ours. */
const MOST_RECORDS = 20_000;
/** Bytes of pages with unfinished records, beside the last page: 16 MiB. Ours. */
const MOST_BYTES = 16_777_216;

/** One record on its way. */
export interface Entry extends LaneItem {
  readonly record: KinesisRecord;
  /** When it was handed to the delivery, in monotonic ms. */
  readonly receivedMs: number;
  /** What its page says of the distance to the tip. */
  readonly millisBehindLatest: number | undefined;
}

/** An entry as the ledger keeps it: the record goes when it is finished. */
interface Line {
  /** Of the record, or the last one of several that were passed. */
  position: ExtendedSequenceNumber;
  /** Of the record, or the first of several. */
  readonly first: ExtendedSequenceNumber;
  /** How many records were passed; 1 for a record. */
  count: number;
  /** Filtered: it would be filtered again, and counts as whatever is convenient. */
  readonly isFiltered: boolean;
  readonly index: number;
  readonly page: PageHold | undefined;
  isFinished: boolean;
  isAcknowledged: boolean;
}

/** The memory of one page, and how many of its records are unfinished. */
interface PageHold {
  readonly bytes: number;
  unfinished: number;
}

/** See the module. */
export class Ledger {
  readonly #budget: ByteBudget;
  /** Beyond the prefix; the first one that counts is at `#head`. */
  #lines: Line[] = [];
  #head = 0;
  /** Finished beyond the prefix and not acknowledged, in no order. */
  readonly #unacknowledged = new Set<Line>();
  readonly #byIndex = new Map<number, Line>();
  #nextIndex = 0;
  #unfinished = 0;
  #bytes = 0;
  #aheadRuns = 0;
  #version = 0;
  #finishedThrough: ExtendedSequenceNumber;
  #acknowledgedThrough: ExtendedSequenceNumber;
  #received: ExtendedSequenceNumber;

  /** @param start The stored checkpoint. */
  constructor(start: ExtendedSequenceNumber, budget: ByteBudget) {
    this.#budget = budget;
    this.#finishedThrough = start;
    this.#acknowledgedThrough = start;
    this.#received = start;
  }

  /** See the module. */
  get finishedThrough(): ExtendedSequenceNumber {
    return this.#finishedThrough;
  }

  /** See the module. */
  get acknowledgedThrough(): ExtendedSequenceNumber {
    return this.#acknowledgedThrough;
  }

  /** The last record that was added. */
  get received(): ExtendedSequenceNumber {
    return this.#received;
  }

  /** Records that are neither processed nor given up. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** Runs of finished and acknowledged records beyond what is contiguous. */
  get aheadRuns(): number {
    return this.#aheadRuns;
  }

  /** Grows with each change of what is finished and acknowledged ahead. */
  get version(): number {
    return this.#version;
  }

  /**
   * Whether more records may come. The budget of the worker may be used up by other shards: a shard that has
   * nothing to do never waits for them.
   */
  get hasRoom(): boolean {
    if (this.#unfinished === 0) return true;
    return this.#ahead < MOST_RECORDS && this.#bytes < MOST_BYTES && this.#budget.left > 0;
  }

  /** Whether a record lies beyond those that were added. */
  isNew(record: ExtendedSequenceNumber): boolean {
    return compare(record, this.#received) > 0;
  }

  /**
   * Begins a page, or a slice of one.
   *
   * @param bytes What its records keep in memory.
   */
  openPage(bytes: number): PageHold {
    this.#budget.take(bytes);
    this.#bytes += bytes;
    return { bytes, unfinished: 0 };
  }

  /** No record follows in the page. */
  closePage(page: PageHold): void {
    if (page.unfinished === 0) this.#giveBack(page);
  }

  /** Adds a record that is to be processed. @returns its index. */
  add(record: KinesisRecord, page: PageHold): number {
    const line = this.#append(record, page);
    page.unfinished++;
    this.#unfinished++;
    return line.index;
  }

  /** Adds a record that nobody processes: it is filtered, or was finished before. */
  pass(record: ExtendedSequenceNumber, why: "filtered" | "finished"): void {
    const isFiltered = why === "filtered";
    const last = this.#lines.at(-1);
    if (
      this.#ahead > 0 && last !== undefined && last.page === undefined && last.isFiltered === isFiltered
    ) {
      last.position = positionOf(record);
      last.count++;
      this.#received = last.position;
      return;
    }
    const line = this.#append(record, undefined, isFiltered);
    line.isFinished = true;
    line.isAcknowledged = true;
    this.#done(line);
    this.#advance();
  }

  /**
   * These records are finished.
   *
   * @param isAcknowledged Whether a checkpoint may pass them without being asked for.
   */
  finish(entries: readonly Pick<LaneItem, "index">[], isAcknowledged: boolean): void {
    for (const { index } of entries) {
      const line = this.#byIndex.get(index);
      if (line === undefined || line.isFinished) continue;
      line.isFinished = true;
      line.isAcknowledged ||= isAcknowledged;
      this.#byIndex.delete(index);
      if (line.isAcknowledged) this.#done(line);
      else this.#unacknowledged.add(line);
      this.#unfinished--;
      const { page } = line;
      if (page !== undefined && --page.unfinished === 0) this.#giveBack(page);
    }
    this.#advance();
  }

  /**
   * How far a checkpoint may go that a call asks for: its own records up to `at`, with everything before them
   * that is finished. Never beyond the end of what is contiguous.
   *
   * @param own Indexes of the call's records.
   */
  reach(own: ReadonlySet<number>, at: ExtendedSequenceNumber): ExtendedSequenceNumber {
    if (compare(at, this.#finishedThrough) <= 0) return at;
    let reached = this.#finishedThrough;
    for (let i = this.#head; i < this.#lines.length; i++) {
      const line = this.#lines[i];
      if (line === undefined) break;
      const isWithin = compare(line.position, at) <= 0;
      const isDone = line.isFinished && (isWithin || line.isAcknowledged);
      if (!isDone && !(isWithin && own.has(line.index))) return reached;
      reached = line.position;
    }
    // The position asked for may lie between two records, or name the first user record of an aggregate.
    return compare(at, reached) > 0 ? at : reached;
  }

  /** A call asks for a checkpoint: its own records up to `at`, and what is finished before them. */
  acknowledge(own: ReadonlySet<number>, at: ExtendedSequenceNumber): void {
    for (const index of own) {
      const line = this.#byIndex.get(index);
      if (line !== undefined && compare(line.position, at) <= 0) line.isAcknowledged = true;
    }
    for (const line of this.#unacknowledged) {
      if (compare(line.position, at) > 0) continue;
      line.isAcknowledged = true;
      this.#unacknowledged.delete(line);
      this.#done(line);
    }
    // What is finished up to here was asked for too.
    const within = compare(at, this.#finishedThrough) < 0 ? at : this.#finishedThrough;
    if (compare(within, this.#acknowledgedThrough) > 0) this.#acknowledgedThrough = within;
    this.#advance();
  }

  /** Whether a call has asked for a checkpoint of this record. */
  isAcknowledged({ index }: Pick<LaneItem, "index">): boolean {
    return this.#byIndex.get(index)?.isAcknowledged ?? true;
  }

  /** The table has this checkpoint: nothing before it needs to be asked for. */
  stored(at: ExtendedSequenceNumber): void {
    if (compare(at, this.#acknowledgedThrough) <= 0) return;
    this.#acknowledgedThrough = compare(at, this.#finishedThrough) < 0 ? at : this.#finishedThrough;
  }

  /**
   * What is finished and acknowledged beyond a position, for the finished-ahead map.
   *
   * @returns undefined if it is not known any more: records at `at` are passed, and what follows them is not
   * acknowledged.
   */
  aheadOf(
    at: ExtendedSequenceNumber,
  ): { readonly first: ExtendedSequenceNumber | undefined; readonly runs: Runs } | undefined {
    const order = compare(at, this.#finishedThrough);
    if (order < 0) return undefined;
    let first: ExtendedSequenceNumber | undefined;
    const runs: number[] = [];
    let gap = 0, filtered = 0;
    for (let i = this.#head; i < this.#lines.length; i++) {
      const line = this.#lines[i];
      if (line === undefined) break;
      if (first === undefined) {
        if (order > 0 && compare(line.position, at) <= 0) continue;
        if (order > 0 && compare(line.first, at) <= 0) return undefined;
        first = line.first;
      }
      if (line.isFiltered) {
        filtered += line.count;
        continue;
      }
      if (!isAhead(line)) gap += filtered + line.count;
      else if (gap === 0 && runs.length > 0) {
        runs[runs.length - 1] = (runs.at(-1) ?? 0) + filtered + line.count;
      } else {
        runs.push(gap + filtered, line.count);
        gap = 0;
      }
      filtered = 0;
    }
    return { first, runs };
  }

  /** Forgets all records and gives their memory back. */
  clear(): void {
    this.#lines = [];
    this.#head = 0;
    this.#unfinished = 0;
    this.#aheadRuns = 0;
    this.#byIndex.clear();
    this.#unacknowledged.clear();
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }

  /** The unfinished records, and those that are finished ahead of one. */
  get #ahead(): number {
    return this.#lines.length - this.#head;
  }

  #append(record: ExtendedSequenceNumber, page: PageHold | undefined, isFiltered = false): Line {
    const position = positionOf(record);
    const line: Line = {
      position,
      first: position,
      count: 1,
      isFiltered,
      index: this.#nextIndex++,
      page,
      isFinished: false,
      isAcknowledged: false,
    };
    this.#lines.push(line);
    if (page !== undefined) this.#byIndex.set(line.index, line);
    this.#received = line.position;
    return line;
  }

  /** The line is finished and acknowledged from now on. */
  #done(line: Line): void {
    if (line.isFiltered) return;
    this.#version++;
    const place = line.index - (this.#lines[0]?.index ?? 0);
    const joined = [this.#neighbour(place, -1), this.#neighbour(place, 1)].filter(isAhead).length;
    this.#aheadRuns += 1 - joined;
  }

  /** The next line before or after a place that is not filtered, beyond what is contiguous. */
  #neighbour(place: number, step: 1 | -1): Line | undefined {
    for (let i = place + step; i >= this.#head && i < this.#lines.length; i += step) {
      const line = this.#lines[i];
      if (line?.isFiltered === false) return line;
    }
    return undefined;
  }

  /** Moves the two positions over what is finished. */
  #advance(): void {
    let isContiguous = compare(this.#acknowledgedThrough, this.#finishedThrough) === 0;
    for (; this.#head < this.#lines.length; this.#head++) {
      const line = this.#lines[this.#head];
      if (line === undefined || !line.isFinished) break;
      this.#finishedThrough = line.position;
      isContiguous &&= line.isAcknowledged;
      if (isContiguous) this.#acknowledgedThrough = line.position;
      this.#unacknowledged.delete(line);
      if (line.isFiltered || !isAhead(line)) continue;
      this.#version++;
      if (!isAhead(this.#neighbour(this.#head, 1))) this.#aheadRuns--;
    }
    if (this.#head < 1000 || this.#head * 2 < this.#lines.length) return;
    this.#lines = this.#lines.slice(this.#head);
    this.#head = 0;
  }

  #giveBack(page: PageHold): void {
    // After clear() nothing is left to be given back.
    if (this.#bytes < page.bytes) return;
    this.#bytes -= page.bytes;
    this.#budget.give(page.bytes);
  }
}

/** Whether a line is finished, and a checkpoint may pass it. */
function isAhead(line: Line | undefined): boolean {
  return line !== undefined && line.isFinished && line.isAcknowledged;
}

function positionOf({ sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber): ExtendedSequenceNumber {
  return { sequenceNumber, subSequenceNumber };
}
