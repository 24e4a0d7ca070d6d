/**
 * The batches of one shard: puts records together for a call, and keeps each batch until all of its records
 * are finished. Says which batch may be called next; calls nothing by itself.
 *
 * @module
 */

import { compare } from "../stream/sequence_number.ts";
import type { FailedPiece, ShardAttempts } from "./attempts.ts";
import { BatchRun, type Piece } from "./batch_run.ts";
import type { BatchSettings, FailureSettings } from "./failure_options.ts";
import { Lanes } from "./lanes.ts";
import type { Entry } from "./ledger.ts";

/** One batch on its way. */
export interface Run {
  readonly batch: BatchRun<Entry>;
  /** The lanes that wait for it. */
  readonly keys: readonly string[];
  /** Of its oldest record. */
  readonly index: number;
}

/** See the module. */
export class Runs {
  readonly #settings: FailureSettings;
  readonly #attempts: ShardAttempts;
  readonly #lanes: Lanes<Entry>;
  readonly #running = new Set<Run>();
  /** Those that may be called again. */
  readonly #ready: Run[] = [];

  constructor(settings: FailureSettings, attempts: ShardAttempts) {
    this.#settings = settings;
    this.#attempts = attempts;
    this.#lanes = new Lanes(settings.concurrency.order);
  }

  /** Batches that are not finished. */
  get running(): number {
    return this.#running.size;
  }

  /** Records that are in no batch yet. */
  get waiting(): number {
    return this.#lanes.waiting;
  }

  add(entry: Entry): void {
    this.#lanes.add(entry);
  }

  /** The batch may be called again: a pause is over. */
  ready(run: Run): void {
    this.#ready.push(run);
  }

  /**
   * The next batch to call; the oldest one first.
   *
   * @param isCut Whether no more records come for now, so that no window is waited for.
   * @returns undefined when none may start yet.
   */
  next(nowMs: number, isCut: boolean): Run | undefined {
    const oldest = this.#ready.toSorted((a, b) => a.index - b.index)[0];
    if (oldest !== undefined) {
      this.#ready.splice(this.#ready.indexOf(oldest), 1);
      return oldest;
    }
    const dueMs = this.dueMs(nowMs, isCut);
    return dueMs !== undefined && dueMs <= 0 ? this.#start() : undefined;
  }

  /** How long until the next batch may start, in ms; undefined: nothing waits for a time. */
  dueMs(nowMs: number, isCut: boolean): number | undefined {
    const { oldest, startable } = this.#lanes;
    if (oldest === undefined) return undefined;
    const { size, bytes, windowMs } = this.#settings.batch;
    if (isCut || startable.records >= size || startable.bytes >= bytes) return 0;
    return oldest.receivedMs + windowMs - nowMs;
  }

  /** What is left of the batch has changed: what failed is remembered for a fresh processor. */
  remember({ batch }: Run, before: readonly Piece<Entry>[]): void {
    for (const { items: [first] } of before) if (first !== undefined) this.#attempts.forget(first.record);
    for (const { items, failures, calls, error } of batch.pieces) {
      const first = items[0], last = items.at(-1);
      if (first === undefined || last === undefined || calls === 0) continue;
      const { sequenceNumber, subSequenceNumber } = last.record;
      const piece = {
        count: items.length,
        last: { sequenceNumber, subSequenceNumber },
        failures,
        calls,
        error,
      };
      this.#attempts.remember(first.record, piece);
    }
  }

  /** All records of the batch are finished. */
  done(run: Run): void {
    this.#running.delete(run);
    this.#lanes.release(run.keys);
  }

  #start(): Run | undefined {
    const first = this.#lanes.oldest;
    if (first === undefined) return undefined;
    const failed = this.#attempts.pieceAt(first.record);
    const { items, keys } = this.#lanes.take(failed === undefined ? this.#fitsNew() : fitsFailed(failed));
    const { failures = 0, calls = 0, error } = failed ?? {};
    const { errors } = this.#settings;
    const batch = new BatchRun({ items, failures, calls, error }, errors, arrivalOf);
    const run = { batch, keys, index: first.index };
    this.#running.add(run);
    return run;
  }

  #fitsNew(): (next: Entry, taken: readonly Entry[]) => boolean {
    const { size, bytes }: BatchSettings = this.#settings.batch;
    let sum: number | undefined;
    return (next, taken) => {
      sum = (sum ?? 0) + (taken.at(-1)?.bytes ?? 0);
      if (taken.length >= size || sum + next.bytes > bytes) return false;
      // What failed together is tried together.
      return this.#attempts.pieceAt(next.record) === undefined;
    };
  }
}

function fitsFailed({ count, last }: FailedPiece): (next: Entry, taken: readonly Entry[]) => boolean {
  return (next, taken) => taken.length < count && compare(next.record, last) <= 0;
}

function arrivalOf({ record }: Entry): number {
  return record.approximateArrivalTimestamp;
}
