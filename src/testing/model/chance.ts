/**
 * Chance from a seed: the same seed gives the same numbers, on every machine.
 *
 * @module
 */

/** A seeded source of chance. Forks are independent: what one draws does not move what another will draw. */
export class Chance {
  #state: number;

  /** @param seed Any text; equal texts give equal chance. */
  constructor(seed: string) {
    this.#state = hashOf(seed);
  }

  /** An independent source, distinguished by `label`. Moves this one by one draw. */
  fork(label: string): Chance {
    return new Chance(`${label}:${this.next()}`);
  }

  /** Uniform in [0, 1). Mulberry32: 32 bits are plenty to choose faults by. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Uniform in [min, max). */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of several; undefined of none. */
  pick<T>(choices: readonly T[]): T | undefined {
    return choices[this.below(choices.length)];
  }
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
