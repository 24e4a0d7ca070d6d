// Pure.
/**
 * How far a shard is behind its tip: what Kinesis reported for the records that are processed, and how that
 * figure ages. One rule for all that show or store a lag.
 *
 * @module
 */

/** A figure of Kinesis, and when it was true. */
export interface Behind {
  readonly millisBehindLatest: number;
  /** Monotonic ms. */
  readonly atMs: number;
}

/** What has just been processed: a batch, or a page without records. */
export interface Processed {
  /** As Kinesis reported it with the records. */
  readonly millisBehindLatest: number | undefined;
  /** How long ago that was true, in ms, at the latest: when the batch was handed over. */
  readonly ms: number;
}

/** What is known from now on; a report without a figure changes nothing. */
export function behindAfter(
  before: Behind | undefined,
  { millisBehindLatest, ms }: Processed,
  nowMs: number,
): Behind | undefined {
  return millisBehindLatest === undefined ? before : { millisBehindLatest, atMs: nowMs - ms };
}

/**
 * A figure younger than this is shown as it is: at the tip every read brings a new one. Ours: ten polls of 1
 * s.
 */
export const FRESH_MS = 10_000;

/**
 * How far behind the tip the processor is, in ms. A figure that is no longer fresh grows with its age. A
 * shard without progress falls behind as fast as time passes, and must not show its last figure for ever.
 *
 * @returns undefined until Kinesis has reported one.
 */
export function agedLagMs(
  behind: Behind | undefined,
  nowMs: number,
  freshMs: number = FRESH_MS,
): number | undefined {
  if (behind === undefined || !Number.isFinite(behind.millisBehindLatest)) return undefined;
  const age = nowMs - behind.atMs;
  return Math.round(behind.millisBehindLatest + (age > freshMs ? age : 0));
}
