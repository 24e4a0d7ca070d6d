// Pure.
/**
 * The part of CBOR that `application/x-amz-cbor-1.1` uses: maps with text keys, lists, text, bytes, numbers,
 * booleans, null and tags. Lengths may be definite or indefinite.
 *
 * Byte strings are views into the message, so a record's payload is never copied or decoded. That, and the
 * missing third of base64, makes CBOR faster than JSON. This decoder is ours for that reason. The packages
 * that run everywhere without native code are as slow as JSON: two to four times as long for a page of
 * records.
 *
 * Source: RFC 8949.
 *
 * @module
 */

/** What a message can hold. Tags are passed over: AWS tags times, and nothing else. */
export type CborValue<T = never> =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | T
  | readonly CborValue<T>[]
  | { readonly [key: string]: CborValue<T> };

/** A member of the outermost map that somebody else reads. */
export interface CborMember<T> {
  readonly name: string;
  /** Reads the value at this place, and says where it ends. Undefined: it is read as any other. */
  readonly read: (bytes: Uint8Array, at: number) => { readonly value: T; readonly end: number } | undefined;
}

/** Maps and lists nested deeper than this are refused. No answer of Kinesis is deeper than 5. */
const MAX_DEPTH = 32;

/**
 * Decodes one message. Integers beyond 2^53 are bigints; the rest of the numbers are numbers.
 *
 * @throws {SyntaxError} when it is cut off, has more bytes after its end, or holds what is not CBOR.
 */
export function decodeCbor<T = never>(bytes: Uint8Array, member?: CborMember<T>): CborValue<T> {
  const reader = new CborReader(bytes, member);
  const value = reader.value(0);
  if (reader.at !== bytes.length) {
    throw malformed(`${bytes.length - reader.at} bytes after its end`, reader.at);
  }
  return value;
}

/** Encodes a map of text, integers and finite numbers; undefined members are left out. */
export function encodeCbor(
  map: Readonly<Record<string, string | number | undefined>>,
): Uint8Array<ArrayBuffer> {
  const members = Object.entries(map).filter(([, value]) => value !== undefined);
  const bytes = head(MAP, members.length);
  for (const [key, value] of members) {
    bytes.push(...text(key));
    if (typeof value === "string") bytes.push(...text(value));
    else if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
      bytes.push(...head(UNSIGNED, value));
    } else bytes.push(...double(Number(value)));
  }
  return Uint8Array.from(bytes);
}

// Major types.
const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, LIST = 4, MAP = 5, TAG = 6;

/** The longest name that AWS gives anything in a record is ApproximateArrivalTimestamp. */
const LONGEST_WORD = 27;

/** "Of indefinite length", as an argument, and the byte that ends such a thing. */
const INDEFINITE = -1, BREAK = 0xff;

class CborReader<T> {
  readonly #bytes: Uint8Array;
  readonly #member: CborMember<T> | undefined;
  readonly #view: DataView;
  at = 0;
  /**
   * Texts met before, by length and first letter: the same few keys are in every record, and decoding is
   * slow.
   */
  readonly #words: ({ readonly utf8: Uint8Array; readonly text: string } | undefined)[] = [];

  constructor(bytes: Uint8Array, member: CborMember<T> | undefined) {
    this.#bytes = bytes;
    this.#member = member;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(depth: number): CborValue<T> {
    if (depth > MAX_DEPTH) throw malformed(`more than ${MAX_DEPTH} levels`, this.at);
    const initial = this.#view.getUint8(this.#take(1));
    const info = initial & 31;
    switch (initial >> 5) {
      case UNSIGNED:
        return this.#integer(info);
      case NEGATIVE: {
        const value = this.#integer(info);
        return typeof value === "bigint" || value === Number.MAX_SAFE_INTEGER
          ? -1n - BigInt(value)
          : -1 - value;
      }
      case BYTES:
        return this.#byteString(info);
      case TEXT:
        return this.#text(info);
      case LIST:
        return this.#list(this.#count(info), depth + 1);
      case MAP:
        return this.#map(this.#count(info), depth + 1);
      case TAG:
        this.#integer(info);
        return this.value(depth + 1);
      default:
        return this.#simple(info);
    }
  }

  #list(count: number, depth: number): CborValue<T>[] {
    const list: CborValue<T>[] = [];
    while (count === INDEFINITE ? !this.#break() : list.length < count) list.push(this.value(depth));
    return list;
  }

  #map(count: number, depth: number): Record<string, CborValue<T>> {
    const map: Record<string, CborValue<T>> = {};
    for (let i = 0; count === INDEFINITE ? !this.#break() : i < count; i++) {
      const initial = this.#view.getUint8(this.#take(1));
      if (initial >> 5 !== TEXT) throw malformed("a key that is not text", this.at);
      const key = this.#text(initial & 31);
      const value = depth === 1 && key === this.#member?.name ? this.#membersValue() : this.value(depth);
      if (key !== "__proto__") map[key] = value;
    }
    return map;
  }

  #membersValue(): CborValue<T> {
    const read = this.#member?.read(this.#bytes, this.at);
    if (read === undefined) return this.value(1);
    this.at = read.end;
    return read.value;
  }

  #byteString(info: number): Uint8Array {
    const count = this.#count(info);
    if (count !== INDEFINITE) {
      const start = this.#take(count);
      return this.#bytes.subarray(start, start + count);
    }
    const pieces = this.#pieces(BYTES);
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #text(info: number): string {
    const count = this.#count(info);
    if (count === INDEFINITE) return this.#pieces(TEXT).map((piece) => UTF8.decode(piece)).join("");
    const start = this.#take(count);
    if (count > LONGEST_WORD) return UTF8.decode(this.#bytes.subarray(start, start + count));
    const slot = (count << 3 ^ (this.#bytes[start] ?? 0)) & 255;
    const known = this.#words[slot];
    if (known !== undefined && this.#startsWith(known.utf8, start, count)) return known.text;
    const utf8 = this.#bytes.subarray(start, start + count);
    const word = { utf8, text: UTF8.decode(utf8) };
    this.#words[slot] = word;
    return word.text;
  }

  #startsWith(word: Uint8Array, start: number, count: number): boolean {
    if (word.length !== count) return false;
    for (let i = 0; i < count; i++) {
      if (word[i] !== this.#bytes[start + i]) return false;
    }
    return true;
  }

  /** The pieces of a string of indefinite length. */
  #pieces(major: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    while (!this.#break()) {
      const initial = this.#view.getUint8(this.#take(1));
      const count = this.#count(initial & 31);
      if (initial >> 5 !== major || count === INDEFINITE) throw malformed("a piece of another kind", this.at);
      const start = this.#take(count);
      pieces.push(this.#bytes.subarray(start, start + count));
    }
    return pieces;
  }

  #integer(info: number): number | bigint {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#view.getUint8(this.#take(1));
      case 25:
        return this.#view.getUint16(this.#take(2));
      case 26:
        return this.#view.getUint32(this.#take(4));
      case 27: {
        const at = this.#take(8);
        const high = this.#view.getUint32(at);
        return high < 2 ** 21 ? high * 2 ** 32 + this.#view.getUint32(at + 4) : this.#view.getBigUint64(at);
      }
      default:
        throw malformed(`length code ${info}`, this.at);
    }
  }

  /** How many bytes or members follow. */
  #count(info: number): number {
    if (info === 31) return INDEFINITE;
    const count = this.#integer(info);
    // Each member takes a byte at least, so that no list is believed to be longer than the message.
    if (count > this.#bytes.length - this.at) throw malformed(`${count} bytes or members`, this.at);
    return Number(count);
  }

  #simple(info: number): null | boolean | number {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22: // null
      case 23: // undefined
        return null;
      case 25:
        return halfFloat(this.#view.getUint16(this.#take(2)));
      case 26:
        return this.#view.getFloat32(this.#take(4));
      case 27:
        return this.#view.getFloat64(this.#take(8));
      default:
        throw malformed(`simple value ${info}`, this.at);
    }
  }

  #break(): boolean {
    if (this.#bytes[this.at] !== BREAK) return false;
    this.at++;
    return true;
  }

  /** Skips this many bytes. @returns where they start. */
  #take(count: number): number {
    const start = this.at;
    if (count > this.#bytes.length - start) throw malformed("cut off", start);
    this.at += count;
    return start;
  }
}

/** `DataView.getFloat16` is too new. */
function halfFloat(bits: number): number {
  const fraction = bits & 0x3ff, exponent = bits >> 10 & 31, sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function head(major: number, argument: number): number[] {
  if (argument < 24) return [major << 5 | argument];
  const bytes: number[] = [];
  let rest = argument;
  const size = argument < 2 ** 8 ? 1 : argument < 2 ** 16 ? 2 : argument < 2 ** 32 ? 4 : 8;
  for (let i = 0; i < size; i++) {
    bytes.unshift(rest % 256);
    rest = Math.floor(rest / 256);
  }
  return [major << 5 | 24 + Math.log2(size), ...bytes];
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...head(TEXT, bytes.length), ...bytes];
}

function double(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [0xfb, ...new Uint8Array(view.buffer)];
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

function malformed(found: string, at: number): SyntaxError {
  return new SyntaxError(`Cannot read CBOR: ${found} at byte ${at}`);
}
