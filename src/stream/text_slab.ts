// Pure.
/**
 * The memory of a page's payloads, which may keep the base64 texts that they were decoded from. Who passes
 * payloads on as base64 then need not encode them.
 *
 * A text is found by the place of its payload in this memory. So a user record of an aggregate, which is a
 * part of a payload, has none.
 *
 * @module
 */

/** Memory that knows the texts which fill it, one after the other. */
export class TextSlab extends ArrayBuffer {
  readonly #starts: readonly number[];
  readonly #texts: readonly (string | undefined)[];
  /** Characters of all texts together. */
  readonly characters: number;

  /**
   * @param bytes All payloads together.
   * @param starts Where each payload begins: never decreasing.
   * @param texts The text of each payload; undefined where encoding would not give that text back.
   */
  constructor(bytes: number, starts: readonly number[], texts: readonly (string | undefined)[]) {
    super(bytes);
    this.#starts = starts;
    this.#texts = texts;
    this.characters = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  }

  /** How many texts there are. */
  get texts(): number {
    return this.#texts.length;
  }

  /** The text of the payload that has this place; undefined: no payload has it, or none of known text. */
  textAt(start: number, length: number): string | undefined {
    // The last payload that begins there or before: empty ones share their start with the next.
    let low = 0, high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    const isWhole = this.#starts[low - 1] === start &&
      (this.#starts[low] ?? this.byteLength) === start + length;
    return isWhole ? this.#texts[low - 1] : undefined;
  }
}

/** The padded base64 of a payload, where it is known without encoding. */
export function keptBase64(data: Uint8Array): string | undefined {
  return data.buffer instanceof TextSlab ? data.buffer.textAt(data.byteOffset, data.byteLength) : undefined;
}
