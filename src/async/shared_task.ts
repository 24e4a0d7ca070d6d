/**
 * One task under way that several callers wait for. A caller that comes later joins it. If the last caller
 * leaves before the task is over, the task is aborted.
 *
 * No result is kept. Once the task is over, the next caller begins a new run.
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
   * @param work Its signal aborts when no caller waits any longer. Work that ignores the abort must not
   * change anything afterwards: the next run may be under way.
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
   * @throws what the work throws, to all callers; the signal's reason, to this caller alone.
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
    result.then(over, over); // ahead of the callers
    return run;
  }
}
