// Pure.
/**
 * Reads off the last minutes of a lag whether it grows or shrinks, and how fast.
 *
 * A healthy reader's lag is a saw: it grows while a batch is processed, and falls when the batch is done. So
 * the largest lag of one stretch of minutes is compared with the largest of the stretch before. As long as a
 * stretch holds a whole tooth, they are equal.
 *
 * @module
 */

import type { MinuteFigures } from "./lag_history.ts";

/** A stretch holds a batch of the longest time that health allows by default. Ours. */
export const TREND_MINUTES = 20;
/** Of fewer minutes nothing is said: a stretch must hold a batch. Ours. */
const LEAST_MINUTES = 10;

/**
 * How fast the lag grows, in ms a ms: 1 when nothing is processed, 0 when the reader keeps pace, less when it
 * catches up. Never more than 1: the oldest unread record grows old as time passes.
 *
 * @param figures The last of them is of the minute under way, and is not looked at.
 * @returns undefined while too few minutes are known.
 */
export function lagTrend(figures: MinuteFigures): number | undefined {
  const minutes = figures.slice(0, -1).slice(-TREND_MINUTES);
  if (minutes.length < LEAST_MINUTES) return undefined;
  const half = Math.floor(minutes.length / 2);
  const before = largestOf(minutes.slice(0, half));
  const now = largestOf(minutes.slice(-half));
  if (before === undefined || now === undefined) return undefined;
  return Math.min(1, (now - before) / ((minutes.length - half) * 60_000));
}

function largestOf(figures: MinuteFigures): number | undefined {
  return figures.reduce((a, b) => a === undefined || (b !== undefined && b > a) ? b : a, undefined);
}
