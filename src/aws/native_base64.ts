// Pure.
/**
 * Base64 as the runtime decodes it itself: `Uint8Array.prototype.setFromBase64`, or the `Buffer` of Node.js
 * before 25. There are runtimes with neither.
 *
 * `Buffer` passes over what is no base64, and takes the alphabet of URLs too. So its result counts only if it
 * has as many bytes as were expected, and the text has none of the two characters of that alphabet.
 *
 * @module
 */

/**
 * Decodes a text into memory.
 *
 * @returns how many bytes there were. Another number than expected, or an error, means no base64.
 */
export type NativeBase64 = (view: Uint8Array<ArrayBuffer>, text: string) => number;

type Decoding = Uint8Array & { setFromBase64?(text: string): { readonly written: number } };

interface WithBuffer {
  readonly Buffer?: {
    from(
      memory: ArrayBuffer,
    ): { write(text: string, at: number, length: number, encoding: "base64"): number };
  };
}

/** The runtime's own way to decode into views of this slab; undefined if it has none. */
export function nativeBase64(slab: ArrayBuffer): NativeBase64 | undefined {
  if ("setFromBase64" in Uint8Array.prototype) {
    return (view: Decoding, text) => view.setFromBase64?.(text).written ?? -1;
  }
  const buffer = (globalThis as WithBuffer).Buffer?.from(slab);
  if (buffer === undefined) return undefined;
  return (view, text) =>
    text.includes("-") || text.includes("_")
      ? -1
      : buffer.write(text, view.byteOffset, view.length, "base64");
}
