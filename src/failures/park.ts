/**
 * Parking, as a choice of `errors.onExhausted`: a key whose record fails waits aside, in order, while other
 * keys go on.
 *
 * @module
 */

import type { DeadLetterAction } from "./dead_letter.ts";

/** How much may wait, and what becomes of what waited for too long. */
export interface ParkOptions {
  /**
   * What becomes of a parked record that is older than `errors.retry.maxAgeMs`. `"skip"`: the record is lost,
   * with an error line. `deadLetter(sink)`: it is stored, and then passed.
   */
  readonly then: "skip" | DeadLetterAction;
  /**
   * The most records of a shard that wait for parked keys, those that failed included, 1 to 100000. When this
   * number waits, nothing new of the shard begins until some are done.
   *
   * @default {1000}
   */
  readonly records?: number | undefined;
  /**
   * The most payload bytes of a shard that wait for parked keys. They stay in memory.
   *
   * @default {8388608}
   */
  readonly bytes?: number | undefined;
}

/** Parks the key of a record that was tried often enough. Made by {@linkcode park}. */
export interface ParkAction extends ParkOptions {
  /** Tells it from the other choices of `errors.onExhausted`. */
  readonly type: "park";
}

/** {@linkcode ParkOptions} with all defaults filled in, without what follows. */
export interface ParkSettings {
  readonly records: number;
  readonly bytes: number;
}

/** For `errors.onExhausted`: parks the key of a record that was tried often enough. */
export function park(options: ParkOptions): ParkAction {
  return { ...options, type: "park" };
}
