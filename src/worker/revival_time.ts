/**
 * How long the last renewal of a lease that has expired on our clock alone may take.
 *
 * @module
 */

import { pause } from "../async/waiting.ts";
import { renewIntervalMs } from "../lease/expiry.ts";
import type { Clock } from "../system.ts";

/**
 * Ten slices. A slice is 100 ms, or a tenth of the renewal interval where that is shorter. Slices, because a
 * process that was paused uses up one of them at most. An answer that waits for the process is then read
 * before the next slice is over. Ours.
 */
const REVIVAL_SLICES = 10, MAX_REVIVAL_SLICE_MS = 100;

/** What {@linkcode revivalTime} goes by. */
export interface RevivalRule {
  readonly clock: Clock;
  readonly failoverTimeMs: number;
  /** Whether the time is over in any case. */
  readonly isOverdue: () => boolean;
}

/** Waits until the time is over. @returns false when the signal aborted before. */
export async function revivalTime(
  { clock, failoverTimeMs, isOverdue }: RevivalRule,
  signal: AbortSignal,
): Promise<boolean> {
  const sliceMs = Math.min(MAX_REVIVAL_SLICE_MS, renewIntervalMs(failoverTimeMs) / REVIVAL_SLICES);
  for (let slice = 0; slice < REVIVAL_SLICES; slice++) {
    if (!await pause(clock, sliceMs, signal)) return false;
    if (isOverdue()) break;
  }
  return true;
}
