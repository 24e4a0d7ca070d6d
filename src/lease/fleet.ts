// Pure.
/**
 * What both assignment strategies work on: a fleet as one pass sees it, and the load of each worker as the
 * pass hands out leases.
 *
 * A lease in a pending handoff weighs on its next owner; towards a worker's limit it counts for both owners.
 * A lease whose shard is done weighs nothing and has no limit: it only waits to be cleaned up.
 *
 * @module
 */

import { actualOwner, type Lease } from "./lease.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { LiveWorker } from "./live_workers.ts";

/** A fleet as one pass sees it. */
export interface Fleet {
  /** The workers that may be given leases, ordered by id. */
  readonly candidates: readonly LiveWorker[];
  /** Ids of owners that renew their leases and report nothing. They give leases, and get none. */
  readonly strangers: readonly string[];
  /** Ids of live workers that an operator drains. They give all leases, and get none. */
  readonly draining: readonly string[];
  /** The leases that need an owner, in the order in which they are served. */
  readonly available: readonly Lease[];
  /** All other leases, owned by any worker. */
  readonly settled: readonly Lease[];
  /** Keys of the leases that cannot be moved yet, since their owners would not answer. */
  readonly unbegun: ReadonlySet<string>;
}

/** What a strategy decides. */
export interface Moves {
  /** Available leases with the worker that each is given to, which may be the one it had. */
  readonly given: readonly Move[];
  /** Settled leases that change hands, to relieve a worker or to even out the load. */
  readonly balanced: readonly Move[];
  /** Available leases for which no worker had room. */
  readonly spillover: readonly Lease[];
}

/** A lease and the worker that shall have it. */
export interface Move {
  readonly lease: Lease;
  readonly to: string;
}

/** One worker's load, changed in place during a pass. */
export interface WorkerLoad {
  readonly workerId: string;
  /** Unfinished leases that it has a hand in, as owner or as next owner: what `maxLeasesForWorker` limits. */
  held: number;
  /** Unfinished leases that it owns once the pending handoffs are through. */
  unfinished: number;
  /** Leases of shards that are done. */
  completed: number;
  /** Its leases that may be moved elsewhere, ordered by key: unfinished, begun, and not in a handoff. */
  movable: readonly Lease[];
}

/** The load of each candidate before anything is handed out. */
export function loadsOf(fleet: Fleet): WorkerLoad[] {
  return loadsFor(fleet, fleet.candidates.map(({ workerId }) => workerId));
}

/** What the owners have that report nothing. */
export function strangersOf(fleet: Fleet): WorkerLoad[] {
  return loadsFor(fleet, fleet.strangers);
}

/** What the workers have that are drained. */
export function drainingOf(fleet: Fleet): WorkerLoad[] {
  return loadsFor(fleet, fleet.draining);
}

function loadsFor(fleet: Fleet, workerIds: readonly string[]): WorkerLoad[] {
  const owned = groupBy(fleet.settled, (lease) => lease.leaseOwner);
  const leaving = groupBy(
    fleet.settled.filter((lease) =>
      lease.checkpointOwner !== lease.leaseOwner && !isShardEnd(lease.checkpoint)
    ),
    (lease) => lease.checkpointOwner,
  );
  return workerIds.map((workerId) => {
    const all = owned.get(workerId) ?? [];
    const unfinished = all.filter((lease) => !isShardEnd(lease.checkpoint));
    return {
      workerId,
      held: unfinished.length + (leaving.get(workerId)?.length ?? 0),
      unfinished: unfinished.length,
      completed: all.length - unfinished.length,
      movable: unfinished.filter(({ checkpointOwner, leaseKey }) =>
        checkpointOwner === undefined && !fleet.unbegun.has(leaseKey)
      )
        .toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1),
    };
  });
}

/** How a strategy hands out leases. */
export interface HandOut<Worker extends WorkerLoad> {
  readonly workers: readonly Worker[];
  readonly hasRoom: (worker: Worker) => boolean;
  /** Orders workers, the one that should be served next first. */
  readonly byNeed: (a: Worker, b: Worker) => number;
  /** Books a lease on the worker that gets it. */
  readonly give: (worker: Worker, lease: Lease) => void;
}

/**
 * Gives each available lease to the worker that needs it most and has room. The worker under which a lease
 * expired comes last: it may be alive, but it did not renew in time.
 */
export function handOut<Worker extends WorkerLoad>(
  available: readonly Lease[],
  { workers, hasRoom, byNeed, give }: HandOut<Worker>,
): Pick<Moves, "given" | "spillover"> {
  const given: Move[] = [];
  const spillover: Lease[] = [];
  for (const lease of available) {
    const isDone = isShardEnd(lease.checkpoint);
    const isFormer = (worker: Worker) => Number(worker.workerId === actualOwner(lease));
    const taker = least(
      workers,
      (worker) => isDone || hasRoom(worker),
      (a, b) => isFormer(a) - isFormer(b) || (isDone ? a.completed - b.completed : byNeed(a, b)),
    );
    if (taker === undefined) {
      spillover.push(lease);
    } else {
      give(taker, lease);
      given.push({ lease, to: taker.workerId });
    }
  }
  return { given, spillover };
}

/** Books a lease on the worker that gets it. It is not moved again in the same pass. */
export function give(load: WorkerLoad, lease: Lease): void {
  if (isShardEnd(lease.checkpoint)) {
    load.completed++;
  } else {
    load.unfinished++;
    load.held++;
  }
}

/** Books a lease off the worker that gives it away; that one keeps a hand in it until it is drained. */
export function takeFrom(load: WorkerLoad, lease: Lease): void {
  load.unfinished--;
  load.movable = load.movable.filter((other) => other !== lease);
}

/** The least of the items that qualify, by an order; the first of equals. Undefined when none qualifies. */
export function least<T>(
  items: readonly T[],
  qualifies: (item: T) => boolean,
  order: (a: T, b: T) => number,
): T | undefined {
  let found: T | undefined;
  for (const item of items) {
    if (qualifies(item) && (found === undefined || order(item, found) < 0)) found = item;
  }
  return found;
}

/** Groups items by a key, in order. (`Map.groupBy` is not in Node 20.) */
export function groupBy<Key, Item>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
