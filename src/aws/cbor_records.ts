// Pure.
/**
 * Reads the records of a GetRecords answer in CBOR in one pass, without a map for each of them.
 *
 * It knows one form: that in which Kinesis writes. Anything else, right or wrong, it leaves to the decoder of
 * `cbor.ts` and the checks of `kinesis_wire.ts`, which give the same records and say what is malformed.
 *
 * All texts of a page are written as one list in JSON, so that one decoding and one parsing make them.
 * Slices of one long text would be as quick, but each would keep the texts of its whole page in memory:
 * sequence numbers and partition keys outlive their page in checkpoints and in users' maps.
 *
 * @module
 */

import { KinesisRecord } from "../stream/record.ts";
import type { CborMember } from "./cbor.ts";
import { DecodedRecords, MAX_DATE_MS } from "./kinesis_wire.ts";

/** The member `Records` of an answer, for `decodeCbor()`. Payloads are views of the answer. */
export const RECORDS_MEMBER: CborMember<DecodedRecords> = {
  name: "Records",
  read: (bytes, at) => new RecordsReader(bytes, at).records(),
};

const BYTES = 2, TEXT = 3, LIST = 4, MAP = 5;
const BREAK = 0xff, TIME_TAG = 0xc1, UINT64 = 0x1b, FLOAT64 = 0xfb;
const QUOTE = 0x22, COMMA = 0x2c, BACKSLASH = 0x5c, ZERO = 0x30, NINE = 0x39;
/** What a head says in place of a length. */
const INDEFINITE = -1, UNUSUAL = -2;

/** Source: the API reference of Kinesis, `Record`. */
const MOST_DIGITS = 129;
/** A byte takes six characters at the most as JSON, and quotes and commas have their place. */
const ESCAPED = 6, AROUND = 8;

class RecordsReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  /** The texts of all records as a list in JSON: sequence number, partition key, and so on. */
  #texts = new Uint8Array(65_536);
  #textsView = new DataView(this.#texts.buffer);
  #textsEnd = 0;
  #payloads = 0;
  /** Where the sequence number of the record before is. */
  #beforeAt = 0;
  #beforeLength = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  /** The records, and where they end; undefined if something is unusual. */
  records(): { readonly value: DecodedRecords; readonly end: number } | undefined {
    const count = this.#head(LIST);
    if (count === UNUSUAL) return undefined;
    const datas: Uint8Array[] = [], times: number[] = [];
    const encryptions: KinesisRecord["encryptionType"][] = [];
    while (count === INDEFINITE ? this.#bytes[this.#at] !== BREAK : datas.length < count) {
      if (!this.#record(datas, times, encryptions)) return undefined;
    }
    if (count === INDEFINITE) this.#at++;
    const texts = this.#parsedTexts();
    const records = datas.map((data, i) =>
      new KinesisRecord(
        texts[2 * i] as string,
        0,
        texts[2 * i + 1] as string,
        undefined,
        data,
        times[i] as number,
        encryptions[i],
        false,
      )
    );
    return { value: new DecodedRecords(records, this.#payloads), end: this.#at };
  }

  /** Reads one record. @returns whether it is as usual. */
  #record(
    datas: Uint8Array[],
    times: number[],
    encryptions: KinesisRecord["encryptionType"][],
  ): boolean {
    const bytes = this.#bytes;
    const count = this.#head(MAP);
    if (count === UNUSUAL) return false;
    let numberAt = 0, numberLength = 0, keyAt = 0, keyLength = 0;
    let time = -1;
    let data: Uint8Array | undefined;
    let encryption: KinesisRecord["encryptionType"];
    for (let i = 0; count === INDEFINITE ? bytes[this.#at] !== BREAK : i < count; i++) {
      switch (this.#name()) {
        case SEQUENCE_NUMBER:
          if (numberLength > 0) return false;
          numberLength = this.#head(TEXT);
          numberAt = this.#pass(numberLength);
          if (numberAt < 0) return false;
          break;
        case PARTITION_KEY:
          if (keyLength > 0) return false;
          keyLength = this.#head(TEXT);
          keyAt = this.#pass(keyLength);
          if (keyAt < 0) return false;
          break;
        case DATA: {
          const length = this.#head(BYTES);
          const at = this.#pass(length);
          if (data !== undefined || at < 0) return false;
          data = new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
          break;
        }
        case ARRIVAL:
          if (time >= 0) return false;
          time = this.#time();
          if (!(time >= 0 && time <= MAX_DATE_MS)) return false;
          break;
        case ENCRYPTION:
          if (encryption !== undefined) return false;
          encryption = this.#encryption();
          if (encryption === undefined) return false;
          break;
        default:
          return false;
      }
    }
    if (count === INDEFINITE) this.#at++;
    if (data === undefined || time < 0 || keyLength < 1) return false;
    this.#makeRoom(numberLength + ESCAPED * keyLength + AROUND);
    if (!this.#writeNumber(numberAt, numberLength)) return false;
    this.#writeKey(keyAt, keyAt + keyLength);
    this.#payloads += data.length;
    datas.push(data);
    times.push(time);
    encryptions.push(encryption);
    return true;
  }

  /** The length in the head of a value of this kind, which is passed. */
  #head(major: number): number {
    const head = this.#bytes[this.#at++] ?? 0;
    if (head >> 5 !== major) return UNUSUAL;
    const info = head & 31;
    if (info < 24) return info;
    const at = this.#at, left = this.#bytes.length - at;
    if (info === 24 && left >= 1) {
      this.#at += 1;
      return this.#view.getUint8(at);
    }
    if (info === 25 && left >= 2) {
      this.#at += 2;
      return this.#view.getUint16(at);
    }
    if (info === 26 && left >= 4) {
      this.#at += 4;
      return this.#view.getUint32(at);
    }
    return info === 31 && (major === LIST || major === MAP) ? INDEFINITE : UNUSUAL;
  }

  /** Passes bytes. @returns where they start; less than 0 if they are not there. */
  #pass(length: number): number {
    const start = this.#at;
    if (length < 0 || length > this.#bytes.length - start) return UNUSUAL;
    this.#at += length;
    return start;
  }

  /** Which name of a record's members comes next. It is passed. */
  #name(): number {
    const length = this.#head(TEXT);
    const at = this.#pass(length);
    if (at < 0) return UNUSUAL;
    switch (length) {
      case 4:
        return this.#is(NAMES[DATA], at) ? DATA : UNUSUAL;
      case 12:
        return this.#is(NAMES[PARTITION_KEY], at) ? PARTITION_KEY : UNUSUAL;
      case 14:
        if (this.#is(NAMES[SEQUENCE_NUMBER], at)) return SEQUENCE_NUMBER;
        return this.#is(NAMES[ENCRYPTION], at) ? ENCRYPTION : UNUSUAL;
      case 27:
        return this.#is(NAMES[ARRIVAL], at) ? ARRIVAL : UNUSUAL;
      default:
        return UNUSUAL;
    }
  }

  /** Whether this word is there, which has a length of its own: four bytes at a time, the last four too. */
  #is(word: DataView, at: number): boolean {
    const last = word.byteLength - 4;
    for (let i = 0; i < last; i += 4) {
      if (this.#view.getUint32(at + i) !== word.getUint32(i)) return false;
    }
    return this.#view.getUint32(at + last) === word.getUint32(last);
  }

  /** A time in ms; less than 0 if it is no usual one. */
  #time(): number {
    const bytes = this.#bytes;
    if (bytes[this.#at] === TIME_TAG) this.#at++;
    const head = bytes[this.#at++];
    const at = this.#pass(8);
    if (at < 0) return UNUSUAL;
    if (head === UINT64) return this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
    return head === FLOAT64 ? Math.round(this.#view.getFloat64(at)) : UNUSUAL;
  }

  #encryption(): KinesisRecord["encryptionType"] {
    const length = this.#head(TEXT);
    const at = this.#pass(length);
    if (length === 4 && at >= 0 && this.#is(NONE, at)) return "NONE";
    return length === 3 && at >= 0 && isKms(this.#bytes, at) ? "KMS" : undefined;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#textsEnd + bytes;
    if (needed <= this.#texts.length) return;
    const grown = new Uint8Array(2 * needed);
    grown.set(this.#texts.subarray(0, this.#textsEnd));
    this.#texts = grown;
    this.#textsView = new DataView(grown.buffer);
  }

  /**
   * Writes a sequence number, four digits at a time. @returns whether it is one, and greater than that of the
   * record before.
   */
  #writeNumber(start: number, length: number): boolean {
    const bytes = this.#bytes, view = this.#view, texts = this.#texts, before = this.#beforeAt;
    if (length < 1 || length > MOST_DIGITS || length < this.#beforeLength) return false;
    if (bytes[start] === ZERO && length > 1) return false;
    let isGreater = length > this.#beforeLength;
    let end = this.#textsEnd;
    texts[end++] = QUOTE;
    let i = 0;
    for (; i + 4 <= length; i += 4, end += 4) {
      const digits = view.getUint32(start + i);
      if (!areDigits(digits)) return false;
      this.#textsView.setUint32(end, digits);
      if (isGreater) continue;
      const others = view.getUint32(before + i);
      if (digits < others) return false;
      isGreater = digits > others;
    }
    for (; i < length; i++) {
      const digit = bytes[start + i] as number;
      if (digit < ZERO || digit > NINE) return false;
      texts[end++] = digit;
      if (isGreater) continue;
      const other = bytes[before + i] as number;
      if (digit < other) return false;
      isGreater = digit > other;
    }
    texts[end++] = QUOTE;
    texts[end++] = COMMA;
    this.#textsEnd = end;
    this.#beforeAt = start;
    this.#beforeLength = length;
    return isGreater;
  }

  /** Writes a text of UTF-8, broken or not: a quote ends what is broken. */
  #writeKey(start: number, end: number): void {
    const bytes = this.#bytes, texts = this.#texts;
    let at = this.#textsEnd;
    texts[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) texts[at++] = byte;
      else {
        const hex = byte.toString(16).padStart(2, "0");
        for (const character of `\\u00${hex}`) texts[at++] = character.charCodeAt(0);
      }
    }
    texts[at++] = QUOTE;
    texts[at++] = COMMA;
    this.#textsEnd = at;
  }

  #parsedTexts(): readonly string[] {
    if (this.#textsEnd === 0) return [];
    // Without the last comma.
    const list = UTF8.decode(this.#texts.subarray(0, this.#textsEnd - 1));
    return JSON.parse(`[${list}]`);
  }
}

const SEQUENCE_NUMBER = 0, PARTITION_KEY = 1, DATA = 2, ARRIVAL = 3, ENCRYPTION = 4;
/** In the order of their numbers. */
const NAMES = [
  word("SequenceNumber"),
  word("PartitionKey"),
  word("Data"),
  word("ApproximateArrivalTimestamp"),
  word("EncryptionType"),
] as const;
const NONE = word("NONE");

function word(text: string): DataView {
  return new DataView(new TextEncoder().encode(text).buffer);
}

function isKms(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x4b && bytes[at + 1] === 0x4d && bytes[at + 2] === 0x53;
}

/** Whether four bytes are digits: their upper halves are 3, also when 6 is added to each. */
function areDigits(four: number): boolean {
  return (four & 0xf0f0f0f0) === 0x30303030 && (four + 0x06060606 & 0xf0f0f0f0) === 0x30303030;
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
