/**
 * Unpacks a payload in the format of zlib, by the runtime itself. Its checksum is checked here: Deno takes a
 * text that is cut off for a whole one.
 *
 * @module
 */

/** A record has at most 10 MiB. What grows beyond this was made to fill the memory. */
const MOST_BYTES = 128 * 1024 ** 2;

/**
 * @throws {TypeError} when it is no zlib; {@linkcode SyntaxError} when it is cut off; {@linkcode RangeError}
 * when it grows too large.
 */
export async function inflate(packed: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([Uint8Array.from(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > MOST_BYTES) {
      throw new RangeError(`expected at most ${MOST_BYTES} bytes when it is unpacked: got more`);
    }
    parts.push(part);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  const checksum = packed.length < 6
    ? -1
    : new DataView(packed.buffer, packed.byteOffset).getUint32(packed.length - 4);
  if (checksum !== adler32(whole)) {
    throw new SyntaxError("expected a payload in the format of zlib: got a part of it");
  }
  return whole;
}

/** Source: RFC 1950. */
function adler32(bytes: Uint8Array): number {
  let a = 1, b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return (b << 16 | a) >>> 0;
}
