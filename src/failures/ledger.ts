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

  /** Adds a record that nobody processes: it is filtered, or was given up before. */
  pass(record: ExtendedSequenceNumber): void {
    const last = this.#lines.at(-1);
    if (this.#ahead > 0 && last !== undefined && last.page === undefined) {
      last.position = positionOf(record);
      this.#received = last.position;
      return;
    }
    const line = this.#append(record, undefined);
    line.isFinished = true;
    line.isAcknowledged = true;
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
      if (!line.isAcknowledged) this.#unacknowledged.add(line);
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

  /** Forgets all records and gives their memory back. */
  clear(): void {
    this.#lines = [];
    this.#head = 0;
    this.#unfinished = 0;
    this.#byIndex.clear();
    this.#unacknowledged.clear();
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }

  /** The unfinished records, and those that are finished ahead of one. */
  get #ahead(): number {
    return this.#lines.length - this.#head;
  }

  #append(record: ExtendedSequenceNumber, page: PageHold | undefined): Line {
    const line: Line = {
      position: positionOf(record),
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

function positionOf({ sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber): ExtendedSequenceNumber {
  return { sequenceNumber, subSequenceNumber };
}
