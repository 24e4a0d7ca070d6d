// Pure.
/**
 * A record as a processor gets it.
 *
 * Its fields are its own; `text()`, `json()`, `change` and `approximateArrival` are inherited, and cost a
 * record nothing. A copy by spread or by `structuredClone` has the fields alone: {@linkcode kinesisRecord}
 * makes a record of it again.
 *
 * @module
 */

import type { Change } from "./change.ts";
import type { ExtendedSequenceNumber } from "./sequence_number.ts";

/**
 * One record of a stream, or one user record of a KPL aggregate.
 *
 * A class, so that TypeScript knows that a copy by spread has no methods. Its constructor takes the fields in
 * order, not as an object: it runs for each record, and an object would be one more to collect.
 */
export class KinesisRecord implements ExtendedSequenceNumber {
  /** The record's sequence number; user records of one aggregate share it. */
  readonly sequenceNumber: string;
  /** The place within an aggregate, from 0; 0 for any other record. */
  readonly subSequenceNumber: number;
  /** The record's partition key. */
  readonly partitionKey: string;
  /** Decimal text; only user records of KPL aggregates have it. */
  readonly explicitHashKey: string | undefined;
  /** The payload. A view into the page's memory: copy it to keep it beyond the batch. */
  readonly data: Uint8Array;
  /** When Kinesis took the record, in ms since 1970. */
  readonly approximateArrivalTimestamp: number;
  /** How the record is encrypted at rest. Undefined where Kinesis does not say. */
  readonly encryptionType: "NONE" | "KMS" | undefined;
  /** Whether it was part of a KPL aggregate. */
  readonly aggregated: boolean;

  /** To make one by hand, take {@linkcode kinesisRecord}. */
  constructor(
    sequenceNumber: string,
    subSequenceNumber: number,
    partitionKey: string,
    explicitHashKey: string | undefined,
    data: Uint8Array,
    approximateArrivalTimestamp: number,
    encryptionType: "NONE" | "KMS" | undefined,
    aggregated: boolean,
  ) {
    this.sequenceNumber = sequenceNumber;
    this.subSequenceNumber = subSequenceNumber;
    this.partitionKey = partitionKey;
    this.explicitHashKey = explicitHashKey;
    this.data = data;
    this.approximateArrivalTimestamp = approximateArrivalTimestamp;
    this.encryptionType = encryptionType;
    this.aggregated = aggregated;
  }

  /** What a table's stream says of one change of an item. Undefined for a record of Kinesis. */
  get change(): Change | undefined {
    return undefined;
  }

  /** When Kinesis took the record: a new `Date` each time. */
  get approximateArrival(): Date {
    return new Date(this.approximateArrivalTimestamp);
  }

  /**
   * The payload as UTF-8 text, without a byte-order mark. Bytes that are not UTF-8 become U+FFFD. Decodes at
   * each call, and keeps nothing.
   */
  text(): string {
    return UTF8.decode(this.data);
  }

  /**
   * The payload as JSON. Parses at each call. `T` is the caller's word for what is there: nothing checks it.
   *
   * @throws {SyntaxError} when the payload is not JSON. The message names the record, and shows 40 characters
   * of the payload at most.
   */
  json<T = unknown>(): T {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch {
      // Without the cause: the engine's message quotes the payload, and some engines quote much of it.
      throw new SyntaxError(
        `Cannot read record ${nameOf(this)} as JSON: expected JSON text: got ${shown(this.data, text)}`,
      );
    }
  }
}

/** The fields of a record, without what it can do. */
export type RecordFields = Omit<KinesisRecord, "approximateArrival" | "change" | "text" | "json">;

/**
 * Makes a record of its fields: for a `Kinesis` of your own, or to give a copy its methods back. Other fields
 * are left out.
 */
export function kinesisRecord(fields: RecordFields): KinesisRecord {
  return new KinesisRecord(
    fields.sequenceNumber,
    fields.subSequenceNumber,
    fields.partitionKey,
    fields.explicitHashKey,
    fields.data,
    fields.approximateArrivalTimestamp,
    fields.encryptionType,
    fields.aggregated,
  );
}

/** A record in messages. */
function nameOf({ sequenceNumber, subSequenceNumber, aggregated }: RecordFields): string {
  return aggregated ? `${sequenceNumber}:${subSequenceNumber}` : sequenceNumber;
}

/** The beginning of a payload, for people: what a producer sent may be long, and secret. */
function shown(data: Uint8Array, text: string): string {
  if (data.length === 0) return "no bytes";
  if (data[0] === 0x1f && data[1] === 0x8b) return `${data.length} bytes of gzip: decompress them first`;
  const isLong = text.length > SHOWN_CHARACTERS;
  const excerpt = JSON.stringify(isLong ? text.slice(0, SHOWN_CHARACTERS) : text);
  return isLong ? `${excerpt}… (${data.length} bytes)` : excerpt;
}

const SHOWN_CHARACTERS = 40;
const UTF8 = new TextDecoder();
