// Pure.
/**
 * Cuts a stream of bytes into lines: at LF, CR or CRLF, as Java's `BufferedReader` does, and at nothing else.
 *
 * A line that is too long is cut at the limit and continues as the next one. So memory is bounded, whatever a
 * child prints.
 *
 * @module
 */

/** Collects bytes until lines are whole. Empty lines are dropped: children print them between messages. */
export class LineCutter {
  readonly #maxBytes: number;
  /** The pieces of the line that is not whole yet. */
  #pieces: Uint8Array[] = [];
  #pending = 0;

  /** @param maxBytes The longest line. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the line that is not whole yet. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /**
   * Adds the bytes that were read, and returns the lines that are now complete. They may be views into
   * `bytes`.
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0, lineFeed = -1, carriageReturn = -1;
    for (;;) {
      if (lineFeed < start) lineFeed = placeOf(LF, bytes, start);
      if (carriageReturn < start) carriageReturn = placeOf(CR, bytes, start);
      const end = Math.min(lineFeed, carriageReturn);
      const limit = start + this.#maxBytes - this.#pending;
      if (limit < end) {
        this.#add(bytes.subarray(start, limit));
        start = limit;
      } else if (end < bytes.length) {
        this.#add(bytes.subarray(start, end));
        start = end + 1;
      } else break;
      lines.push(...this.flush());
    }
    // A copy: the reader may use its buffer again, and a view would keep all of it alive.
    if (start < bytes.length) this.#add(bytes.slice(start));
    return lines;
  }

  /** Returns the incomplete rest as a line; none if there is no rest. */
  flush(): Uint8Array[] {
    const pieces = this.#pieces;
    const length = this.#pending;
    this.#pieces = [];
    this.#pending = 0;
    const [first] = pieces;
    if (first === undefined || pieces.length === 1) return first === undefined ? [] : [first];
    const line = new Uint8Array(length);
    let offset = 0;
    for (const piece of pieces) {
      line.set(piece, offset);
      offset += piece.length;
    }
    return [line];
  }

  #add(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#pending += piece.length;
  }
}

const LF = 10;
const CR = 13;

/** By a native search: a line may have millions of bytes. @returns The length if there is none. */
function placeOf(byte: number, bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at === -1 ? bytes.length : at;
}
