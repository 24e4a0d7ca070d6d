/**
 * Cuts a page into slices of user records, and makes each slice only when it is requested. A page of 10 MiB
 * may hold 1.7 million user records, in aggregates made by its producers. A page without aggregates is one
 * slice, and its records are not looked at.
 *
 * A processor may ask for whole aggregates. They are opened all the same, since their user records are
 * counted: the position of a whole aggregate is that of its last user record. A checkpoint there is right for
 * processors of both kinds, and one within an aggregate repeats the whole aggregate.
 *
 * No work here takes long in one go: other tasks get a turn between two slices, and while aggregates are
 * checked.
 *
 * @module
 */

import type { ByteBudget } from "../retrieval/byte_budget.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { Aggregate } from "../stream/aggregate.ts";
import { AggregateOpener, type AggregateProblemListener, looksAggregated } from "../stream/aggregation.ts";
import type { HashKeyRange } from "../stream/hash_key.ts";
import { type KinesisRecord, kinesisRecord } from "../stream/record.ts";
import { compare, type ExtendedSequenceNumber, positionAt } from "../stream/sequence_number.ts";
import type { Clock } from "../system.ts";

/** Some user records of a page, in order. */
export interface Slice {
  readonly records: readonly KinesisRecord[];
  /** Whether the page has no more. */
  readonly isLast: boolean;
}

/** What slicing takes. */
export interface SliceOptions {
  /** The hash keys of the shard; undefined = all of them. */
  readonly hashKeyRange: HashKeyRange | undefined;
  readonly onAggregateProblem: AggregateProblemListener;
  /**
   * Shared by all shards of the worker. What is made for a slice counts until the next slice is requested.
   */
  readonly budget: ByteBudget;
  readonly clock: Clock;
  /** As a processor asks for them. @default they are taken apart */
  readonly aggregates?: "whole" | undefined;
}

/**
 * The slices of a page, one at least.
 *
 * @param after Of an aggregate that reaches beyond this position only the rest is made.
 * @param signal Ends the slicing between two slices, or while an aggregate is checked: it then throws its
 * reason.
 */
export async function* slicesOf(
  page: RecordsPage,
  after: ExtendedSequenceNumber,
  options: SliceOptions,
  signal: AbortSignal,
): AsyncGenerator<Slice, void, void> {
  if (!page.records.some((record) => looksAggregated(record.data))) {
    yield { records: page.records, isLast: true };
    return;
  }
  const { budget, clock } = options;
  const slicer = new Slicer(page, after, options);
  let turnMs = clock.monotonicMs();
  const turn = async () => {
    await clock.sleep(0, signal);
    turnMs = clock.monotonicMs();
  };
  if (options.aggregates === "whole") {
    const making = wholeRecords(page);
    let step = making.next();
    for (; !step.done; step = making.next()) if (clock.monotonicMs() - turnMs >= TURN_MS) await turn();
    yield { records: step.value, isLast: true };
    return;
  }
  for (;;) {
    const making = slicer.next();
    let step = making.next();
    for (; !step.done; step = making.next()) if (clock.monotonicMs() - turnMs >= TURN_MS) await turn();
    const { records, bytes, isLast } = step.value;
    budget.take(bytes);
    try {
      yield { records, isLast };
    } finally {
      budget.give(bytes);
    }
    if (isLast) return;
    await turn();
  }
}

/** After this much work, other tasks get a turn, in ms. */
const TURN_MS = 5;

/**
 * The most records of a slice that holds user records of aggregates. Source: the API reference of Kinesis,
 * GetRecords, which answers with no more, whatever `maxRecords` says.
 */
export const SLICE_RECORDS = 10_000;
/** A slice may always take this many bytes: about what some tens of user records take. */
const LEAST_SLICE_BYTES = 16 * 1024;
/** The share of the worker's free budget that a slice may take. */
const SLICE_SHARE = 1 / 16;
/** Records that were checkpointed already are skipped in steps of this many user records. */
const SKIP_RECORDS = 50_000;

/**
 * The records of a page as they came, each aggregate at the position of its last user record. What is wrong
 * with an aggregate is for its processor to find.
 */
function* wholeRecords({ records }: RecordsPage): Generator<void, readonly KinesisRecord[], void> {
  const opener = new AggregateOpener(undefined);
  const whole: KinesisRecord[] = [];
  for (const record of records) {
    const aggregate = looksAggregated(record.data) ? yield* opener.open(record) : undefined;
    const subSequenceNumber = Math.max(0, (aggregate?.left ?? 1) - 1);
    whole.push(subSequenceNumber === 0 ? record : kinesisRecord({ ...record, subSequenceNumber }));
  }
  return whole;
}

/** Goes through a page, once. */
class Slicer {
  readonly #page: RecordsPage;
  readonly #after: ExtendedSequenceNumber;
  readonly #budget: ByteBudget;
  readonly #opener: AggregateOpener;
  /** Index of the record that follows `#head`. */
  #next = 0;
  /** What comes next: an ordinary record, or an aggregate that has something left. */
  #head: KinesisRecord | Aggregate | undefined;
  #isBeyond = false;

  constructor(page: RecordsPage, after: ExtendedSequenceNumber, options: SliceOptions) {
    this.#page = page;
    this.#after = after;
    this.#budget = options.budget;
    this.#opener = new AggregateOpener(options.hashKeyRange, options.onAggregateProblem);
  }

  /** The next slice, and the bytes that were made for it. Yields wherever other tasks may get a turn. */
  *next(): Generator<void, Slice & { readonly bytes: number }, void> {
    // A page may be in memory whatever the budget says, and the user records made from it may take as much
    // again.
    const room = this.#budget.left * SLICE_SHARE;
    const most = Math.max(LEAST_SLICE_BYTES, this.#page.bytes, room);
    const records: KinesisRecord[] = [];
    let bytes = 0;
    while (records.length < SLICE_RECORDS && bytes < most) {
      if (this.#head === undefined) yield* this.#advance();
      if (this.#head === undefined) break;
      if ("take" in this.#head) {
        bytes += this.#head.take(records, { records: SLICE_RECORDS, bytes: most - bytes });
        if (this.#head.left > 0) break;
      } else records.push(this.#head);
      this.#head = undefined;
    }
    if (this.#head === undefined) yield* this.#advance();
    return { records, bytes, isLast: this.#head === undefined };
  }

  /** Finds the next record, or the next aggregate that has something to give. */
  *#advance(): Generator<void, void, void> {
    const { records } = this.#page;
    while (this.#head === undefined && this.#next < records.length) {
      const record = records[this.#next++];
      if (record === undefined) return;
      if (!looksAggregated(record.data)) {
        this.#head = record;
        return;
      }
      yield;
      const order = this.#isBeyond
        ? 1
        : compare(positionAt(record.sequenceNumber), positionAt(this.#after.sequenceNumber));
      if (order < 0) continue;
      this.#isBeyond = order > 0;
      const aggregate = yield* this.#opener.open(record);
      if (aggregate !== undefined && order === 0) yield* this.#skipDone(aggregate);
      if (aggregate === undefined) this.#head = record;
      else if (aggregate.left > 0) this.#head = aggregate;
    }
  }

  /** Skips the user records at or before the position that was reached. */
  *#skipDone(aggregate: Aggregate): Generator<void, void, void> {
    let done = this.#after.subSequenceNumber + 1;
    for (; done > 0 && aggregate.left > 0; done -= SKIP_RECORDS) {
      aggregate.skip(Math.min(done, SKIP_RECORDS));
      yield;
    }
  }
}
