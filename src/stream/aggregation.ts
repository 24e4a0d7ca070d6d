// Pure.
/**
 * Takes the user records out of a record that the Kinesis Producer Library (KPL) has aggregated:
 * `F3 89 9A C2`, a protobuf `AggregatedRecord`, and the MD5 of that protobuf.
 *
 * What looks like an aggregate but is not one (too short, wrong MD5, broken protobuf) is an ordinary record and is
 * delivered as it came. An aggregate with a user record whose hash key lies outside the shard is dropped whole: it
 * was put before a reshard moved its key, and its producer sends it again.
 *
 * Source: KCL 3.5.1, `AggregatorUtil` and `messages.proto`.
 *
 * @module
 */

import { type HashKeyRange, MAX_HASH_KEY } from "./hash_key.ts";
import { Md5 } from "./md5.ts";
import { LENGTH_DELIMITED, ProtobufReader, VARINT } from "./protobuf.ts";
import type { KinesisRecord } from "./record.ts";

/** A record that begins like an aggregate but did not yield its user records, or not all of them. */
export interface AggregateProblem {
  readonly sequenceNumber: string;
  /**
   * `deliveredRaw`: not an aggregate after all, given on as it came. `dropped`: belongs to another shard, nothing of it
   * was given on. `cutShort`: valid but for one user record; those before it were given on, it and those after it are lost.
   */
  readonly outcome: "deliveredRaw" | "dropped" | "cutShort";
  /** What is wrong, for people. */
  readonly detail: string;
}

/** Hears of aggregates that did not yield their user records. Called before the records are returned. */
export type AggregateProblemListener = (problem: AggregateProblem) => void;

/** Whether a payload begins like an aggregate. Costs nothing, so that plain records can be passed by. */
export function looksAggregated(data: Uint8Array): boolean {
  return data[0] === 0xf3 && data[1] === 0x89 && data[2] === 0x9a && data[3] === 0xc2;
}

/**
 * The user records of one record of Kinesis, numbered from 0 in the order of the aggregate; or the record itself
 * when it is not an aggregate. Payloads are views into the record's. Never throws for what the payload holds.
 *
 * @param shardRange The hash keys of the record's shard; undefined = all of them.
 */
export function deaggregate(
  record: KinesisRecord,
  shardRange: HashKeyRange | undefined,
  onProblem?: AggregateProblemListener,
): readonly KinesisRecord[] {
  return looksAggregated(record.data) ? unpack(record, hashFilterOf(shardRange), onProblem) : [record];
}

/** As {@linkcode deaggregate}, for a page of records. A page without aggregates is returned itself. */
export function deaggregateAll(
  records: readonly KinesisRecord[],
  shardRange: HashKeyRange | undefined,
  onProblem?: AggregateProblemListener,
): readonly KinesisRecord[] {
  const first = records.findIndex((record) => looksAggregated(record.data));
  if (first < 0) return records;
  const filter = hashFilterOf(shardRange);
  const userRecords = records.slice(0, first);
  for (const record of records.slice(first)) {
    if (!looksAggregated(record.data)) userRecords.push(record);
    else for (const userRecord of unpack(record, filter, onProblem)) userRecords.push(userRecord);
  }
  return userRecords;
}

const MAGIC_BYTES = 4;
const DIGEST_BYTES = 16;

function unpack(
  record: KinesisRecord,
  filter: HashFilter,
  onProblem: AggregateProblemListener | undefined,
): readonly KinesisRecord[] {
  const { data, sequenceNumber, approximateArrivalTimestamp, encryptionType } = record;
  const report = (outcome: AggregateProblem["outcome"], detail: string) =>
    onProblem?.({ sequenceNumber, outcome, detail });

  const end = data.length - DIGEST_BYTES;
  if (end <= MAGIC_BYTES) {
    report("deliveredRaw", `${data.length} bytes are too few for an aggregate`);
    return [record];
  }
  const message = data.subarray(MAGIC_BYTES, end);
  if (!isDigest(filter.md5.digest(message), data.subarray(end))) {
    report("deliveredRaw", "its MD5 is wrong");
    return [record];
  }
  let aggregate: Aggregate;
  try {
    aggregate = readAggregate(new ProtobufReader(message));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    report("deliveredRaw", error.message);
    return [record];
  }

  const userRecords: KinesisRecord[] = [];
  const keyIsInside: (boolean | undefined)[] = []; // by index in the table, since many user records share a key
  for (const { partitionKeyIndex, explicitHashKeyIndex, data } of aggregate.records) {
    const partitionKey = aggregate.partitionKeys[partitionKeyIndex];
    const explicitHashKey = explicitHashKeyIndex === undefined
      ? undefined
      : aggregate.explicitHashKeys[explicitHashKeyIndex];
    if (
      partitionKey === undefined || (explicitHashKeyIndex !== undefined && !isDecimal(explicitHashKey))
    ) {
      const place = `user record ${userRecords.length} of ${aggregate.records.length}`;
      report("cutShort", `${place} names a key that is missing or not a number; it and the rest are lost`);
      return userRecords;
    }
    const isInside = explicitHashKey === undefined
      ? keyIsInside[partitionKeyIndex] ??= hasPartitionKeyInside(filter, partitionKey)
      : hasHashKeyInside(filter, BigInt(explicitHashKey));
    if (!isInside) {
      report("dropped", `user record ${userRecords.length} belongs to another shard`);
      return [];
    }
    userRecords.push({
      sequenceNumber,
      subSequenceNumber: userRecords.length,
      partitionKey: partitionKey.text,
      explicitHashKey,
      data,
      approximateArrivalTimestamp,
      encryptionType,
      aggregated: true,
    });
  }
  return userRecords;
}

function isDigest(digest: DataView, bytes: Uint8Array): boolean {
  for (let i = 0; i < DIGEST_BYTES; i++) {
    if (digest.getUint8(i) !== bytes[i]) return false;
  }
  return true;
}

/** What Java's `BigInteger` reads; `BigInt` would also take spaces, hexadecimal digits and an empty text. */
function isDecimal(text: string | undefined): text is string {
  return text !== undefined && /^[+-]?\d+$/.test(text);
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

function hasPartitionKeyInside(filter: HashFilter, { text, utf8 }: PartitionKey): boolean {
  if (filter.lowest === 0n && filter.highest === MAX_HASH_KEY) return true;
  // Hashed is the text, so what replaced broken UTF-8 counts. Encoding costs more than the digest, and is rarely needed.
  const digest = filter.md5.digest(text.includes("\ufffd") ? UTF8_ENCODER.encode(text) : utf8);
  return hasHashKeyInside(filter, digest.getBigUint64(0) << 64n | digest.getBigUint64(8));
}

/** `AggregatedRecord` of the messages.proto of the KPL. */
interface Aggregate {
  readonly partitionKeys: PartitionKey[];
  readonly explicitHashKeys: string[];
  readonly records: AggregateEntry[];
}

/** A partition key, and the bytes that it was read from. */
interface PartitionKey {
  readonly text: string;
  readonly utf8: Uint8Array;
}

/** `Record` of messages.proto, without its tags, which KCL ignores too. */
interface AggregateEntry {
  readonly partitionKeyIndex: number;
  readonly explicitHashKeyIndex: number | undefined;
  readonly data: Uint8Array;
}

/** @throws {SyntaxError} for broken protobuf, and for a required field that is missing. */
function readAggregate(reader: ProtobufReader): Aggregate {
  const aggregate: Aggregate = { partitionKeys: [], explicitHashKeys: [], records: [] };
  const readRecord = () => readEntry(reader);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 1 << 3 | LENGTH_DELIMITED:
        aggregate.partitionKeys.push(readPartitionKey(reader));
        break;
      case 2 << 3 | LENGTH_DELIMITED:
        aggregate.explicitHashKeys.push(UTF8_DECODER.decode(reader.bytes()));
        break;
      case 3 << 3 | LENGTH_DELIMITED:
        aggregate.records.push(reader.message(readRecord));
        break;
      default:
        reader.skip(tag);
    }
  }
  return aggregate;
}

function readPartitionKey(reader: ProtobufReader): PartitionKey {
  const utf8 = reader.bytes();
  return { text: UTF8_DECODER.decode(utf8), utf8 };
}

function readEntry(reader: ProtobufReader): AggregateEntry {
  let partitionKeyIndex: number | undefined;
  let explicitHashKeyIndex: number | undefined;
  let data: Uint8Array | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 1 << 3 | VARINT:
        partitionKeyIndex = reader.varint();
        break;
      case 2 << 3 | VARINT:
        explicitHashKeyIndex = reader.varint();
        break;
      case 3 << 3 | LENGTH_DELIMITED:
        data = reader.bytes();
        break;
      case 4 << 3 | LENGTH_DELIMITED:
        reader.message(() => checkTag(reader));
        break;
      default:
        reader.skip(tag);
    }
  }
  if (partitionKeyIndex === undefined || data === undefined) {
    throw new SyntaxError("Cannot read protobuf message: a user record lacks its partition key or its data");
  }
  return { partitionKeyIndex, explicitHashKeyIndex, data };
}

/** Tags are read for one thing: a tag without its required key makes the whole message invalid. */
function checkTag(reader: ProtobufReader): void {
  let hasKey = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === (1 << 3 | LENGTH_DELIMITED)) hasKey = true;
    reader.skip(tag);
  }
  if (!hasKey) throw new SyntaxError("Cannot read protobuf message: a tag lacks its key");
}

/** As protobuf-java: broken UTF-8 is replaced, and a byte-order mark is text like any other. */
const UTF8_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const UTF8_ENCODER = new TextEncoder();
