/**
 * Answers of Kinesis that are made once and sent for ever: each answer patches the digits that differ from page
 * to page, in place. So the server of a benchmark costs little beside the client that is measured.
 *
 * A page can be cut to fewer records. Its end is then written over the next record, and mended before the next answer.
 *
 * @module
 */

import { encodeCborValue } from "../src/testing/emulator/cbor_writer.ts";
import { eventFrame } from "../src/testing/emulator/event_frames.ts";

/** How an answer is written. */
export type WireFormat = "json" | "cbor";

/** An answer of GetRecords in a wire format, or an event of SubscribeToShard, which is JSON in a frame. */
export type PageFormat = WireFormat | "event";

/** What a stream of the canned server gives. Its name says it. */
export interface StreamShape {
  readonly shards: number;
  /** Payload of a record. */
  readonly recordBytes: number;
  /** Records of a page, unless `Limit` asks for fewer. */
  readonly pageRecords: number;
}

const STREAM_NAME = /^bench-(\d+)-(\d+)-(\d+)$/;
/** As AWS's own numbers begin. */
const SEQUENCE_PREFIX = "4959033827149025660855969253";
/** Digits of the page's number within a sequence number of 56 digits. */
const PAGE_DIGITS = 14;
const PAGE_PLACE = "#".repeat(PAGE_DIGITS);
/** Far behind, in ms, so that a reader asks again at once. */
const FAR_BEHIND_MS = 3_600_000;
const ARRIVAL_MS = 1_700_000_000_123;

/** The name of a stream of that shape. */
export function streamNameOf({ shards, recordBytes, pageRecords }: StreamShape): string {
  return `bench-${shards}-${recordBytes}-${pageRecords}`;
}

/** @throws {RangeError} when the name says no shape. */
export function shapeOf(streamName: string): StreamShape {
  const [, shards, recordBytes, pageRecords] = STREAM_NAME.exec(streamName) ?? [];
  if (shards === undefined) {
    throw new RangeError(
      `Cannot serve stream "${streamName}": expected bench-SHARDS-BYTES-RECORDS, such as bench-8-1024-3434`,
    );
  }
  return { shards: Number(shards), recordBytes: Number(recordBytes), pageRecords: Number(pageRecords) };
}

/** A shard iterator: what is read, and the number of the page that comes next. */
export interface CannedIterator {
  readonly streamName: string;
  readonly shard: number;
  readonly page: number;
}

/** An iterator as a client sees it. */
export function iteratorText({ streamName, shard, page }: CannedIterator): string {
  return `${streamName}/${shard}/${digitsOf(page)}`;
}

/** Reads what {@linkcode iteratorText} wrote. */
export function iteratorOf(text: string): CannedIterator {
  const [streamName = "", shard, page] = text.split("/");
  return { streamName, shard: Number(shard), page: Number(page) };
}

/** The first page after a sequence number: a record's number begins with that of its page. */
export function pageAfter(sequenceNumber: string): number {
  const from = SEQUENCE_PREFIX.length;
  return Number(sequenceNumber.slice(from, from + PAGE_DIGITS)) + 1;
}

/** The first sequence number of every shard. */
export const FIRST_SEQUENCE_NUMBER: string = SEQUENCE_PREFIX.padEnd(56, "0");

/** Pages of one shard in one format. Belongs to one answer at a time: its bytes are overwritten for the next. */
export class CannedPage {
  readonly #streamName: string;
  readonly #shard: number;
  readonly #format: PageFormat;
  readonly #body: Uint8Array<ArrayBuffer>;
  /** Where the page's number stands in each record. */
  readonly #marks: readonly number[];
  /** Where each record ends; the first entry is where the records begin. */
  readonly #ends: readonly number[];
  #overwritten: { readonly at: number; readonly bytes: Uint8Array } | undefined;

  constructor({ streamName, shard }: Omit<CannedIterator, "page">, format: PageFormat) {
    const { recordBytes, pageRecords } = shapeOf(streamName);
    this.#streamName = streamName;
    this.#shard = shard;
    this.#format = format;
    const pieces: Uint8Array[] = [HEADS[format]];
    let length = pieces[0]?.length ?? 0;
    const ends = [length], marks: number[] = [];
    const payload = noise(recordBytes * Math.max(1, pageRecords));
    for (let index = 0; index < pageRecords; index++) {
      const data = payload.subarray(index * recordBytes, (index + 1) * recordBytes);
      const piece = recordPiece(index, data, format);
      marks.push(length + indexOfMark(piece));
      pieces.push(piece);
      length += piece.length;
      ends.push(length);
    }
    this.#body = new Uint8Array(length + this.#tail(0, 1).length);
    let at = 0;
    for (const piece of pieces) {
      this.#body.set(piece, at);
      at += piece.length;
    }
    [this.#marks, this.#ends] = [marks, ends];
  }

  /** The page of that number, with at most `limit` records. Good until the next call. */
  answer(page: number, limit: number): Uint8Array<ArrayBuffer> {
    if (this.#overwritten !== undefined) this.#body.set(this.#overwritten.bytes, this.#overwritten.at);
    const count = Math.min(limit, this.#marks.length);
    const digits = UTF8.encode(digitsOf(page));
    for (let index = 0; index < count; index++) this.#body.set(digits, this.#marks[index] ?? 0);
    const at = this.#ends[count] ?? 0;
    const tail = this.#tail(page + 1, count);
    this.#overwritten = { at, bytes: this.#body.slice(at, at + tail.length) };
    this.#body.set(tail, at);
    return this.#body.subarray(0, at + tail.length);
  }

  #tail(nextPage: number, count: number): Uint8Array {
    const NextShardIterator = iteratorText({
      streamName: this.#streamName,
      shard: this.#shard,
      page: nextPage,
    });
    const MillisBehindLatest = count === 0 ? 0 : FAR_BEHIND_MS;
    if (this.#format === "event") {
      const ContinuationSequenceNumber = sequenceNumberOf(nextPage - 1, Math.max(0, count - 1));
      const end = JSON.stringify({ ContinuationSequenceNumber, MillisBehindLatest });
      return UTF8.encode(`],${end.slice(1)}${CHECKSUM_PLACE}`);
    }
    const rest = { NextShardIterator, MillisBehindLatest };
    if (this.#format === "json") return UTF8.encode(`],${JSON.stringify(rest).slice(1)}`);
    // The list's end, the members of a map without its head, and the end of the map around all.
    return Uint8Array.of(BREAK, ...encodeCborValue(rest).subarray(CBOR_MAP_HEAD_BYTES), BREAK);
  }
}

const UTF8: TextEncoder = new TextEncoder();
const BREAK = 0xff, INDEFINITE_MAP = 0xbf, INDEFINITE_LIST = 0x9f;
/** A map of fewer than 24 members. */
const CBOR_MAP_HEAD_BYTES = 1;
/** A frame's checksum is at its end, and that of its prelude within: whoever sends it writes both. */
const CHECKSUM_PLACE = "####";
const JSON_HEAD = '{"Records":[';
const HEADS: Readonly<Record<PageFormat, Uint8Array>> = {
  json: UTF8.encode(JSON_HEAD),
  cbor: Uint8Array.of(INDEFINITE_MAP, ...encodeCborValue("Records"), INDEFINITE_LIST),
  event: eventFrame("SubscribeToShardEvent", JSON_HEAD).subarray(0, -CHECKSUM_PLACE.length),
};

function recordPiece(index: number, data: Uint8Array, format: PageFormat): Uint8Array {
  const record = {
    SequenceNumber: `${SEQUENCE_PREFIX}${PAGE_PLACE}${digitsOf(index)}`,
    ApproximateArrivalTimestamp: format === "cbor" ? { epochMs: ARRIVAL_MS } : ARRIVAL_MS / 1000,
    Data: format === "cbor" ? data : data.toBase64(),
    PartitionKey: `key-${index}`,
    EncryptionType: "NONE",
  };
  if (format === "cbor") return encodeCborValue(record);
  return UTF8.encode(`${index === 0 ? "" : ","}${JSON.stringify(record)}`);
}

function sequenceNumberOf(page: number, index: number): string {
  return `${SEQUENCE_PREFIX}${digitsOf(page)}${digitsOf(index)}`;
}

function digitsOf(number: number): string {
  return String(number).padStart(PAGE_DIGITS, "0");
}

/** Where {@linkcode PAGE_PLACE} stands; it comes before the payload. */
function indexOfMark(piece: Uint8Array): number {
  const mark = PAGE_PLACE.charCodeAt(0);
  for (let at = piece.indexOf(mark); at !== -1; at = piece.indexOf(mark, at + 1)) {
    if (piece.subarray(at, at + PAGE_DIGITS).every((byte) => byte === mark)) return at;
  }
  throw new Error("Cannot make a page: a record holds no place for the page's number");
}

/** Bytes without a pattern that a compressor or a branch predictor would find; the same each time. Xorshift. */
function noise(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = 0x9e3779b9;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}
