/**
 * Makes CBOR, in the forms that AWS's services and libraries make it.
 *
 * @module
 */

/**
 * Encodes a value; a `Date` as AWS does, in epoch milliseconds under tag 1. `isIndefinite`: maps and lists
 * without their length, as Jackson writes them.
 */
export function cbor(value: unknown, isIndefinite = false): number[] {
  if (value === null || value === undefined) return [0xf6];
  if (typeof value === "boolean") return [value ? 0xf5 : 0xf4];
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return value < 0 ? head(1, -1 - value) : head(0, value);
  }
  if (typeof value === "number") {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return [0xfb, ...new Uint8Array(view.buffer)];
  }
  if (typeof value === "string") {
    const utf8 = new TextEncoder().encode(value);
    return [...head(3, utf8.length), ...utf8];
  }
  if (value instanceof Uint8Array) return [...head(2, value.length), ...value];
  if (value instanceof Date) return [...head(6, 1), ...cbor(value.getTime())];
  const isList = Array.isArray(value);
  const members = isList
    ? value.map((member) => cbor(member, isIndefinite))
    : Object.entries(value).map(([key, member]) => [...cbor(key), ...cbor(member, isIndefinite)]);
  return isIndefinite
    ? [isList ? 0x9f : 0xbf, ...members.flat(), 0xff]
    : [...head(isList ? 4 : 5, members.length), ...members.flat()];
}

function head(major: number, argument: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(argument));
  const bytes = [...new Uint8Array(view.buffer)];
  if (argument < 24) return [major << 5 | argument];
  if (argument < 2 ** 8) return [major << 5 | 24, ...bytes.slice(7)];
  if (argument < 2 ** 16) return [major << 5 | 25, ...bytes.slice(6)];
  if (argument < 2 ** 32) return [major << 5 | 26, ...bytes.slice(4)];
  return [major << 5 | 27, ...bytes];
}
