// Pure.
/**
 * An aggregate of the Kinesis Producer Library, checked and not unpacked. Its user records are made a few at
 * a time. An aggregate of a megabyte may hold 170,000 of them, and each takes forty times the memory that it
 * took there.
 *
 * All work is bounded by the bytes of the message, however often a user record names a long key. Each key of
 * its tables is looked at once. Checking yields from time to time, so that its caller can let other tasks
 * run.
 *
 * Source: `messages.proto` of the KPL; KCL 3.5.1, `AggregatorUtil`.
 *
 * @module
 */

import { LENGTH_DELIMITED, ProtobufReader, VARINT } from "./protobuf.ts";
import { KinesisRecord } from "./record.ts";

/**
 * What a user record costs in addition to its payload, in bytes: an object, its view, and its place in a
 * list. The payload is a view.
 */
export const USER_RECORD_BYTES = 250;

/** The tables of keys of a message, and where its user records are. Keys are read where they lie. */
export interface AggregateTables {
  readonly partitionKeys: KeyTable;
  readonly explicitHashKeys: KeyTable;
  /** How many user records there are. */
  readonly records: number;
  /** Where the field of the first of them begins. */
  readonly firstRecordAt: number;
}

/** The user records of a record of Kinesis, to be taken in order. */
export class Aggregate {
  readonly #record: KinesisRecord;
  readonly #message: Uint8Array;
  readonly #tables: AggregateTables;
  readonly #entries: UserRecordCursor;
  readonly #count: number;
  #taken = 0;

  /**
   * @param record The record of Kinesis that held it.
   * @param message Its protobuf, of which `tables` were read.
   * @param count How many of its user records are delivered; all of their keys exist.
   */
  constructor(record: KinesisRecord, message: Uint8Array, tables: AggregateTables, count: number) {
    this.#record = record;
    this.#message = message;
    this.#tables = tables;
    this.#entries = new UserRecordCursor(message, tables);
    this.#count = count;
  }

  get sequenceNumber(): string {
    return this.#record.sequenceNumber;
  }

  /** How many user records are left. */
  get left(): number {
    return this.#count - this.#taken;
  }

  /** Passes over user records. */
  skip(count: number): void {
    for (const end = Math.min(this.#count, this.#taken + count); this.#taken < end; this.#taken++) {
      this.#entries.next();
    }
  }

  /**
   * Makes user records, numbered in the order of the aggregate. Stops when there are no more, when `into` has
   * enough, or when they cost enough bytes. The cost is {@linkcode USER_RECORD_BYTES} each, plus their keys,
   * which a caller may copy out for each record.
   *
   * @returns what they cost, in bytes.
   */
  take(into: KinesisRecord[], limits: { readonly records: number; readonly bytes: number }): number {
    const { sequenceNumber, approximateArrivalTimestamp, encryptionType } = this.#record;
    const entries = this.#entries;
    const { entry } = entries;
    // Each key is decoded once for each call, not kept for the next: a table may hold as many keys as there
    // are records.
    const partitionKeys: string[] = [], explicitHashKeys: string[] = [];
    let bytes = 0;
    while (this.#taken < this.#count && into.length < limits.records && bytes < limits.bytes) {
      entries.next();
      const { partitionKeyIndex: index, explicitHashKeyIndex: explicitIndex } = entry;
      const partitionKey = partitionKeys[index] ??= this.#tables.partitionKeys.textOf(index);
      into.push(
        new KinesisRecord(
          sequenceNumber,
          this.#taken++,
          partitionKey,
          explicitIndex === -1
            ? undefined
            : explicitHashKeys[explicitIndex] ??= this.#tables.explicitHashKeys.textOf(explicitIndex),
          this.#message.subarray(entry.dataStart, entry.dataEnd),
          approximateArrivalTimestamp,
          encryptionType,
          true,
        ),
      );
      bytes += USER_RECORD_BYTES + partitionKey.length;
    }
    return bytes;
  }
}

/**
 * Reads a message as far as possible without making user records. Yields from time to time.
 *
 * @throws {SyntaxError} for broken protobuf, and for a required field that is missing.
 */
export function* readTables(message: Uint8Array): Generator<void, AggregateTables, void> {
  const reader = new ProtobufReader(message);
  const entry = new UserRecordReader(reader, true);
  const partitionKeys = new KeyTable(message), explicitHashKeys = new KeyTable(message);
  let records = 0, firstRecordAt = message.length;
  for (let fields = 1, at = 0;; fields++) {
    at = reader.at;
    const tag = reader.tag();
    if (tag === 0) return { partitionKeys, explicitHashKeys, records, firstRecordAt };
    switch (tag) {
      case PARTITION_KEY:
        partitionKeys.add(reader.at);
        reader.pass();
        break;
      case EXPLICIT_HASH_KEY:
        explicitHashKeys.add(reader.at);
        reader.pass();
        break;
      case USER_RECORD:
        if (records++ === 0) firstRecordAt = at;
        entry.read();
        break;
      default:
        reader.skip(tag);
    }
    if (fields % FIELDS_PER_STEP === 0) yield;
  }
}

/** This many fields take a millisecond or two. */
export const FIELDS_PER_STEP = 16_384;

const PARTITION_KEY = 1 << 3 | LENGTH_DELIMITED;
const EXPLICIT_HASH_KEY = 2 << 3 | LENGTH_DELIMITED;
const USER_RECORD = 3 << 3 | LENGTH_DELIMITED;

/**
 * Keys beyond this many characters are decoded once and kept, for slices of them are short. Of these there
 * are few.
 */
const LONG_TEXT = 1024;

/** Where the keys of a table are in the message: four bytes for each, since a key may take but two there. */
export class KeyTable {
  readonly #reader: ProtobufReader;
  #places = new Uint32Array(16);
  #length = 0;
  readonly #longTexts = new Map<number, string>();

  constructor(message: Uint8Array) {
    this.#reader = new ProtobufReader(message);
  }

  get length(): number {
    return this.#length;
  }

  has(index: number): boolean {
    return index >= 0 && index < this.#length;
  }

  /** @param at Where the length of the key is. */
  add(at: number): void {
    if (this.#length === this.#places.length) {
      const grown = new Uint32Array(2 * this.#length);
      grown.set(this.#places);
      this.#places = grown;
    }
    this.#places[this.#length++] = at;
  }

  /** The bytes of a key, as a view. */
  bytesOf(index: number): Uint8Array {
    this.#reader.moveTo(this.#places[index] ?? 0);
    return this.#reader.bytes();
  }

  /**
   * A key as protobuf-java reads it: broken UTF-8 is replaced, and a byte-order mark is text like any other.
   */
  textOf(index: number): string {
    const known = this.#longTexts.get(index);
    if (known !== undefined) return known;
    const text = UTF8_DECODER.decode(this.bytesOf(index));
    if (text.length > LONG_TEXT) this.#longTexts.set(index, text);
    return text;
  }
}

const UTF8_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Goes from user record to user record of a message whose tables were read. */
export class UserRecordCursor {
  readonly #reader: ProtobufReader;
  /** The present one. The same object each time. */
  readonly entry: UserRecordReader;

  constructor(message: Uint8Array, { firstRecordAt }: AggregateTables) {
    this.#reader = new ProtobufReader(message);
    this.#reader.moveTo(firstRecordAt);
    this.entry = new UserRecordReader(this.#reader, false);
  }

  /** Goes to the next one, which must be there. */
  next(): void {
    for (let tag = this.#reader.tag(); tag !== USER_RECORD; tag = this.#reader.tag()) this.#reader.skip(tag);
    this.entry.read();
  }
}

/**
 * `Record` of messages.proto, read into the same fields again and again. Tags are not kept, which KCL ignores
 * too.
 */
export class UserRecordReader {
  readonly #reader: ProtobufReader;
  readonly #checksTags: boolean;
  partitionKeyIndex = 0;
  /** -1: none. */
  explicitHashKeyIndex = -1;
  dataStart = 0;
  dataEnd = 0;

  constructor(reader: ProtobufReader, checksTags: boolean) {
    this.#reader = reader;
    this.#checksTags = checksTags;
  }

  /** @throws {SyntaxError} for broken protobuf, and for a required field that is missing. */
  read(): void {
    this.#reader.message(this.#fields);
  }

  readonly #fields = (): void => {
    const reader = this.#reader;
    let hasPartitionKey = false, hasData = false;
    this.explicitHashKeyIndex = -1;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      switch (tag) {
        case 1 << 3 | VARINT:
          this.partitionKeyIndex = reader.varint();
          hasPartitionKey = true;
          break;
        case 2 << 3 | VARINT: {
          // Negative as a Java `int`: an index of no table, which must not be taken for none.
          const index = reader.varint();
          this.explicitHashKeyIndex = index < 0 ? Infinity : index;
          break;
        }
        case 3 << 3 | LENGTH_DELIMITED:
          this.dataStart = reader.pass();
          this.dataEnd = reader.at;
          hasData = true;
          break;
        case 4 << 3 | LENGTH_DELIMITED:
          if (this.#checksTags) reader.message(this.#tag);
          else reader.skip(tag);
          break;
        default:
          reader.skip(tag);
      }
    }
    if (!hasPartitionKey || !hasData) {
      throw new SyntaxError(
        "Cannot read protobuf message: a user record lacks its partition key or its data",
      );
    }
  };

  /** Tags are read for one reason: a tag without its required key makes the whole message invalid. */
  readonly #tag = (): void => {
    const reader = this.#reader;
    let hasKey = false;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === (1 << 3 | LENGTH_DELIMITED)) hasKey = true;
      reader.skip(tag);
    }
    if (!hasKey) throw new SyntaxError("Cannot read protobuf message: a tag lacks its key");
  };
}
