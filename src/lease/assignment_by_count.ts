// Pure.
/**
 * Gives every worker the same number of leases.
 *
 * Fairer than KCL in one point. KCL fills one worker after another up to `ceil(leases / workers)` and then
 * stops: 10 leases on 4 workers become 3, 3, 3, 1. Here the worker with the fewest leases always gets the
 * next one. Leases move until no two workers differ by more than one; then nothing moves any more.
 *
 * Source: KCL 3.5.1, `LeaseCountBasedLeaseAssignmentDecider`.
 *
 * @module
 */

import { relieve } from "./draining.ts";
import {
  drainingOf,
  type Fleet,
  give,
  groupBy,
  handOut,
  least,
  loadsOf,
  type Move,
  type Moves,
  strangersOf,
  takeFrom,
  type WorkerLoad,
} from "./fleet.ts";
import type { Lease } from "./lease.ts";

/** Options of this strategy. */
export interface CountOptions {
  /** How many unfinished leases one worker may have a hand in; Infinity for no limit. */
  readonly maxLeasesForWorker: number;
}

/** Hands out the available leases, then evens out the rest. */
export function moveByCount(fleet: Fleet, options: CountOptions): Moves {
  const workers = loadsOf(fleet);
  const hasRoom = (worker: WorkerLoad) => worker.held < options.maxLeasesForWorker;
  const handedOut = handOut(fleet.available, { workers, hasRoom, byNeed: byUnfinished, give });
  const relieved = relieve({
    draining: drainingOf(fleet),
    workers,
    hasRoom,
    byNeed: byUnfinished,
    takeFrom,
    give,
  });
  const strangers = new Set(strangersOf(fleet));
  const balanced = evenOutCounts({
    workers: [...workers, ...strangers],
    mayTake: (worker) => !strangers.has(worker) && hasRoom(worker),
    takeFrom,
    give,
  });
  return { ...handedOut, balanced: [...relieved, ...balanced] };
}

/** How counts are evened out. */
export interface EvenOut<Worker extends WorkerLoad> {
  readonly workers: readonly Worker[];
  /** By default every worker may. */
  readonly mayGive?: (worker: Worker) => boolean;
  readonly mayTake: (worker: Worker) => boolean;
  /** Books a lease off the worker that gives it away. */
  readonly takeFrom: (worker: Worker, lease: Lease) => void;
  /** Books a lease on the worker that gets it. */
  readonly give: (worker: Worker, lease: Lease) => void;
}

/**
 * Moves leases from the worker with most to the worker with fewest. Stops when no worker that may take has
 * two fewer than a worker that may give. If there are many streams, leases of each stream move in proportion.
 * One stream may be busy and another idle, and a joining worker shall not get the busy one alone.
 */
export function evenOutCounts<Worker extends WorkerLoad>(options: EvenOut<Worker>): Move[] {
  const { workers, mayGive = () => true, mayTake, takeFrom, give } = options;
  const moves: Move[] = [];
  for (const worker of workers) worker.movable = mixed(worker.movable);
  for (;;) {
    const from = least(
      workers,
      (worker) => worker.movable.length > 0 && mayGive(worker),
      (a, b) => byUnfinished(b, a),
    );
    const to = least(workers, mayTake, byUnfinished);
    const lease = from?.movable.at(-1);
    if (from === undefined || to === undefined || lease === undefined) return moves;
    if (from.unfinished - to.unfinished < 2) return moves;
    takeFrom(from, lease);
    give(to, lease);
    moves.push({ lease, to: to.workerId });
  }
}

/**
 * Orders leases so that any run of them has of each stream its part of all; those of one stream keep their
 * order.
 */
function mixed(leases: readonly Lease[]): readonly Lease[] {
  const streams = groupBy(leases, (lease) => lease.streamIdentifier);
  if (streams.size < 2) return leases;
  return [...streams.values()]
    .flatMap((own) => own.map((lease, i) => ({ lease, place: (i + 0.5) / own.length })))
    .toSorted((a, b) => a.place - b.place)
    .map(({ lease }) => lease);
}

function byUnfinished(a: WorkerLoad, b: WorkerLoad): number {
  return a.unfinished - b.unfinished;
}
