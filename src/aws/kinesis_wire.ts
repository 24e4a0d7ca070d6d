// Pure.
/**
 * The parts of Kinesis's answers that several operations or encodings share: records, child shards, hash key
 * ranges. Every field is checked, in JSON, in CBOR and in an event stream: a missing or wrong field makes the
 * whole answer malformed. Otherwise a sequence number that no record can have would be delivered, and stored
 * as a checkpoint.
 *
 * Source: the patterns of the API reference of Kinesis.
 *
 * @module
 */

import { type HashKeyRange, MAX_HASH_KEY } from "../stream/hash_key.ts";
import { KinesisRecord } from "../stream/record.ts";
import { isRecordNumber } from "../stream/sequence_number.ts";
import type { ChildShard } from "../stream/shard.ts";
import {
  type Fields,
  fieldsOf,
  listIn,
  optionalListIn,
  optionalNumberIn,
  optionalTextIn,
  textIn,
  unexpected,
} from "./answer_fields.ts";
import { decodeBase64 } from "./payload_slab.ts";
import type { JsonService } from "./json_call.ts";

/** Kinesis Data Streams among the JSON services. */
export const KINESIS_SERVICE: JsonService = {
  service: "kinesis",
  targetPrefix: "Kinesis_20131202",
  contentType: "application/x-amz-json-1.1",
  // Source: KCL 3.5.1, `PollingConfig.kinesisRequestTimeout`.
  attemptTimeoutMs: 30_000,
};

/** Records, and the bytes of their payloads together. */
export class DecodedRecords {
  readonly records: readonly KinesisRecord[];
  readonly bytes: number;

  constructor(records: readonly KinesisRecord[], bytes: number) {
    this.records = records;
    this.bytes = bytes;
  }
}

/** How an encoding writes the types that JSON does not have. */
export interface RecordEncoding {
  /** The payloads of records. @throws {SyntaxError} when one of them is none. */
  readonly payloadsOf: (
    records: readonly Fields[],
  ) => { readonly views: readonly Uint8Array[]; readonly bytes: number };
  /** A moment's unit, in ms. */
  readonly timeUnitMs: number;
}

/** Payloads in base64, decoded into one slab of memory; times in seconds, with a fraction. */
export const JSON_ENCODING: RecordEncoding = jsonEncoding(false);

/** As {@linkcode JSON_ENCODING}, for a processor that passes payloads on in base64. */
export const JSON_ENCODING_WITH_TEXTS: RecordEncoding = jsonEncoding(true);

function jsonEncoding(keepsTexts: boolean): RecordEncoding {
  return {
    payloadsOf: (records) =>
      decodeBase64(
        records.map(({ Data }) => {
          if (typeof Data !== "string") throw unexpected("Data", "base64 text", Data);
          return Data;
        }),
        keepsTexts,
      ),
    timeUnitMs: 1000,
  };
}

/** What GetRecords and an event of SubscribeToShard have in common. */
export interface RecordsAnswer extends DecodedRecords {
  readonly millisBehindLatest: number | undefined;
  readonly childShards: readonly ChildShard[];
}

/**
 * Decodes records and the fields next to them.
 *
 * @throws {SyntaxError} when a field is missing or wrong.
 */
export function recordsAnswer(answer: Fields, encoding: RecordEncoding): RecordsAnswer {
  return {
    ...recordsIn(answer, encoding),
    millisBehindLatest: optionalNumberIn(answer, "MillisBehindLatest"),
    childShards: optionalListIn(answer, "ChildShards").map(childShardOf),
  };
}

/**
 * One answer of GetRecords.
 *
 * @experimental
 */
export interface GetRecordsOutput {
  /** Not de-aggregated; `subSequenceNumber` is 0. */
  readonly records: readonly KinesisRecord[];
  /** Payload bytes of `records`. */
  readonly bytes: number;
  /** Undefined at the end of a shard. */
  readonly nextShardIterator: string | undefined;
  /** How far the end of this page is behind the newest record, in ms. */
  readonly millisBehindLatest: number | undefined;
  /** Empty if the service (or an emulator) names none. */
  readonly childShards: readonly ChildShard[];
}

/** An answer to GetRecords. @throws {SyntaxError} when a field is missing or wrong. */
export function getRecordsOutput(answer: Fields, encoding: RecordEncoding): GetRecordsOutput {
  return {
    ...recordsAnswer(answer, encoding),
    nextShardIterator: optionalTextIn(answer, "NextShardIterator"),
  };
}

/** A hash key range. @throws {SyntaxError} when it is none. */
export function hashKeyRangeOf(value: unknown): HashKeyRange {
  const range = fieldsOf(value, "HashKeyRange");
  const startingHashKey = hashKeyIn(range, "StartingHashKey");
  const endingHashKey = hashKeyIn(range, "EndingHashKey");
  if (isGreater(startingHashKey, endingHashKey)) {
    throw new SyntaxError("expected a HashKeyRange to end at its start or later");
  }
  return { startingHashKey, endingHashKey };
}

/** A sequence number that may be absent. @throws {SyntaxError} when it is none. */
export function optionalSequenceNumberIn(fields: Fields, name: string): string | undefined {
  return fields[name] == null ? undefined : sequenceNumberIn(fields, name);
}

/** A sequence number that must be there. @throws {SyntaxError} when it is none. */
export function sequenceNumberIn(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || !isRecordNumber(value)) throw unexpected(name, "a sequence number", value);
  return value;
}

/** The greatest time that a `Date` can hold. */
export const MAX_DATE_MS = 8.64e15;

function recordsIn(answer: Fields, encoding: RecordEncoding): DecodedRecords {
  const { Records } = answer;
  if (Records instanceof DecodedRecords) return Records;
  // Null is an empty list to some emulators. An answer without the field may be anything, and its records
  // would be lost.
  return Records === null ? NO_RECORDS : recordsOf(listIn(answer, "Records"), encoding);
}

const NO_RECORDS = new DecodedRecords([], 0);

/** The hot path: one object per record. */
function recordsOf(wire: readonly unknown[], encoding: RecordEncoding): DecodedRecords {
  const fields = wire.map((record) => fieldsOf(record, "a record"));
  const { views, bytes } = encoding.payloadsOf(fields);
  let before = "";
  const records = fields.map((record, i): KinesisRecord => {
    const sequenceNumber = sequenceNumberIn(record, "SequenceNumber");
    if (!isGreater(sequenceNumber, before)) {
      throw new SyntaxError("expected the sequence numbers of an answer to grow");
    }
    before = sequenceNumber;
    return new KinesisRecord(
      sequenceNumber,
      0,
      textIn(record, "PartitionKey"),
      undefined,
      views[i] as Uint8Array,
      arrivalMs(record["ApproximateArrivalTimestamp"], encoding.timeUnitMs),
      encryptionTypeOf(record["EncryptionType"]),
      false,
    );
  });
  return new DecodedRecords(records, bytes);
}

function arrivalMs(value: unknown, unitMs: number): number {
  const ms = typeof value === "number" ? Math.round(value * unitMs) : NaN;
  if (!(ms >= 0 && ms <= MAX_DATE_MS)) throw unexpected("ApproximateArrivalTimestamp", "a time", value);
  return ms;
}

function encryptionTypeOf(value: unknown): KinesisRecord["encryptionType"] {
  return value === "NONE" || value === "KMS" ? value : undefined;
}

function childShardOf(value: unknown): ChildShard {
  const child = fieldsOf(value, "a child shard");
  return {
    shardId: textIn(child, "ShardId"),
    parentShards: optionalListIn(child, "ParentShards").map((parent) => {
      if (typeof parent !== "string" || parent === "") {
        throw unexpected("a parent of a shard", "a text", parent);
      }
      return parent;
    }),
    hashKeyRange: hashKeyRangeOf(child["HashKeyRange"]),
  };
}

function hashKeyIn(range: Fields, name: string): string {
  const value = range[name];
  const isHashKey = typeof value === "string" && /^(?:0|[1-9]\d{0,38})$/.test(value) &&
    !isGreater(value, MAX_HASH_KEY_TEXT);
  if (!isHashKey) throw unexpected(name, "a hash key", value);
  return value;
}

const MAX_HASH_KEY_TEXT = `${MAX_HASH_KEY}`;

/** Compares decimal numbers without leading zeros as they are written; nothing is less than all of them. */
function isGreater(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
