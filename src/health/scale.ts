// Pure.
/**
 * Says how many workers a fleet should have: the body of `/scale`, for KEDA's metrics-api scaler.
 *
 * Two answers are computed, and the larger one holds. By CPU: the sum over workers of what each uses of what
 * it may use. By lag: the workers that there are, times what the shards that are behind would have to process
 * for what they process now. It is never more than there are unfinished shards, since a shard has one reader,
 * and never more than twice the workers that there are.
 *
 * Nothing is remembered from one answer to the next, because each may come from another worker. So that the
 * answer does not flap, a worker is given up only when the others would have room left, and while no shard is
 * behind. What lies between the two bounds changes nothing.
 *
 * @module
 */

import { lossOutlook } from "../observe/data_loss.ts";
import { heldShards, lagMs } from "../observe/shard_totals.ts";
import type { Snapshot } from "../observe/totals.ts";
import type { WorkerRow } from "../operate/describe.ts";

/** What is known of a fleet's table. */
export interface FleetLoad {
  /** Of each worker: whether it reports, what it holds, and how busy it is. */
  readonly workers: readonly Pick<
    WorkerRow,
    "state" | "leases" | "cpuPercent" | "cpuLimitPercent" | "drainingSinceEpochS"
  >[];
  /** Unfinished leases. */
  readonly leases: readonly { readonly leaseKey: string; readonly lagMs: number | undefined }[];
  /** How old the look is. */
  readonly ageMs: number;
}

/** How many workers there should be, and why. */
export interface ScaleAnswer {
  /** How many workers the fleet should have. */
  readonly workersWanted: number;
  /** How far the shard that is furthest behind is behind; null when nothing is known of any. */
  readonly lagSeconds: number | null;
  /** How many there are. */
  readonly workers: number;
  /** More workers than these would have nothing to read. */
  readonly unfinishedShards: number;
  /** By CPU alone; null when no worker reports it. */
  readonly workersByCpu: number | null;
  /** By lag alone; null when no lag is known. */
  readonly workersByLag: number | null;
  /** How old the look at the fleet is. */
  readonly fleetAgeSeconds: number;
}

/**
 * The most that a worker should use, also where it reports a higher limit. Workers report 100, and never use
 * more: without this no CPU would ever ask for another worker. Ours.
 */
const CPU_LIMIT_PERCENT = 80;
/** A worker is given up when those who stay would use no more than this part of their limits. Ours. */
const DOWN_SHARE = 0.7;
/** From this part of the target time on a shard is behind. Ours. */
const BEHIND_SHARE = 1 / 5;
/** No worker is given up while a shard is further behind than this part of the target time. Ours. */
const CALM_SHARE = 1 / 10;
/** The most that one answer asks for, by workers that there are. Ours. */
const MOST_GROWTH = 2;
/** A shard of which next to nothing is processed counts as one of which this much is. Ours. */
const LEAST_PACE = 0.05;
/** An older look says nothing about now. Ours. */
const MOST_AGE_MS = 300_000;

/** In which time a reader that is behind should have caught up, in ms. Ours. */
export const CATCH_UP_TARGET_MS = 900_000;

/**
 * The answer. Undefined when the fleet is not known: a wrong figure would end workers that are needed.
 *
 * @param fleet What the table shows. Undefined: it is not looked at, and only a leader knows enough.
 */
export function scaleOf(
  snapshot: Snapshot,
  fleet: FleetLoad | undefined,
  catchUpTargetMs: number = CATCH_UP_TARGET_MS,
): ScaleAnswer | undefined {
  if (fleet !== undefined && fleet.ageMs > MOST_AGE_MS) return undefined;
  const sizes = fleet === undefined ? sizesOfLeader(snapshot) : sizesOf(fleet);
  if (sizes === undefined) return undefined;
  const { workers, unfinishedShards } = sizes;
  const cpu = fleet === undefined ? undefined : cpuLoad(fleet, workers);
  const factor = lagFactor(snapshot, fleet, catchUpTargetMs);
  const lag = largestLag(snapshot, fleet);
  const workersByLag = factor === undefined ? undefined : upTo(workers * factor);
  const isCalm = lag !== undefined && lag <= catchUpTargetMs * CALM_SHARE;
  // Without figures nothing is known of what others could bear.
  const canBear = cpu === undefined || !isCalm ? workers : Math.min(workers, upTo(cpu / DOWN_SHARE));
  const byLag = factor === undefined || factor <= 1 ? 0 : workersByLag ?? 0;
  const asked = Math.max(canBear, upTo(cpu ?? 0), byLag);
  const most = Math.min(unfinishedShards, workers * MOST_GROWTH);
  return {
    workersWanted: Math.max(1, Math.min(asked, most)),
    lagSeconds: lag === undefined ? null : Math.round(lag / 1000),
    workers,
    unfinishedShards,
    workersByCpu: cpu === undefined ? null : Math.max(1, upTo(cpu)),
    workersByLag: workersByLag ?? null,
    fleetAgeSeconds: Math.round((fleet?.ageMs ?? 0) / 1000),
  };
}

interface Sizes {
  readonly workers: number;
  readonly unfinishedShards: number;
}

/** A leader has counted its fleet at its last pass. Some of its leases may be of finished shards. */
function sizesOfLeader({ worker }: Snapshot): Sizes | undefined {
  if (!worker.leader || worker.fleet === undefined) return undefined;
  return { workers: Math.max(1, worker.fleet.workers), unfinishedShards: worker.fleet.leases };
}

/** A worker that is silent, or leaves, is none. */
function sizesOf(fleet: FleetLoad): Sizes {
  return { workers: Math.max(1, livingOf(fleet).length), unfinishedShards: fleet.leases.length };
}

function livingOf({ workers }: FleetLoad): FleetLoad["workers"] {
  return workers.filter(({ state, leases, drainingSinceEpochS }) =>
    drainingSinceEpochS === undefined && (state === "reports" || (state === "noReport" && leases > 0))
  );
}

/** How many workers at their limit the CPU that is used would fill; those without a figure as the others. */
function cpuLoad(fleet: FleetLoad, workers: number): number | undefined {
  const shares = livingOf(fleet).flatMap(({ cpuPercent, cpuLimitPercent = CPU_LIMIT_PERCENT }) => {
    if (cpuPercent === undefined || !(cpuPercent >= 0 && cpuPercent < Infinity)) return [];
    return cpuPercent /
      (cpuLimitPercent > 0 ? Math.min(cpuLimitPercent, CPU_LIMIT_PERCENT) : CPU_LIMIT_PERCENT);
  });
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.length === 0 ? undefined : sum * workers / shares.length;
}

/**
 * What the shards would have to process, for what they process: 1 when none is behind for too long. A shard
 * that keeps pace processes 1 ms of its stream in 1 ms. So does one of which no trend is known: one that was
 * gained lately, or of another worker.
 */
function lagFactor(
  snapshot: Snapshot,
  fleet: FleetLoad | undefined,
  catchUpTargetMs: number,
): number | undefined {
  let has = 0, needs = 0;
  const count = (lag: number | undefined, slope: () => number | undefined) => {
    if (!isLag(lag)) return;
    const isBehind = lag >= catchUpTargetMs * BEHIND_SHARE;
    const pace = isBehind ? Math.max(LEAST_PACE, 1 - (slope() ?? 0)) : 1;
    has += pace;
    needs += isBehind ? Math.max(pace, 1 + lag / catchUpTargetMs) : 1;
  };
  const own = new Set<string>();
  for (const shard of heldShards(snapshot.shards)) {
    own.add(shard.leaseKey);
    count(lagMs(shard, snapshot.atMs), () => lossOutlook(snapshot, shard).slope);
  }
  for (const { leaseKey, lagMs } of fleet?.leases ?? []) {
    if (!own.has(leaseKey)) count(lagMs, () => undefined);
  }
  return has === 0 ? undefined : needs / has;
}

/** Of the whole fleet, as far as it is known. */
function largestLag(snapshot: Snapshot, fleet: FleetLoad | undefined): number | undefined {
  const lags = [
    ...heldShards(snapshot.shards).map((shard) => lagMs(shard, snapshot.atMs)),
    ...fleet?.leases.map((lease) => lease.lagMs) ?? [],
  ].filter(isLag);
  return lags.length === 0 ? undefined : lags.reduce((a, b) => Math.max(a, b));
}

function isLag(lag: number | undefined): lag is number {
  return lag !== undefined && lag >= 0 && lag < Infinity;
}

/** Rounded up; a rounding error of the computation asks for no worker. */
function upTo(workers: number): number {
  return Math.ceil(workers - 1e-6);
}
