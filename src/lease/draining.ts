// Pure.
/**
 * Decides what a leader does with workers that an operator drains: they are given no leases, and theirs go to
 * others, in order.
 *
 * The mark is an attribute of the worker's metrics item (`WorkerMetrics.drainingSinceEpochS`). It ends with
 * the item, or with the process that the item is of. A drained worker stays alive, and may lead.
 *
 * Nothing is left unread for it. A lease stays where it is while no other worker has room. When every live
 * worker is marked, the marks say nothing: somebody must read.
 *
 * KCL knows no draining, and its leaders ignore the mark.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";
import { least, type Move, type WorkerLoad } from "./fleet.ts";
import type { Lease } from "./lease.ts";
import type { LiveWorker } from "./live_workers.ts";

/**
 * How many leases of one draining worker may be on their way at once. Each is read by nobody for some
 * seconds, and is a burst for the worker that gets it. Ours.
 */
export const DRAINED_AT_ONCE = 20;

/** Who may be given leases, and who is to be relieved of them. */
export interface DrainRoles {
  /** Ordered by id. */
  readonly candidates: readonly LiveWorker[];
  /** Ids, ordered. */
  readonly draining: readonly string[];
}

/** Ids of the workers with a mark, alive or not. */
export function markedWorkers(items: readonly WorkerMetrics[]): ReadonlySet<string> {
  return new Set(
    items.filter((item) => item.drainingSinceEpochS !== undefined).map(({ workerId }) => workerId),
  );
}

/**
 * @param live The workers that could be given leases, ordered by id.
 * @param marked See {@linkcode markedWorkers}.
 * @param renewing Ids of owners that renew their leases, whether they report or not.
 */
export function drainRoles(
  live: readonly LiveWorker[],
  marked: ReadonlySet<string>,
  renewing: ReadonlySet<string> = new Set(),
): DrainRoles {
  const candidates = live.filter(({ workerId }) => !marked.has(workerId));
  if (candidates.length === 0) return { candidates: live, draining: [] };
  const alive = new Set([...live.map(({ workerId }) => workerId), ...renewing]);
  return { candidates, draining: [...alive].filter((workerId) => marked.has(workerId)).toSorted() };
}

/** How draining workers are relieved of their leases. */
export interface Relief<Worker extends WorkerLoad> {
  readonly draining: readonly Worker[];
  readonly workers: readonly Worker[];
  readonly hasRoom: (worker: Worker) => boolean;
  /** Orders workers, the one that should be served next first. */
  readonly byNeed: (a: Worker, b: Worker) => number;
  /** Books a lease off the worker that gives it away. */
  readonly takeFrom: (worker: Worker, lease: Lease) => void;
  /** Books a lease on the worker that gets it. */
  readonly give: (worker: Worker, lease: Lease) => void;
}

/** Moves leases of draining workers to those that need them most, as far as these have room. */
export function relieve<Worker extends WorkerLoad>(relief: Relief<Worker>): Move[] {
  const { draining, workers, hasRoom, byNeed, takeFrom, give } = relief;
  const moves: Move[] = [];
  for (const worker of draining) {
    const underWay = worker.held - worker.unfinished;
    for (const lease of worker.movable.slice(0, Math.max(0, DRAINED_AT_ONCE - underWay))) {
      const to = least(workers, hasRoom, byNeed);
      if (to === undefined) return moves;
      takeFrom(worker, lease);
      give(to, lease);
      moves.push({ lease, to: to.workerId });
    }
  }
  return moves;
}
