/**
 * Bounded waiting.
 *
 * @module
 */

import type { Clock } from "../system.ts";

/**
 * Waits for a promise, but no longer than `ms`.
 *
 * @returns Whether it settled in time. A rejection counts, and is not thrown: await the promise itself to see it.
 */
export async function settlesWithin(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const settled = new AbortController();
  const expired = clock.sleep(Math.min(ms, LONGEST_TIMER_MS), settled.signal).then(() => false, () => true);
  const done = promise.then(() => true, () => true);
  const inTime = await Promise.race([done, expired]);
  settled.abort();
  await expired;
  return inTime;
}

/** Timers beyond 2^31 − 1 ms, some 24 days, fire at once: whoever sets such a limit wants none. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
