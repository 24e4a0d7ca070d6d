// Pure.
/**
 * Writes answers in CBOR as AWS does: times in epoch milliseconds under tag 1, bytes as bytes. `aws/cbor.ts`
 * writes no more than the flat maps of a request.
 *
 * Source: RFC 8949; AWS SDK for Java 2, `AwsCborProtocolFactory`.
 *
 * @module
 */

/**
 * Encodes maps, lists, text, bytes, numbers, booleans, null, and anything with `epochMs`; undefined members
 * are left out.
 */
export function encodeCborValue(value: unknown): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter();
  writer.write(value);
  return writer.bytes();
}

const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, LIST = 4, MAP = 5, TAG = 6;
const FALSE = 0xf4, TRUE = 0xf5, NULL = 0xf6, DOUBLE = 0xfb, EPOCH_TAG = 1;

class CborWriter {
  #buffer = new Uint8Array(1024);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#at);
  }

  write(value: unknown): void {
    if (value == null) this.#byte(NULL);
    else if (typeof value === "boolean") this.#byte(value ? TRUE : FALSE);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#run(TEXT, UTF8.encode(value));
    else if (value instanceof Uint8Array) this.#run(BYTES, value);
    else if (Array.isArray(value)) {
      this.#head(LIST, value.length);
      for (const member of value) this.write(member);
    } else if (typeof value === "object") this.#object(value);
    else throw new TypeError(`Cannot write CBOR: expected plain data: got a ${typeof value}`);
  }

  #object(value: object): void {
    if ("epochMs" in value) {
      this.#head(TAG, EPOCH_TAG);
      return this.write(value.epochMs);
    }
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    this.#head(MAP, members.length);
    for (const [name, member] of members) {
      this.#run(TEXT, UTF8.encode(name));
      this.write(member);
    }
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value)) {
      return value < 0 ? this.#head(NEGATIVE, -1 - value) : this.#head(UNSIGNED, value);
    }
    this.#byte(DOUBLE);
    this.#room(8);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }

  #run(major: number, bytes: Uint8Array): void {
    this.#head(major, bytes.length);
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #head(major: number, argument: number): void {
    if (argument < 24) return this.#byte(major << 5 | argument);
    this.#room(9);
    if (argument < 2 ** 32) {
      this.#byte(major << 5 | 26);
      this.#view.setUint32(this.#at, argument);
      this.#at += 4;
    } else {
      this.#byte(major << 5 | 27);
      this.#view.setBigUint64(this.#at, BigInt(argument));
      this.#at += 8;
    }
  }

  #byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  #room(count: number): void {
    if (this.#at + count <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#at + count, this.#buffer.length * 2));
    grown.set(this.#buffer);
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

const UTF8: TextEncoder = new TextEncoder();
