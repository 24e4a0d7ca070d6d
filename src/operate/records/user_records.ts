/**
 * The user records of a page, some at a time: aggregates of the KPL are taken apart, as a consumer does it.
 *
 * @module
 */

import { AggregateOpener, looksAggregated } from "../../stream/aggregation.ts";
import type { HashKeyRange } from "../../stream/hash_key.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import type { Clock } from "../../system.ts";

/** What taking apart needs. */
export interface UserRecordsOptions {
  /** The hash keys of the shard; undefined = all of them. */
  readonly hashKeyRange: HashKeyRange | undefined;
  readonly clock: Clock;
  /** Called with what is wrong with an aggregate, for people. */
  readonly onTrouble: (what: string) => void;
}

/** A part of a page: its lines are in memory together. */
const PART = { records: 1000, bytes: 4 * 1024 ** 2 };

/** After this much work, other tasks get a turn, in ms. */
const TURN_MS = 5;

/** In parts that are not empty. */
export async function* userRecords(
  records: readonly KinesisRecord[],
  { hashKeyRange, clock, onTrouble }: UserRecordsOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly KinesisRecord[], void, void> {
  const opener = new AggregateOpener(hashKeyRange, ({ sequenceNumber, outcome, lost, detail }) => {
    const what = outcome === "deliveredRaw" ? "shown as it is" : `${lost} user records are not shown`;
    onTrouble(`the aggregate at ${sequenceNumber} cannot be taken apart: ${detail}: ${what}`);
  });
  let part: KinesisRecord[] = [], bytes = 0;
  for (const record of records) {
    if (!looksAggregated(record.data)) {
      part.push(record);
      bytes += record.data.length;
      if (part.length >= PART.records || bytes >= PART.bytes) {
        yield part;
        part = [];
        bytes = 0;
      }
      continue;
    }
    const opening = opener.open(record);
    let step = opening.next(), turnMs = clock.monotonicMs();
    for (; !step.done; step = opening.next()) {
      if (clock.monotonicMs() - turnMs < TURN_MS) continue;
      await clock.sleep(0, signal);
      turnMs = clock.monotonicMs();
    }
    const aggregate = step.value;
    if (aggregate === undefined) part.push(record);
    while (aggregate !== undefined && aggregate.left > 0) {
      aggregate.take(part, { records: PART.records, bytes: PART.bytes });
      if (part.length >= PART.records || aggregate.left > 0) {
        yield part;
        part = [];
        bytes = 0;
        await clock.sleep(0, signal);
      }
    }
  }
  if (part.length > 0) yield part;
}
