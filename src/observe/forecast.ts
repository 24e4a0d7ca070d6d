// Pure.
/**
 * Forecasts a shard from two sights of its lag: when its reader has caught up, and when records are trimmed
 * before they are read.
 *
 * A record is trimmed when it is older than the retention period, read or not. So records are lost once the
 * lag is as long as the retention period.
 *
 * Checkpoints move in steps. Two sights that lie closer together than two checkpoints say too much: the lag
 * of a healthy reader seems to grow as fast as time passes.
 *
 * @module
 */

/** A shard's lag at one time. */
export interface LagSighting {
  /** How far its reader is behind the newest record, in ms. */
  readonly behindMs: number;
  /** When it was seen, on the monotonic clock. */
  readonly atMs: number;
}

/** What is known. */
export interface ForecastInput {
  /** Undefined when the lag was seen once only. */
  readonly before: LagSighting | undefined;
  readonly now: LagSighting;
  /** How old the oldest record is that is not processed. Undefined when there is none. */
  readonly oldestUnreadAgeMs: number | undefined;
  /** How long the stream keeps records. Undefined when it is not known. */
  readonly retentionMs: number | undefined;
}

/** What will be, if nothing changes. */
export interface Forecast {
  /**
   * How fast the lag grows, in ms a ms: 1 when nothing is processed, 0 when the reader keeps pace, less when
   * it catches up. Undefined after one sight.
   */
  readonly slope: number | undefined;
  /** Until the reader is at the newest record. Undefined when it is not known, or never comes. */
  readonly catchUpMs: number | undefined;
  /**
   * Until the oldest unread record is trimmed, if none is processed from now on. Not above 0: it is lost.
   * Undefined when nothing is unread, or the retention period is not known.
   */
  readonly trimmedInMs: number | undefined;
  /** Until records are lost at the present pace. Undefined when none will be, or the pace is not known. */
  readonly lossInMs: number | undefined;
  /** Whether records are lost already, or will be at the present pace. */
  readonly isLossCertain: boolean;
}

/** A slower growth is not told from the jitter of two sights. */
const LEAST_SLOPE = 0.02;

/** A smaller change is none: a healthy reader at the tip reads and stores once a second. Ours. */
const JITTER_MS = 2000;

/** A reader that is not further behind is at the tip, whatever its lag does between two sights. Ours. */
const NEAR_TIP_MS = 10_000;

/** Forecasts. */
export function forecastOf({ before, now, oldestUnreadAgeMs, retentionMs }: ForecastInput): Forecast {
  const slope = slopeOf(before, now);
  const trimmedInMs = oldestUnreadAgeMs === undefined || retentionMs === undefined
    ? undefined
    : retentionMs - oldestUnreadAgeMs;
  const lossInMs = lossIn(trimmedInMs, now.behindMs < NEAR_TIP_MS ? undefined : slope);
  return {
    slope,
    catchUpMs: catchUpIn(now, slope),
    trimmedInMs,
    lossInMs,
    isLossCertain: lossInMs !== undefined,
  };
}

function slopeOf(before: LagSighting | undefined, now: LagSighting): number | undefined {
  if (before === undefined || now.atMs <= before.atMs) return undefined;
  const changeMs = now.behindMs - before.behindMs;
  return Math.abs(changeMs) < JITTER_MS ? 0 : changeMs / (now.atMs - before.atMs);
}

function catchUpIn({ behindMs }: LagSighting, slope: number | undefined): number | undefined {
  if (behindMs <= 0) return 0;
  return slope === undefined || slope > -LEAST_SLOPE ? undefined : Math.round(behindMs / -slope);
}

function lossIn(trimmedInMs: number | undefined, slope: number | undefined): number | undefined {
  if (trimmedInMs === undefined) return undefined;
  if (trimmedInMs <= 0) return 0;
  return slope === undefined || slope < LEAST_SLOPE ? undefined : Math.round(trimmedInMs / slope);
}
