/**
 * Owns promises, so that none is left floating: whoever starts a task here can wait for all of them, and the
 * first failure is kept and reported once.
 *
 * @module
 */

/** A set of running tasks. */
export class TaskGroup {
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure Told of each task that rejects; a task's own errors belong inside it. */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Starts a task. */
  run(task: () => Promise<void>): void {
    const running = task().catch(this.#onFailure).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves once no task is left, those included that tasks start meanwhile. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

/** Lets at most so many run at once; the rest wait their turn, in order. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Runs one when its turn comes. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
