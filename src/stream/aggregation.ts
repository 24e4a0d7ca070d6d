// Pure.
/**
 * Takes the user records out of a record that the Kinesis Producer Library (KPL) has aggregated. Its format:
 * `F3 89 9A C2`, a protobuf `AggregatedRecord`, and the MD5 of that protobuf.
 *
 * A record that looks like an aggregate but is not one (too short, wrong MD5, broken protobuf) is an ordinary
 * record and is delivered unchanged. An aggregate with a user record whose hash key lies outside the shard is
 * dropped whole. That is KCL's rule: a reshard has moved the key, and the KPL's daemon sends the aggregate
 * again. Other producers do not. All this is found out before the first user record is made.
 *
 * Source: KCL 3.5.1, `AggregatorUtil` and `messages.proto`.
 *
 * @module
 */

import {
  Aggregate,
  type AggregateTables,
  FIELDS_PER_STEP,
  type KeyTable,
  readTables,
  UserRecordCursor,
} from "./aggregate.ts";
import { type HashKeyRange, MAX_HASH_KEY } from "./hash_key.ts";
import { Md5 } from "./md5.ts";
import type { KinesisRecord } from "./record.ts";

/** A record that begins like an aggregate but did not yield its user records, or not all of them. */
export interface AggregateProblem {
  readonly sequenceNumber: string;
  /**
   * `deliveredRaw`: not an aggregate after all, delivered unchanged. `dropped`: belongs to another shard,
   * nothing of it was delivered. `cutShort`: valid but for one user record. The user records before it were
   * delivered; it and those after it are lost.
   */
  readonly outcome: "deliveredRaw" | "dropped" | "cutShort";
  /** How many user records were not given on; 0 for `deliveredRaw`. */
  readonly lost: number;
  /** What is wrong, for people. */
  readonly detail: string;
}

/** Receives aggregates that did not yield their user records. Called before the records are returned. */
export type AggregateProblemListener = (problem: AggregateProblem) => void;

/** Whether a payload begins like an aggregate. Costs nothing, so that plain records can be passed by. */
export function looksAggregated(data: Uint8Array): boolean {
  return data[0] === 0xf3 && data[1] === 0x89 && data[2] === 0x9a && data[3] === 0xc2;
}

/**
 * The user records of one record of Kinesis, numbered from 0 in the order of the aggregate. The record itself
 * when it is not an aggregate. Payloads are views into the record's. Never throws because of what the payload
 * holds.
 *
 * Makes all of them together, however many they are. To read a stream, use an {@linkcode AggregateOpener}.
 *
 * @param shardRange The hash keys of the record's shard; undefined = all of them.
 */
export function deaggregate(
  record: KinesisRecord,
  shardRange: HashKeyRange | undefined,
  onProblem?: AggregateProblemListener,
): readonly KinesisRecord[] {
  return deaggregateAll([record], shardRange, onProblem);
}

/** As {@linkcode deaggregate}, for a page of records. A page without aggregates is returned itself. */
export function deaggregateAll(
  records: readonly KinesisRecord[],
  shardRange: HashKeyRange | undefined,
  onProblem?: AggregateProblemListener,
): readonly KinesisRecord[] {
  const first = records.findIndex((record) => looksAggregated(record.data));
  if (first < 0) return records;
  const opener = new AggregateOpener(shardRange, onProblem);
  const userRecords = records.slice(0, first);
  for (const record of records.slice(first)) {
    const opening = looksAggregated(record.data) ? opener.open(record) : undefined;
    let step = opening?.next();
    while (step !== undefined && !step.done) step = opening?.next();
    if (step?.value === undefined) userRecords.push(record);
    else step.value.take(userRecords, { records: Infinity, bytes: Infinity });
  }
  return userRecords;
}

const MAGIC_BYTES = 4;
const DIGEST_BYTES = 16;

/** Opens the aggregates of one shard, one after the other. */
export class AggregateOpener {
  readonly #filter: HashFilter;
  readonly #onProblem: AggregateProblemListener | undefined;

  /** @param shardRange The hash keys of the shard; undefined = all of them. */
  constructor(shardRange: HashKeyRange | undefined, onProblem?: AggregateProblemListener) {
    this.#filter = hashFilterOf(shardRange);
    this.#onProblem = onProblem;
  }

  /**
   * Checks the whole of a record that looks aggregated. Yields after each one to three milliseconds of work,
   * so that other tasks may run. Open records in order, one at a time.
   *
   * @returns the user records to deliver, nothing if the record was dropped; undefined when it is an ordinary
   * record after all.
   */
  *open(record: KinesisRecord): Generator<void, Aggregate | undefined, void> {
    const { data, sequenceNumber } = record;
    const report: Report = (outcome, lost, detail) =>
      this.#onProblem?.({ sequenceNumber, outcome, lost, detail });
    const end = data.length - DIGEST_BYTES;
    if (end <= MAGIC_BYTES) {
      report("deliveredRaw", 0, `${data.length} bytes are too few for an aggregate`);
      return undefined;
    }
    const message = data.subarray(MAGIC_BYTES, end);
    if (!isDigest(yield* this.#filter.md5.digestInSteps(message), data.subarray(end))) {
      report("deliveredRaw", 0, "its MD5 is wrong");
      return undefined;
    }
    let tables: AggregateTables;
    try {
      tables = yield* readTables(message);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      report("deliveredRaw", 0, error.message);
      return undefined;
    }
    return new Aggregate(record, message, tables, yield* givenRecords(message, tables, this.#filter, report));
  }
}

/** Reports a problem of the aggregate at hand. */
type Report = (outcome: AggregateProblem["outcome"], lost: number, detail: string) => void;

/**
 * How many user records are delivered: those before the first that names no key, or none if one is of another
 * shard.
 */
function* givenRecords(
  message: Uint8Array,
  tables: AggregateTables,
  filter: HashFilter,
  report: Report,
): Generator<void, number, void> {
  const partitionKeys = new KeyVerdicts(tables.partitionKeys, filter, partitionKeyVerdict);
  const explicitHashKeys = new KeyVerdicts(tables.explicitHashKeys, filter, explicitHashKeyVerdict);
  const cursor = new UserRecordCursor(message, tables);
  for (let place = 0, work = 0; place < tables.records; place++) {
    cursor.next();
    const { partitionKeyIndex, explicitHashKeyIndex } = cursor.entry;
    const known = partitionKeys.decided + explicitHashKeys.decided;
    const verdict = !tables.partitionKeys.has(partitionKeyIndex)
      ? NO_KEY
      : explicitHashKeyIndex === -1
      ? partitionKeys.of(partitionKeyIndex)
      : explicitHashKeys.of(explicitHashKeyIndex);
    switch (verdict) {
      case NO_KEY:
        report(
          "cutShort",
          tables.records - place,
          `user record ${place} of ${tables.records} names a key that is missing or not a number; it and the rest are lost`,
        );
        return place;
      case OUTSIDE:
        report(
          "dropped",
          tables.records,
          `user record ${place} of ${tables.records} belongs to another shard`,
        );
        return 0;
    }
    work += 1 + KEY_WORK * (partitionKeys.decided + explicitHashKeys.decided - known);
    if (work >= FIELDS_PER_STEP) {
      work = 0;
      yield;
    }
  }
  return tables.records;
}

/** Deciding about a key takes as long as reading this many fields. */
const KEY_WORK = 16;

/** What is decided about a key, once, though thousands of user records may name it. */
const UNDECIDED = 0, INSIDE = 1, OUTSIDE = 2, NO_KEY = 3;

/** The verdicts on the keys of a table. */
class KeyVerdicts {
  readonly #table: KeyTable;
  readonly #filter: HashFilter;
  readonly #decide: Decide;
  readonly #verdicts: Uint8Array;
  /** How many keys have been decided. */
  decided = 0;

  constructor(table: KeyTable, filter: HashFilter, decide: Decide) {
    this.#table = table;
    this.#filter = filter;
    this.#decide = decide;
    this.#verdicts = new Uint8Array(table.length);
  }

  of(index: number): number {
    if (!this.#table.has(index)) return NO_KEY;
    const known = this.#verdicts[index] ?? UNDECIDED;
    if (known !== UNDECIDED) return known;
    this.decided++;
    return this.#verdicts[index] = this.#decide(this.#filter, this.#table, index);
  }
}

type Decide = (filter: HashFilter, table: KeyTable, index: number) => number;

function isDigest(digest: DataView, bytes: Uint8Array): boolean {
  for (let i = 0; i < DIGEST_BYTES; i++) {
    if (digest.getUint8(i) !== bytes[i]) return false;
  }
  return true;
}

/**
 * Reads what Java's `BigInteger` reads; `BigInt` would also take spaces, hexadecimal digits and an empty
 * text. A hash key has at most 39 digits. A longer one belongs to no shard and is not computed: that would
 * take a second for a megabyte.
 */
function explicitHashKeyVerdict(filter: HashFilter, table: KeyTable, index: number): number {
  const text = table.textOf(index);
  if (!/^[+-]?\d+$/.test(text)) return NO_KEY;
  return /^[+-]?\d{1,39}$/.test(text) && hasHashKeyInside(filter, BigInt(text)) ? INSIDE : OUTSIDE;
}

/** Which hash keys belong to the shard. */
interface HashFilter {
  readonly md5: Md5;
  readonly lowest: bigint;
  readonly highest: bigint;
}

function hashFilterOf(range: HashKeyRange | undefined): HashFilter {
  return {
    md5: new Md5(),
    lowest: range === undefined ? 0n : BigInt(range.startingHashKey),
    highest: range === undefined ? MAX_HASH_KEY : BigInt(range.endingHashKey),
  };
}

function hasHashKeyInside(filter: HashFilter, hashKey: bigint): boolean {
  return filter.lowest <= hashKey && hashKey <= filter.highest;
}

function partitionKeyVerdict(filter: HashFilter, table: KeyTable, index: number): number {
  if (filter.lowest === 0n && filter.highest === MAX_HASH_KEY) return INSIDE;
  const utf8 = table.bytesOf(index);
  // The text is hashed, so the characters that replaced broken UTF-8 count. Most keys are ASCII, which cannot
  // be broken.
  const isAscii = utf8.every((byte) => byte < 0x80);
  const digest = filter.md5.digest(isAscii ? utf8 : UTF8_ENCODER.encode(table.textOf(index)));
  return hasHashKeyInside(filter, digest.getBigUint64(0) << 64n | digest.getBigUint64(8)) ? INSIDE : OUTSIDE;
}

const UTF8_ENCODER = new TextEncoder();
