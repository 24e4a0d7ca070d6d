/**
 * Puts numbered words into a stream of the simulated Kinesis, a batch at a time.
 *
 * @module
 */

import type { StreamControl } from "@kclite/kclite/testing";

const WORDS = "the quick brown fox jumps over the lazy dog while seven lobsters count every bird and cat"
  .split(" ");

/** Puts words into one stream. */
export class Producer {
  readonly #stream: StreamControl;
  #put = 0;

  constructor(stream: StreamControl) {
    this.#stream = stream;
  }

  /** How many records were put so far. */
  get put(): number {
    return this.#put;
  }

  /** Puts this number of words. */
  putWords(count: number): void {
    for (const end = this.#put + count; this.#put < end; this.#put++) {
      this.#stream.put(`${this.#put} ${WORDS[this.#put % WORDS.length]}`, `${this.#put}`);
    }
  }

  /** Splits the first shard in the middle of its hash keys. */
  split(): void {
    const [shard] = this.#stream.shards();
    if (shard !== undefined) this.#stream.split(shard.shardId);
  }
}
