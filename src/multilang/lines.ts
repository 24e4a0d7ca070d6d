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
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      const isBreak = byte === LF || byte === CR;
      if (!isBreak && this.#pending + at - start < this.#maxBytes) continue;
      this.#add(bytes.subarray(start, at));
      lines.push(...this.flush());
      start = isBreak ? at + 1 : at;
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
