/**
 * Virtual time: one queue of things to come for a whole world, run one after the other as fast as the machine
 * can. Between two of them everything that was set off by the first comes to rest, so that equal worlds run
 * equally.
 *
 * A turn of the event loop shows that everything rests: promise chains of any depth are over by then. It
 * therefore works only for code that waits for nothing but virtual sleeps and virtual calls. Work in another
 * thread or a socket (Web Crypto, `fetch`) would return at its own time.
 *
 * @module
 */

/** The queue, and the time. */
export class VirtualTime {
  #nowMs = 0;
  #count = 0;
  #order = 0;
  /** A binary heap: the earliest first, of equal times the one that was set first. */
  readonly #heap: Entry[] = [];

  /** Virtual ms since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many things have happened. */
  get steps(): number {
    return this.#count;
  }

  /** Runs something after this many ms; at the earliest now. @returns what cancels it. */
  after(ms: number, happen: () => void): () => void {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, happen };
    this.#push(entry);
    return () => void (entry.happen = undefined);
  }

  /**
   * Lets things happen, in order.
   *
   * @param goesOn Asked after each, when all has come to rest; false ends it.
   */
  async run(goesOn: () => boolean): Promise<void> {
    await rest();
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      if (entry.happen === undefined) continue;
      this.#nowMs = entry.atMs;
      this.#count++;
      entry.happen();
      await rest();
      if (!goesOn()) return;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const [child, next] = b !== undefined && isBefore(b, a) ? [left + 1, b] : [left, a];
      if (!isBefore(next, last)) break;
      heap[index] = next;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  happen: (() => void) | undefined;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/**
 * A turn of the event loop: everything that is ready has run when it comes. `setImmediate` costs a few µs, a
 * timer of 0 ms more than one ms. A message to oneself is as fast, but Deno 2.9 delivers it before promise
 * chains have ended.
 */
const { setImmediate } = globalThis as unknown as { readonly setImmediate: (turn: () => void) => unknown };

function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
