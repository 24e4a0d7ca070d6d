// Pure.
/**
 * Gives leases to the workers with the lowest load. A worker measures its load itself (CPU, memory, network);
 * if it measures nothing, the throughput of its leases counts. One fleet may have both kinds.
 *
 * A lease is moved only to a worker that stays at or below the average. So every move narrows the spread, and
 * balancing ends. KCL gives up in three cases: a lease fits nowhere; the donors of a metric can give nothing;
 * joining workers measure nothing, but others do. Here the next lease, metric or donor is tried.
 *
 * A joining worker gets its share of the leases by number, immediately; the load is evened out from there. By
 * load alone it would get one lease a minute, and none at all if two workers measure the same host. (KCL has
 * no such rule.) This happens only once, or a worker that cannot bear a lease would be given one again and
 * again.
 *
 * The leases of an owner that reports nothing are counted too, since its load is not known. Its leases above
 * the average of all workers move to workers that are not busy. (KCL does not see such owners, and moves
 * nothing from them.)
 *
 * Source: KCL 3.5.1, `VarianceBasedLeaseAssignmentDecider`, `LeaseAssignmentManager`.
 *
 * @module
 */

import { evenOutCounts } from "./assignment_by_count.ts";
import { relieve } from "./draining.ts";
import { type Fleet, handOut, least, type Move, type Moves } from "./fleet.ts";
import type { Lease } from "./lease.ts";
import { byNeed, LoadScale, sum, THROUGHPUT, type WeighedWorker } from "./load_scale.ts";

/** Options of this strategy. */
export interface LoadOptions {
  /** How many unfinished leases one worker may have a hand in; Infinity for no limit. */
  readonly maxLeasesForWorker: number;
  /**
   * A worker above this is given no more leases, in KB/s; Infinity for no limit. KCL:
   * `maxThroughputPerHostKBps`.
   */
  readonly maxThroughputPerHostKBps: number;
  /** How much of a worker's excess is moved in one pass, in percent. KCL: `dampeningPercentage`. */
  readonly dampeningPercentage: number;
  /**
   * How far from the average a worker may be before leases move, in percent. KCL:
   * `reBalanceThresholdPercentage`.
   */
  readonly reBalanceThresholdPercentage: number;
  /**
   * Whether the smallest lease of a worker is moved when even that is more than its excess. KCL:
   * `allowThroughputOvershoot`.
   */
  readonly allowThroughputOvershoot: boolean;
  /** Whether the load is evened out in this pass. Joining workers get their share in every pass. */
  readonly balance: boolean;
  /** Ids of workers that have not had a lease yet. */
  readonly newcomers: ReadonlySet<string>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Hands out the available leases, then evens out the rest. */
export function moveByLoad(fleet: Fleet, options: LoadOptions): Moves {
  const scale = new LoadScale(fleet);
  const hasRoom = (worker: WeighedWorker) =>
    worker.held < options.maxLeasesForWorker && worker.throughputKBps <= options.maxThroughputPerHostKBps;
  const handedOut = handOut(fleet.available, {
    workers: scale.workers,
    hasRoom,
    byNeed,
    give: (worker, lease) => scale.give(worker, lease),
  });
  const relieved = relieve({
    draining: scale.draining,
    workers: scale.workers,
    hasRoom,
    byNeed,
    takeFrom: (worker, lease) => scale.takeFrom(worker, lease),
    give: (worker, lease) => scale.give(worker, lease),
  });
  const counted = [...relieved, ...moveByNumber(scale, hasRoom, options)];
  // Moves by number change what every worker measures: the rest can wait until the measurements show it.
  const isDue = options.balance && counted.length === 0;
  return { ...handedOut, balanced: isDue ? evenOut(scale, hasRoom, options) : counted };
}

/**
 * Gives each joining worker the average number of leases, and takes from owners that report nothing their
 * leases above the average. Workers that are busy get none.
 */
function moveByNumber(
  scale: LoadScale,
  hasRoom: (worker: WeighedWorker) => boolean,
  options: LoadOptions,
): Move[] {
  const highest = 1 + options.reBalanceThresholdPercentage / 100;
  const isAbove = (worker: WeighedWorker) => (metric: string) =>
    scale.valueOf(worker, metric) >
      Math.min(scale.averageOf(metric) * highest, worker.limits.get(metric) ?? Infinity);
  const isBusy = (worker: WeighedWorker) => [...worker.values.keys()].some(isAbove(worker));
  const newcomers = new Set(
    scale.workers.filter((worker) =>
      options.newcomers.has(worker.workerId) && worker.unfinished === 0 && !isBusy(worker)
    ),
  );
  const books = {
    takeFrom: (worker: WeighedWorker, lease: Lease) => scale.takeFrom(worker, lease),
    give: (worker: WeighedWorker, lease: Lease) => scale.give(worker, lease),
  };
  const strangers = new Set(scale.strangers);
  const all = [...scale.workers, ...strangers];
  const average = sum(all.map((worker) => worker.unfinished)) / all.length;
  const fromStrangers = evenOutCounts({
    workers: all,
    mayGive: (worker) => strangers.has(worker) && worker.unfinished > average,
    // A share of the throughput says nothing here: it is a share of what the others have.
    mayTake: (worker) =>
      !strangers.has(worker) && hasRoom(worker) &&
      ![...worker.values.keys()].filter((metric) => metric !== THROUGHPUT).some(isAbove(worker)),
    ...books,
  });
  const toNewcomers = evenOutCounts({
    workers: scale.workers,
    mayTake: (worker) => newcomers.has(worker) && hasRoom(worker),
    ...books,
  });
  return [...fromStrangers, ...toNewcomers];
}

/** A worker that has more than its part of a metric. */
interface Donor {
  readonly worker: WeighedWorker;
  /** The weight that it should give away in this pass. */
  readonly excess: number;
  /** Whether giving to this worker serves the purpose. */
  readonly helps: (taker: WeighedWorker) => boolean;
}

function evenOut(
  scale: LoadScale,
  hasRoom: (worker: WeighedWorker) => boolean,
  options: LoadOptions,
): Move[] {
  const moves: Move[] = [];
  /** Moves the lease to the neediest worker that it fits, if there is one. */
  const tryMove = ({ worker: from, helps }: Donor, lease: Lease): boolean => {
    const to = least(
      scale.workers,
      (worker) => worker !== from && helps(worker) && hasRoom(worker) && scale.fits(worker, lease),
      byNeed,
    );
    if (to === undefined) return false;
    scale.takeFrom(from, lease);
    scale.give(to, lease);
    moves.push({ lease, to: to.workerId });
    return true;
  };
  const give = (donor: Donor): void => {
    const { worker, excess } = donor;
    const leases = shuffled(worker.movable, options.random);
    if (worker.weight === 0) {
      leases.some((lease) => tryMove(donor, lease));
      return;
    }
    const before = moves.length;
    let remaining = excess;
    for (const lease of leases) {
      const weight = scale.weightOf(lease);
      if (remaining - weight > 0 && tryMove(donor, lease)) remaining -= weight;
    }
    const smallest = least(leases, () => true, (a, b) => scale.weightOf(a) - scale.weightOf(b));
    if (moves.length === before && options.allowThroughputOvershoot && smallest !== undefined) {
      tryMove(donor, smallest);
    }
  };
  for (const donors of donorsByMetric(scale, options)) {
    donors.toSorted((a, b) => b.excess - a.excess).forEach(give);
    if (moves.length > 0) break;
  }
  return moves;
}

/** The donors of each metric that is uneven, the metric first in which the most weight should move. */
function donorsByMetric(scale: LoadScale, options: LoadOptions): Donor[][] {
  const total = (donors: readonly Donor[]) => sum(donors.map((donor) => donor.excess));
  return scale.metrics.map((metric) => donorsOf(metric, scale, options)).toSorted((a, b) =>
    total(b) - total(a)
  );
}

function donorsOf(metric: string, scale: LoadScale, options: LoadOptions): Donor[] {
  const average = scale.averageOf(metric);
  const threshold = options.reBalanceThresholdPercentage / 100;
  const upper = average * (1 + threshold), lower = average * (1 - threshold);
  const valueOf = (worker: WeighedWorker) => scale.valueOf(worker, metric);
  const isAboveLimit = (worker: WeighedWorker) => valueOf(worker) > (worker.limits.get(metric) ?? Infinity);
  const measuring = scale.workers.filter((worker) => worker.values.has(metric));
  const isStarving = measuring.some((worker) => valueOf(worker) < lower);
  if (!isStarving && !measuring.some((worker) => valueOf(worker) > upper || isAboveLimit(worker))) return [];
  // A worker that measures nothing and has little is helped by all that have more than their share.
  const workers = metric === THROUGHPUT && isStarving ? scale.workers : measuring;
  const busy = workers.filter((worker) => valueOf(worker) >= upper || isAboveLimit(worker));
  const busiest = least(workers, () => true, (a, b) => valueOf(b) - valueOf(a));
  const donors = busy.length > 0 || busiest === undefined ? busy : [busiest];
  return donors.filter((worker) => valueOf(worker) > average).map((worker) => ({
    worker,
    excess: worker.weight * ((valueOf(worker) - average) / valueOf(worker)) *
      (options.dampeningPercentage / 100),
    helps: (taker) => worker.values.has(metric) || taker.values.has(metric),
  }));
}

/** Shuffled, so that every lease gets its turn. Its cost may not show in the throughput. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items.map((item) => ({ item, key: random() })).toSorted((a, b) => a.key - b.key).map(({ item }) =>
    item
  );
}
