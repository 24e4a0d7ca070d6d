/**
 * Owns promises, so that every one of them is awaited. The tasks started here can be waited for together, and
 * each failure is reported.
 *
 * @module
 */

/** A set of running tasks. */
export class TaskGroup {
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure Called for each task that rejects. A task handles the errors that it expects itself. */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Starts a task. */
  run(task: () => Promise<void>): void {
    const running = task().catch(this.#onFailure).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves once no task is left. Tasks that are started meanwhile count too. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

/**
 * How many writes to the lease table one pass has under way. That is some 2,000 a second where each takes
 * 10 ms. A new table on demand takes 4,000 a second. Ours; KCL has as many as the leader has processors.
 */
export const WRITES_AT_ONCE = 20;

/**
 * Does something with each item, started in order, with at most `limit` under way.
 *
 * @throws the error of the first item that fails, once the work under way is over. No item is started after a
 * failure.
 */
export async function forEachAtMost<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const failures: unknown[] = [];
  const lane = async () => {
    for (const item of waiting) {
      if (failures.length > 0) return;
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
}

/** Lets at most `limit` tasks run at the same time. The others wait their turn, in order. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Runs a task when its turn comes. */
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
