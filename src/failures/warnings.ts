/**
 * Warnings about what a user gave, each once for a processor's time on a shard: a function that fails for
 * each record would fill the log.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";

/** See the module. */
export class Warnings {
  readonly #leaseKey: string;
  readonly #emit: WorkerEventListener;
  readonly #given = new Set<string>();

  constructor(leaseKey: string, emit: WorkerEventListener) {
    this.#leaseKey = leaseKey;
    this.#emit = emit;
  }

  /** @param what A sentence without its full stop. What was thrown follows it, if anything was. */
  once(what: string, error?: unknown): void {
    if (this.#given.has(what)) return;
    this.#given.add(what);
    this.#emit({
      type: "notice",
      level: "warning",
      leaseKey: this.#leaseKey,
      text: error === undefined ? what : `${what}: ${errorText(error)}`,
    });
  }
}
