/**
 * A map with a bound: it remembers what was set last, and forgets what was set longest ago.
 *
 * @module
 */

/** See the module. */
export class RecentMap<Key, Value> {
  readonly #most: number;
  /** In the order of setting. */
  readonly #entries = new Map<Key, Value>();

  /** @param most The most entries that are remembered. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#most) return;
      this.#entries.delete(oldest);
    }
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** Forgets all that are not to be kept. */
  keep(isKept: (key: Key, value: Value) => boolean): void {
    for (const [key, value] of this.#entries) if (!isKept(key, value)) this.#entries.delete(key);
  }
}
