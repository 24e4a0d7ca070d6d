/** The parts of Avro's binary encoding. @module */

/** What is read, and where reading goes on. */
export type Source = { readonly view: DataView; at: number };
export type Read = (from: Source) => unknown;

const UTF8 = new TextDecoder("utf-8", { fatal: true });
/** A list of nulls takes no bytes: more values than a record can have bytes are refused. */
const MOST_VALUES = 10_485_760;

/** By its name. */
export const PRIMITIVES: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["null", () => null],
  ["boolean", (from) => from.view.getUint8(from.at++) !== 0],
  ["int", long],
  ["long", long],
  ["float", (from) => from.view.getFloat32((from.at += 4) - 4, true)],
  ["double", (from) => from.view.getFloat64((from.at += 8) - 8, true)],
  ["bytes", (from) => bytes(from)],
  ["string", text],
]);

export function text(from: Source): string {
  return UTF8.decode(bytes(from));
}

export function bytes(from: Source, length: number = Number(long(from))): Uint8Array {
  if (!(length >= 0 && length <= from.view.byteLength - from.at)) throw new RangeError("expected more bytes");
  return new Uint8Array(from.view.buffer, from.view.byteOffset + (from.at += length) - length, length);
}

/** Small ones, which most are, without the detour through a bigint. */
export function long(from: Source): number | bigint {
  let byte = from.view.getUint8(from.at++);
  if (byte < 0x80) return byte >> 1 ^ -(byte & 1);
  let value = BigInt(byte & 0x7f);
  for (let shift = 7n; byte >= 0x80 && shift < 70n; shift += 7n) {
    byte = from.view.getUint8(from.at++);
    value |= BigInt(byte & 0x7f) << shift;
  }
  value = BigInt.asIntN(64, value >> 1n ^ -(value & 1n));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** The values of a list or map. */
export function blocks<T>(from: Source, read: (from: Source) => T): T[] {
  const all: T[] = [];
  for (let count = Number(long(from)); count !== 0; count = Number(long(from))) {
    if (count < 0) long(from); // the block's length in bytes
    if (all.length + Math.abs(count) > MOST_VALUES) throw new RangeError("expected fewer values");
    for (let left = Math.abs(count); left > 0; left--) all.push(read(from));
  }
  return all;
}

export function known<T>(found: T | undefined): T {
  if (found === undefined) throw new SyntaxError("expected what the schema names");
  return found;
}
