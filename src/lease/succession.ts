// Pure.
/**
 * Decides who gets the leases of a worker that stops, so that they need not wait for a leader to find them free.
 *
 * A stricter eye than a leader's: a lease given to a dead worker waits for the whole failover time, a lease
 * left free only for the leader's next pass. So only a worker that has just reported counts, and one that holds no lease
 * only where nobody else does: a Java worker that has stopped leaves its metrics item behind, and looks like one that has
 * just joined. (One that has just joined gets its part at the leader's next pass, in order.)
 *
 * @module
 */

import { isShardEnd } from "../stream/sequence_number.ts";
import type { Lease } from "./lease.ts";
import { type LiveWorker, METRICS_REPORT_INTERVAL_S } from "./live_workers.ts";

/** A report may be late by this much before its worker counts as gone, in s. */
const LATENESS_S = 5;

/** What a stopping worker knows of its fleet. */
export interface SuccessionInput {
  readonly workerId: string;
  /** The whole table. */
  readonly leases: readonly Lease[];
  readonly workers: readonly LiveWorker[];
  /** Wall time in epoch seconds. */
  readonly nowEpochS: number;
}

/**
 * Chooses the next owner of each lease of the worker that stops: the other workers with leases in turn, the one with the
 * fewest unfinished leases first; if none has any, all others. Empty when no other worker is known to live.
 *
 * @returns The next owner by lease key.
 */
export function successors(input: SuccessionInput): ReadonlyMap<string, string> {
  const { workerId, leases, workers, nowEpochS } = input;
  const counts = new Map<string, number>();
  for (const worker of workers) {
    const age = nowEpochS - worker.lastUpdateEpochS;
    if (worker.workerId !== workerId && age <= METRICS_REPORT_INTERVAL_S + LATENESS_S) {
      counts.set(worker.workerId, 0);
    }
  }
  for (const { leaseOwner, checkpoint } of leases) {
    const count = leaseOwner === undefined ? undefined : counts.get(leaseOwner);
    if (leaseOwner !== undefined && count !== undefined && !isShardEnd(checkpoint)) {
      counts.set(leaseOwner, count + 1);
    }
  }
  const holders = [...counts].filter(([, count]) => count > 0);
  const heirs = new Map(holders.length > 0 ? holders : counts);
  const chosen = new Map<string, string>();
  for (const lease of leases) {
    if (lease.leaseOwner !== workerId) continue;
    const [next] = [...heirs].toSorted(([idA, a], [idB, b]) => a - b || (idA < idB ? -1 : 1))[0] ?? [];
    if (next === undefined) break;
    chosen.set(lease.leaseKey, next);
    heirs.set(next, (heirs.get(next) ?? 0) + 1);
  }
  return chosen;
}
