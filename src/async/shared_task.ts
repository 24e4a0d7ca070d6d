/**
 * One task under way that many wait for: who comes meanwhile joins it, and the last to leave before it is over ends it.
 *
 * It keeps no result. Once it is over, the next to join begins it anew.
 *
 * @module
 */

import { unlessAborted } from "./waiting.ts";

/** A run under way. */
interface Run<T> {
  readonly result: Promise<T>;
  readonly abandoned: AbortController;
  waiting: number;
}

/** See the module. */
export class SharedTask<T> {
  readonly #work: (abandoned: AbortSignal) => Promise<T>;
  #run: Run<T> | undefined;

  /**
   * @param work Its signal aborts when nobody waits any longer. Work that goes on all the same must change nothing then: the
   * next run may be under way.
   */
  constructor(work: (abandoned: AbortSignal) => Promise<T>) {
    this.#work = work;
  }

  get isUnderWay(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Waits for the run under way, or begins one.
   *
   * @throws what the work throws, to all who wait; the signal's reason, to this caller alone.
   */
  async join(signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    const run = this.#run ??= this.#begin();
    run.waiting++;
    try {
      return await unlessAborted(run.result, signal);
    } finally {
      run.waiting--;
      if (run.waiting === 0 && this.#run === run) {
        this.#run = undefined;
        run.abandoned.abort(signal?.reason);
      }
    }
  }

  #begin(): Run<T> {
    const abandoned = new AbortController();
    const result = this.#work(abandoned.signal);
    const run: Run<T> = { result, abandoned, waiting: 0 };
    const over = () => {
      if (this.#run === run) this.#run = undefined;
    };
    result.then(over, over); // ahead of those who wait
    return run;
  }
}
