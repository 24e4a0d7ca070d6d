/**
 * Takes lines out of bytes. They end with LF or CRLF; the last one may end with nothing. Their bytes are kept
 * as they are: nothing is decoded.
 *
 * @module
 */

/** One line of the input. */
export interface InputLine {
  /** From 1. */
  readonly number: number;
  /** Without its end. Undefined when it is too long. */
  readonly data: Uint8Array | undefined;
}

/** Cuts pieces of any size. Of a line that is too long nothing is kept. */
export class LineCutter {
  readonly #most: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #number = 0;

  /** @param most The most bytes of a line. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that end in this piece. */
  *push(piece: Uint8Array): Generator<InputLine, void, void> {
    let start = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, start)) {
      this.#keep(piece.subarray(start, end));
      yield this.#line();
      start = end + 1;
    }
    this.#keep(piece.subarray(start));
  }

  /** The last line, where the input does not end with the end of a line. */
  *end(): Generator<InputLine, void, void> {
    if (this.#bytes > 0) yield this.#line();
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    // One byte more may be the CR of its end.
    if (this.#bytes <= this.#most + 1) this.#parts.push(part.slice());
    else this.#parts = [];
  }

  #line(): InputLine {
    const bytes = this.#bytes, parts = this.#parts;
    this.#bytes = 0;
    this.#parts = [];
    const number = ++this.#number;
    if (bytes > this.#most + 1) return { number, data: undefined };
    const [only] = parts;
    const whole = parts.length === 1 && only !== undefined ? only : joined(parts, bytes);
    const data = whole.at(-1) === CR ? whole.subarray(0, -1) : whole;
    return { number, data: data.length > this.#most ? undefined : data };
  }
}

const LF = 10, CR = 13;

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
