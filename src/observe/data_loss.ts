// Pure.
/**
 * Foresees the loss of data on the shards that a worker holds: when unread records are trimmed, and whether
 * the reader comes in time.
 *
 * A reader that begins at TRIM_HORIZON is as far behind as the stream keeps records. It is in no danger while
 * it catches up. So nothing is said before the trend of the lag is known, nor while the lag shrinks clearly.
 *
 * A reader that is too slow at the horizon is moved on by Kinesis as records are trimmed. Its lag stays a
 * little below the retention period: there a lag that does not shrink is loss.
 *
 * @module
 */

import { type Forecast, forecastOf } from "./forecast.ts";
import { durationText } from "./format.ts";
import { lagTrend, TREND_MINUTES } from "./lag_trend.ts";
import { heldShards, lagMs, type ShardTotals } from "./shard_totals.ts";
import type { Snapshot } from "./totals.ts";
import { retentionOfLease } from "./worker_totals.ts";

/** What is foreseen of one shard, or of all of a worker. Undefined is what is not known, or does not come. */
export interface LossOutlook {
  /** Until the oldest unread record is trimmed, if none is processed from now on. At least 0. */
  readonly trimmedInMs: number | undefined;
  /** Until records are lost at the present pace; 0: they are being lost. Undefined when none will be. */
  readonly lossInMs: number | undefined;
  /** Until the reader is at the newest record. */
  readonly catchUpMs: number | undefined;
  /** How fast the lag grows, in ms a ms; see {@linkcode Forecast}. Not known in the first ten minutes. */
  readonly slope: number | undefined;
}

/** What is wrong with a shard that comes near the end of what its stream keeps. */
export interface LossTrouble {
  /** `error`: loss is certain at the present pace. */
  readonly level: "warning" | "error";
  readonly text: string;
}

/** So near to it, a lag that does not shrink is loss. Ours: longer than a read takes. */
const AT_HORIZON_MS = 60_000;
/** A lag that shrinks as slowly as this does not count as shrinking. Ours. */
const LEAST_SLOPE = 0.02;
/** From here on a reader catches up clearly: an hour in less than a day. Ours. */
const CLEAR_SLOPE = 0.05;
/** A reader that is not further behind is at the tip. Ours. */
const NEAR_TIP_MS = 10_000;

/** What is foreseen of one shard. */
export function lossOutlook(snapshot: Snapshot, shard: ShardTotals): LossOutlook {
  const lag = lagMs(shard, snapshot.atMs);
  if (lag === undefined) return NOTHING_FORESEEN;
  return outlookOf(snapshot, shard, lag);
}

/** Until a shard's oldest unread record is trimmed, if none is processed from now on. At least 0. */
export function trimmedInMs(snapshot: Snapshot, shard: ShardTotals): number | undefined {
  const lag = lagMs(shard, snapshot.atMs);
  return lag === undefined ? undefined : trimmedIn(snapshot, shard, lag);
}

/** The nearest trimming, and the nearest loss, of all held shards; and when the last has caught up. */
export function workerOutlook(snapshot: Snapshot): LossOutlook & { readonly leaseKey: string | undefined } {
  let soonestMs: number | undefined, lossInMs: number | undefined;
  let worst: { readonly shard: ShardTotals; readonly lag: number } | undefined;
  for (const shard of heldShards(snapshot.shards)) {
    const lag = lagMs(shard, snapshot.atMs);
    if (lag === undefined) continue;
    if (worst === undefined || lag > worst.lag) worst = { shard, lag };
    const until = trimmedIn(snapshot, shard, lag);
    if (until === undefined) continue;
    soonestMs = Math.min(soonestMs ?? Infinity, until);
    // No loss comes before the trimming: the trend is looked at only where it can matter.
    if (lag < NEAR_TIP_MS || until > (lossInMs ?? Infinity)) continue;
    const loss = outlookOf(snapshot, shard, lag).lossInMs;
    if (loss !== undefined) lossInMs = Math.min(lossInMs ?? Infinity, loss);
  }
  const { catchUpMs, slope } = worst === undefined
    ? NOTHING_FORESEEN
    : outlookOf(snapshot, worst.shard, worst.lag);
  return { trimmedInMs: soonestMs, lossInMs, catchUpMs, slope, leaseKey: worst?.shard.leaseKey };
}

/** A quarter of the retention period, unless a limit is set. */
export function lossLimitMs(retentionMs: number, limitMs: number | undefined): number {
  return limitMs ?? retentionMs / 4;
}

/**
 * Whether a shard that is held is in danger.
 *
 * @param limitMs From how little time on; undefined: a quarter of the retention period.
 */
export function lossTrouble(
  snapshot: Snapshot,
  shard: ShardTotals,
  limitMs: number | undefined,
): LossTrouble | undefined {
  const lag = lagMs(shard, snapshot.atMs);
  const retentionMs = retentionOfLease(snapshot.worker, shard.leaseKey);
  if (lag === undefined || retentionMs === undefined || lag < NEAR_TIP_MS) return undefined;
  const limit = lossLimitMs(retentionMs, limitMs);
  if (retentionMs - lag >= limit) return undefined; // no loss comes before the trimming
  const { lossInMs, slope } = outlookOf(snapshot, shard, lag);
  if (slope === undefined || slope <= -CLEAR_SLOPE) return undefined;
  const facts =
    `its reader is ${durationText(lag)} behind, ${paceText(slope)}, and the stream keeps records ` +
    `for ${durationText(retentionMs)}`;
  if (lossInMs === 0) {
    return { level: "error", text: `Records are trimmed unread and lost: ${facts}. ${WHAT_TO_DO}` };
  }
  if (lossInMs !== undefined && lossInMs < limit) {
    const text = `Records will be lost in ${
      durationText(lossInMs)
    } at the present pace: ${facts}. ${WHAT_TO_DO}`;
    return { level: "error", text };
  }
  const text = `Unread records are trimmed in ${
    durationText(Math.max(0, retentionMs - lag))
  } if none is read: ${facts}. ${WHAT_TO_DO}`;
  return { level: "warning", text };
}

const WHAT_TO_DO =
  "Raise the stream's retention period now, then find out why the reader is slow: kclite lag, kclite explain.";

const NOTHING_FORESEEN: LossOutlook = {
  trimmedInMs: undefined,
  lossInMs: undefined,
  catchUpMs: undefined,
  slope: undefined,
};

function trimmedIn({ worker }: Snapshot, { leaseKey }: ShardTotals, lag: number): number | undefined {
  const retentionMs = retentionOfLease(worker, leaseKey);
  return retentionMs === undefined ? undefined : Math.max(0, retentionMs - lag);
}

function outlookOf(snapshot: Snapshot, shard: ShardTotals, lag: number): LossOutlook {
  const { history, worker } = snapshot;
  const slope = lagTrend(history.lagOf(shard.leaseKey, TREND_MINUTES + 1));
  const forecast = forecastOf({
    before: slope === undefined ? undefined : { behindMs: lag - slope * TREND_MS, atMs: -TREND_MS },
    now: { behindMs: lag, atMs: 0 },
    oldestUnreadAgeMs: lag,
    retentionMs: retentionOfLease(worker, shard.leaseKey),
  });
  return {
    trimmedInMs: trimmedIn(snapshot, shard, lag),
    lossInMs: lossIn(forecast, lag),
    catchUpMs: forecast.catchUpMs,
    slope: forecast.slope,
  };
}

/** The time over which a trend is seen. */
const TREND_MS = TREND_MINUTES * 30_000;

function lossIn({ slope, trimmedInMs, lossInMs }: Forecast, lag: number): number | undefined {
  if (slope === undefined || trimmedInMs === undefined || lag < NEAR_TIP_MS) return undefined;
  if (trimmedInMs <= AT_HORIZON_MS) return slope > -LEAST_SLOPE ? 0 : undefined;
  return lossInMs;
}

function paceText(slope: number): string {
  if (slope > LEAST_SLOPE) return `falls behind by ${durationText(slope * 3_600_000)} an hour`;
  return slope < -LEAST_SLOPE
    ? `catches up ${durationText(-slope * 3_600_000)} an hour`
    : "catches up nothing";
}
