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
  keys: readonly string[];
  /** Of its oldest record. */
  readonly index: number;
  /** Bytes of the record that is tried again and again; undefined: nothing is parked here. */
  readonly parkedBytes: number | undefined;
}

/** See the module. */
export class Runs {
  readonly #settings: FailureSettings;
  readonly #attempts: ShardAttempts;
  readonly #lanes: Lanes<Entry>;
  readonly #running = new Set<Run>();
  /** Those that may be called again. */
  readonly #ready: Run[] = [];
  /** Records that are tried again and again. */
  #parked = 0;
  #parkedBytes = 0;

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
   * @param isFull Whether no new batch may start, but for the only one.
   * @returns undefined when none may start yet.
   */
  next(nowMs: number, isCut: boolean, isFull: boolean): Run | undefined {
    const oldest = this.#ready.toSorted((a, b) => a.index - b.index)[0];
    if (oldest !== undefined) {
      this.#ready.splice(this.#ready.indexOf(oldest), 1);
      return oldest;
    }
    if (isFull && this.#running.size > 0) return undefined;
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

  /** Whether as much is parked as may be: records that failed, with those that wait behind them. */
  get isParkFull(): boolean {
    const { park } = this.#settings.errors;
    const { records, bytes } = this.#lanes.parked;
    return park !== undefined &&
      (records + this.#parked >= park.records || bytes + this.#parkedBytes >= park.bytes);
  }

  /**
   * Parks the keys of a piece that was tried often enough. Of each key the oldest record is tried alone from
   * now on, until it is too old. All later records of the key wait behind it, those of the batch too.
   *
   * @returns one batch for each key.
   */
  park(run: Run, { items, failures, calls, error }: Piece<Entry>): readonly Run[] {
    const keys = new Set(items.map(({ key }) => key));
    // The next piece stands last.
    const open = run.batch.pieces.toReversed().flatMap((piece) => piece.items);
    run.batch.drop(({ key }) => keys.has(key));
    run.keys = run.keys.filter((key) => !keys.has(key));
    const rules = { attempts: Infinity, split: "none", maxAgeMs: this.#settings.errors.maxAgeMs } as const;
    return [...keys].flatMap((key) => {
      const [first, ...later] = open.filter((entry) => entry.key === key);
      if (first === undefined) return [];
      this.#lanes.park(key, later);
      const batch = new BatchRun({ items: [first], failures, calls, error }, rules, arrivalOf);
      const parked: Run = { batch, keys: [key], index: first.index, parkedBytes: first.bytes };
      this.#running.add(parked);
      this.#parked++;
      this.#parkedBytes += first.bytes;
      return [parked];
    });
  }

  /** All records of the batch are finished. */
  done(run: Run): void {
    if (run.parkedBytes !== undefined && this.#running.has(run)) {
      this.#parked--;
      this.#parkedBytes -= run.parkedBytes;
    }
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
    const run: Run = { batch, keys, index: first.index, parkedBytes: undefined };
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
