/**
 * The messages of one child in the order of their arrival, for one reader.
 *
 * @module
 */

import type { ChildMessage } from "./child_line.ts";

/** A queue with one reader that waits for one message at a time. */
export class Inbox {
  readonly #messages: ChildMessage[] = [];
  #reader: { resolve(message: ChildMessage): void; reject(error: unknown): void } | undefined;
  #closed: { readonly reason: unknown } | undefined;

  /** Messages that the reader has not waited for yet. */
  get size(): number {
    return this.#messages.length;
  }

  /** Adds a message, or hands it to the waiting reader. */
  put(message: ChildMessage): void {
    if (this.#reader === undefined) this.#messages.push(message);
    else this.#reader.resolve(message);
    this.#reader = undefined;
  }

  /** The next message. Rejects once the inbox is closed and empty. */
  take(): Promise<ChildMessage> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#closed !== undefined) return Promise.reject(this.#closed.reason);
    return new Promise((resolve, reject) => this.#reader = { resolve, reject });
  }

  /** No more messages will arrive; a waiting reader gets the reason. */
  close(reason: unknown): void {
    this.#closed = { reason };
    this.#reader?.reject(reason);
    this.#reader = undefined;
  }
}
