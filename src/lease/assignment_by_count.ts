// Pure.
/**
 * Gives every worker the same number of leases.
 *
 * Fairer than KCL in one point: KCL fills workers up to `ceil(leases / workers)` one after the other and then leaves
 * them, so that 10 leases on 4 workers stand at 3, 3, 3, 1. Here the worker with the fewest is always served next, and
 * leases move until no two workers differ by more than one; then nothing moves any more.
 *
 * Source: KCL 3.5.1, `LeaseCountBasedLeaseAssignmentDecider`.
 *
 * @module
 */

import {
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

/** What the strategy can be told. */
export interface CountOptions {
  /** How many unfinished leases one worker may have a hand in; Infinity for no limit. */
  readonly maxLeasesForWorker: number;
}

/** Hands out the available leases, then evens out the rest. */
export function moveByCount(fleet: Fleet, options: CountOptions): Moves {
  const workers = loadsOf(fleet);
  const hasRoom = (worker: WorkerLoad) => worker.held < options.maxLeasesForWorker;
  const handedOut = handOut(fleet.available, { workers, hasRoom, byNeed: byUnfinished, give });
  const strangers = new Set(strangersOf(fleet));
  const balanced = evenOutCounts({
    workers: [...workers, ...strangers],
    mayTake: (worker) => !strangers.has(worker) && hasRoom(worker),
    takeFrom,
    give,
  });
  return { ...handedOut, balanced };
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
 * Moves leases from who has most to who has least, until nobody who may take has two less than another that
 * may give. Of many streams each loses its part, for one stream may be busy and another idle: a newcomer with
 * the busy one alone would have it all.
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

/** Orders leases so that any run of them has of each stream its part of all; those of one stream keep their order. */
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
