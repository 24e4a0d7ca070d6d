// Pure.
/**
 * The limits of Kinesis that both fronts of the model keep: numbers of the API reference, and how they are
 * counted.
 *
 * @module
 */

/** Kinesis API reference, GetShardIterator: 5 minutes. */
export const ITERATOR_LIFE_MS = 300_000;
/** Kinesis API reference, GetRecords: five calls a second for each shard. */
export const READS_PER_SECOND = 5;
/** Kinesis API reference, SubscribeToShard: five minutes; a second call within five seconds is refused. */
export const SUBSCRIPTION_LIFE_MS = 300_000;
export const TAKEOVER_MS = 5000;
/** How often an idle subscription sends a heartbeat, in ms. */
export const HEARTBEAT_MS = 5000;

/** At most this many calls within any second. */
export class CallRate {
  readonly #perSecond: number;
  #takenMs: number[] = [];

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** @returns false when there were as many already; such a call does not count. */
  take(nowMs: number): boolean {
    this.#takenMs = this.#takenMs.filter((takenMs) => takenMs > nowMs - 1000);
    if (this.#takenMs.length >= this.#perSecond) return false;
    this.#takenMs.push(nowMs);
    return true;
  }
}

/** An amount a second, of which a second's worth may be saved up. */
export class Budget {
  readonly #perSecond: number;
  #left: number;
  #atMs = -Infinity;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** What is left now; below 0 after an overdraft. */
  left(nowMs: number): number {
    if (nowMs > this.#atMs) {
      const grownBy = this.#atMs === -Infinity ? 0 : (nowMs - this.#atMs) / 1000 * this.#perSecond;
      this.#left = Math.min(this.#perSecond, this.#left + grownBy);
      this.#atMs = nowMs;
    }
    return this.#left;
  }

  spend(amount: number, nowMs: number): void {
    this.#left = this.left(nowMs) - amount;
  }
}
