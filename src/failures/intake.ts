/**
 * Takes the records of a slice in: what is new goes to the ledger and to the batches, what nobody wants is
 * passed.
 *
 * @module
 */

import type { Slice } from "../consumer/slices.ts";
import { recordMemory } from "../retrieval/page_memory.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { ShardAttempts } from "./attempts.ts";
import type { FinishedAhead } from "./finished_ahead.ts";
import type { Ledger } from "./ledger.ts";
import type { Runs } from "./runs.ts";

/** Where records go. */
export interface IntakeOptions {
  readonly ledger: Ledger;
  readonly runs: Runs;
  readonly attempts: ShardAttempts;
  readonly ahead: FinishedAhead;
  /** Undefined: all are delivered. */
  readonly isWanted: ((record: KinesisRecord) => boolean) | undefined;
  /** Monotonic. */
  readonly nowMs: number;
}

/**
 * Takes a slice in.
 *
 * @returns the index of its last record that is to be processed.
 */
export function takeIn(
  { ledger, runs, attempts, ahead, isWanted, nowMs }: IntakeOptions,
  { millisBehindLatest }: RecordsPage,
  { records }: Slice,
): number | undefined {
  // A restart reads AT its checkpoint, and the rest of an aggregate may follow there.
  const from = records.findIndex((record) => ledger.isNew(record));
  if (from < 0) return undefined;
  const fresh = from === 0 ? records : records.slice(from);
  ahead.beginPage();
  const page = ledger.openPage(fresh.reduce((sum, record) => sum + recordMemory(record), 0));
  let last: number | undefined;
  for (const record of fresh) {
    if (ahead.wasFinished(record) || attempts.wasGivenUp(record)) {
      ledger.pass(record, "finished");
      continue;
    }
    if (isWanted?.(record) === false) {
      ledger.pass(record, "filtered");
      continue;
    }
    const index = ledger.add(record, page);
    const { change, partitionKey, data: { length: bytes } } = record;
    // Each change has a partition key of its own; the order that counts is that of its item.
    const key = change === undefined ? partitionKey : JSON.stringify(change.keys);
    runs.add({ record, index, key, bytes, receivedMs: nowMs, millisBehindLatest });
    last = index;
  }
  ledger.closePage(page);
  return last;
}

/**
 * A filter that always decides: a record about which the user's own cannot is delivered, so that none is
 * lost.
 *
 * @param onOdd Called with what is wrong with the user's own.
 */
export function lenient(
  isWanted: (record: KinesisRecord) => boolean,
  onOdd: (error: unknown) => void,
): (record: KinesisRecord) => boolean {
  return (record) => {
    try {
      const answer: unknown = isWanted(record);
      if (typeof answer === "boolean") return answer;
      throw new TypeError(`Expected the filter to return true or false: got ${typeof answer}`);
    } catch (error) {
      onOdd(error);
      return true;
    }
  };
}
