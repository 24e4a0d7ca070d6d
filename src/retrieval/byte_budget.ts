/**
 * Limits the bytes that all shards of a worker may have read and not processed yet, together. The budget is
 * checked before reading further ahead, never before the first page of a shard. So a full budget never makes
 * a shard wait for another shard's processor.
 *
 * @module
 */

/** Bytes that shards share. */
export class ByteBudget {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #used = 0;

  /** @param limit In bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Bytes that are left; less than 0 if more are in use than allowed. */
  get left(): number {
    return this.#limit - this.#used;
  }

  /** Whether this many more bytes would still fit. */
  hasRoomFor(bytes: number): boolean {
    return bytes <= this.left;
  }

  /** Uses bytes, whether they fit or not: they are there. */
  take(bytes: number): void {
    this.#used += bytes;
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.#used -= bytes;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Calls once when bytes are given back next. @returns what cancels the call. */
  onRoom(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }
}
