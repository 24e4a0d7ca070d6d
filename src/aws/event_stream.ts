/**
 * Reads `application/vnd.amazon.eventstream`, the framing of SubscribeToShard, from a web stream.
 *
 * Both checksums of each message are verified. A length is used only once the checksum of the prelude is
 * right and the length is within limits. This decoder is ours, since the common one for JavaScript
 * (`@smithy/core`) allocates up to 4 GiB before any check. It takes the size from the first four bytes, and
 * would add 8 MB to an installation.
 *
 * Source: "Amazon event stream encoding" of the AWS documentation; limits of botocore's `EventStreamBuffer`.
 *
 * @module
 */

import { type Checksum, crc32 } from "./crc32.ts";
import { nativeCrc32 } from "./native_crc32.ts";
import { unlessAborted } from "../async/waiting.ts";

/** One message of an event stream. */
export interface EventStreamMessage {
  /** The headers of type string, by name; headers of other types are checked and left out. */
  readonly headers: ReadonlyMap<string, string>;
  /** A view that is good until the next message is asked for: its memory may be written again. */
  readonly payload: Uint8Array;
}

/** The most bytes of a message's headers. */
export const MAX_HEADERS_BYTES = 131_072;
/** The most bytes of a message's payload. */
export const MAX_PAYLOAD_BYTES = 25_165_824;

/**
 * The messages of a body, one at a time. Nothing is read from the body while no message is requested, so that
 * a slow reader slows the sender. Leaving the iteration cancels the body.
 *
 * @param signal Ends the wait for the body immediately, even if the body does not know of the signal.
 * @throws {SyntaxError} when a checksum, a length or a header is wrong, or when the body ends inside a
 * message. Also throws the body's own error, or the signal's reason.
 */
export async function* eventStreamMessages(
  body: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<EventStreamMessage, void, void> {
  const decoder = new EventStreamDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      for (let message = decoder.next(); message !== undefined; message = decoder.next()) yield message;
      const { value, done } = await unlessAborted(reader.read(), signal);
      if (done) break;
      decoder.push(value);
    }
    if (decoder.heldBytes > 0) {
      throw malformed(`it ends inside a message, ${decoder.heldBytes} bytes after its start`);
    }
  } finally {
    // Rejects only with the error of the body, which is being thrown already.
    await reader.cancel().catch(() => {});
  }
}

/** Length of the prelude: total length, headers' length, and the checksum of these two. */
const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;

/** Joins the pieces of a body to messages. A message may be cut anywhere, and a piece may hold many. */
export class EventStreamDecoder {
  /**
   * The bytes at hand are `#buffer[#start]` to `#buffer[#end]`. Bytes before `#start` may be in a reader's
   * hands until it asks for the next message.
   */
  #buffer: Uint8Array = new Uint8Array();
  /**
   * Where pieces are joined. It is used again, since fresh memory for each message takes longer than all
   * copying. Given up as soon as a message comes in one piece, so that a quiet shard holds none.
   */
  #joined: Uint8Array | undefined;
  readonly #checksum: Checksum;
  #start = 0;
  #end = 0;
  /** Total length of the message at `#start`, once its prelude was verified. */
  #messageBytes: number | undefined;

  /** @param checksum CRC-32. @default the runtime's own, or else ours, by tables */
  constructor(checksum: Checksum = nativeCrc32() ?? crc32) {
    this.#checksum = checksum;
  }

  /** How many bytes wait for the rest of their message. */
  get heldBytes(): number {
    return this.#end - this.#start;
  }

  /** Takes the next piece of the body. Its memory must not be written again. */
  push(piece: Uint8Array): void {
    const held = this.heldBytes;
    if (held === 0) {
      this.#buffer = piece;
      this.#start = 0;
      this.#end = piece.length;
      return;
    }
    if (this.#buffer !== this.#joined || this.#end + piece.length > this.#buffer.length) {
      const least = Math.max(this.#messageBytes ?? 0, held + piece.length, 1024);
      // As long as the whole message and a piece more: the rest of it is then copied but once.
      if (this.#joined === undefined || this.#joined.length < least) {
        this.#joined = new Uint8Array(least + piece.length);
      }
      this.#joined.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = this.#joined;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(piece, this.#end);
    this.#end += piece.length;
  }

  /**
   * The next message that is complete; undefined when more bytes are needed.
   *
   * @throws {SyntaxError} when it is damaged. Where the next message begins is then unknown, so the body is
   * lost.
   */
  next(): EventStreamMessage | undefined {
    if (this.heldBytes < PRELUDE_BYTES) return undefined;
    const { buffer, byteOffset } = this.#buffer;
    const view = new DataView(buffer, byteOffset + this.#start, this.heldBytes);
    this.#messageBytes ??= this.#checkedLength(view);
    if (this.heldBytes < this.#messageBytes) return undefined;

    const bytes = this.#buffer.subarray(this.#start, this.#start + this.#messageBytes);
    this.#start += this.#messageBytes;
    if (this.#buffer !== this.#joined) this.#joined = undefined;
    this.#messageBytes = undefined;
    const checked = bytes.subarray(0, -CHECKSUM_BYTES);
    verify("message", this.#checksum(checked), view.getUint32(checked.length));
    const headersEnd = PRELUDE_BYTES + view.getUint32(4);
    return {
      headers: stringHeaders(checked.subarray(PRELUDE_BYTES, headersEnd)),
      payload: checked.subarray(headersEnd),
    };
  }

  #checkedLength(view: DataView): number {
    verify("prelude", this.#checksum(this.#buffer.subarray(this.#start, this.#start + 8)), view.getUint32(8));
    const messageBytes = view.getUint32(0), headersBytes = view.getUint32(4);
    const payloadBytes = messageBytes - headersBytes - PRELUDE_BYTES - CHECKSUM_BYTES;
    if (headersBytes > MAX_HEADERS_BYTES || payloadBytes < 0 || payloadBytes > MAX_PAYLOAD_BYTES) {
      throw malformed(
        `expected at most ${MAX_HEADERS_BYTES} bytes of headers and ${MAX_PAYLOAD_BYTES} of payload: got ` +
          `${headersBytes} and ${payloadBytes}`,
      );
    }
    return messageBytes;
  }
}

function verify(part: "prelude" | "message", found: number, wanted: number): void {
  if (found !== wanted) throw malformed(`expected CRC-32 ${wanted} of a ${part}: got ${found}`);
}

/**
 * Types of header values, in the order of their codes: how many bytes a value has, or that its length
 * precedes it.
 */
const HEADER_TYPES = [0, 0, 1, 2, 4, 8, "bytes", "string", 8, 16] as const;

function stringHeaders(bytes: Uint8Array): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const take = (count: number): Uint8Array => {
    if (count > bytes.length - at) throw malformed("a header reaches beyond the headers");
    return bytes.subarray(at, at += count);
  };
  const number = (count: 1 | 2): number => take(count).reduce((value, byte) => value << 8 | byte, 0);
  while (at < bytes.length) {
    const name = UTF8.decode(take(number(1)));
    const type = number(1);
    const size = HEADER_TYPES[type];
    if (size === undefined) {
      throw malformed(`expected header ${name} to have a type from 0 to 9: got ${type}`);
    }
    const value = take(typeof size === "number" ? size : number(2));
    if (size === "string") headers.set(name, UTF8.decode(value));
  }
  return headers;
}

const UTF8 = new TextDecoder();

function malformed(why: string): SyntaxError {
  return new SyntaxError(`Cannot read event stream: ${why}`);
}
