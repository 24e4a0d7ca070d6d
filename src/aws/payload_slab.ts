// Pure.
/**
 * Decodes the payloads of one page of records into one slab of memory: a view per record instead of an
 * allocation per record. That is five times as fast for 1 KiB records if the runtime decodes base64 itself.
 *
 * @module
 */

import { TextSlab } from "../stream/text_slab.ts";
import { nativeBase64 } from "./native_base64.ts";

/** Decoded payloads. */
export interface DecodedPayloads {
  /** One view into the common slab per text, in order. */
  readonly views: readonly Uint8Array<ArrayBuffer>[];
  /** Bytes of all views together. */
  readonly bytes: number;
}

/**
 * Decodes padded base64 texts.
 *
 * @param keepsTexts Whether `keptBase64()` shall find them again.
 * @throws {SyntaxError} when one of them is not padded base64.
 */
export function decodeBase64(texts: readonly string[], keepsTexts = false): DecodedPayloads {
  let bytes = 0;
  const starts: number[] = [];
  for (const text of texts) {
    if (keepsTexts) starts.push(bytes);
    bytes += decodedLength(text);
  }
  const slab = keepsTexts
    ? new TextSlab(bytes, starts, texts.map((text) => isCanonical(text) ? text : undefined))
    : new ArrayBuffer(bytes);
  const native = nativeBase64(slab);
  const views = new Array<Uint8Array<ArrayBuffer>>(texts.length);
  let offset = 0;
  texts.forEach((text, i) => {
    const view = new Uint8Array(slab, offset, decodedLength(text));
    const written = native === undefined ? decodeInto(view, text) : native(view, text);
    if (written !== view.length) throw malformed(); // white space inside
    views[i] = view;
    offset += view.length;
  });
  return { views, bytes };
}

/**
 * Whether a text that decodes is what its bytes are encoded to. Bits beyond the last byte must be 0: encoders
 * write no others, and decoders ignore them.
 */
function isCanonical(text: string): boolean {
  if (!text.endsWith("=")) return true;
  return text.endsWith("==") ? "AQgw".includes(text.slice(-3, -2)) : LAST_OF_TWO.includes(text.slice(-2, -1));
}

/** The letters for four bits that are followed by two zeros. */
const LAST_OF_TWO = "AEIMQUYcgkosw048";

/** The standard alphabet, padded. */
export function encodeBase64(bytes: Uint8Array & { toBase64?(): string }): string {
  if (bytes.toBase64 !== undefined) return bytes.toBase64();
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function decodedLength(text: string): number {
  if (text.length % 4 !== 0) throw malformed();
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return text.length / 4 * 3 - padding;
}

/**
 * A loop, since `Uint8Array.from(atob(text), …)` is some fifteen times slower. @returns How many bytes there
 * were.
 */
function decodeInto(view: Uint8Array, text: string): number {
  let characters: string;
  try {
    characters = atob(text);
  } catch (cause) {
    throw malformed(cause);
  }
  for (let i = 0; i < view.length; i++) view[i] = characters.charCodeAt(i);
  return characters.length;
}

function malformed(cause?: unknown): SyntaxError {
  return new SyntaxError(
    "Cannot decode a payload: expected padded base64",
    cause === undefined ? {} : { cause },
  );
}
