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

/**
 * So many writes to the lease table one pass has under way: some 2,000 a second where each takes 10 ms, of the 4,000 that a
 * new table on demand bears at once. Ours; KCL has as many as the leader has processors.
 */
export const WRITES_AT_ONCE = 20;

/**
 * Does something with each item, started in order, with at most so many under way.
 *
 * @throws what the first that fails throws, once those under way are over; none is started after it.
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
