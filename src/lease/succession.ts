// Pure.
/**
 * Decides which workers get the leases of a worker that stops, so that the leases need not wait for a leader
 * to find them free.
 *
 * It is stricter than a leader. A lease given to a worker that has died waits for the whole failover time. A
 * lease left free waits only for the leader's next pass. So only workers that have just reported count. A
 * worker without leases counts only if no other worker has any. It may be a Java worker that has stopped,
 * which leaves its metrics item behind. (A worker that has just joined gets its part at the leader's next
 * pass.) A worker that is drained counts only if all others are.
 *
 * @module
 */

import { isShardEnd } from "../stream/sequence_number.ts";
import { drainRoles } from "./draining.ts";
import { least } from "./fleet.ts";
import type { Lease } from "./lease.ts";
import { type LiveWorker, METRICS_REPORT_INTERVAL_S } from "./live_workers.ts";

/** A report may be late by this much before its worker counts as stopped, in s. */
const LATENESS_S = 5;

/** What a stopping worker knows of its fleet. */
export interface SuccessionInput {
  readonly workerId: string;
  /** The whole table. */
  readonly leases: readonly Lease[];
  readonly workers: readonly LiveWorker[];
  /** Ids of workers that an operator drains. */
  readonly marked: ReadonlySet<string>;
}

/**
 * Chooses the next owner of each lease of the worker that stops. Leases go to the other workers that have
 * leases, in turn, the one with the fewest unfinished leases first. If no other worker has leases, all others
 * are candidates. Empty when no other worker is known to be alive.
 *
 * Workers that stop together would all choose the same successors. So each plans the leases of every stopped
 * worker, in key order, and then writes only its own. Workers that read the same table make the same plan.
 *
 * @returns The next owner by lease key.
 */
export function successors(input: SuccessionInput): ReadonlyMap<string, string> {
  const { workerId, leases, marked } = input;
  const others = input.workers.filter((worker) =>
    worker.workerId !== workerId && worker.ageS <= METRICS_REPORT_INTERVAL_S + LATENESS_S
  );
  const { candidates: workers, draining } = drainRoles(others, marked);
  const drained = new Set(draining);
  const counts = new Map<string, number>();
  for (const worker of workers) counts.set(worker.workerId, 0);
  const unowned: Lease[] = [];
  for (const lease of leases) {
    const { leaseOwner, checkpoint } = lease;
    if (leaseOwner === undefined || drained.has(leaseOwner)) continue;
    const count = counts.get(leaseOwner);
    if (count === undefined) unowned.push(lease);
    else if (!isShardEnd(checkpoint)) counts.set(leaseOwner, count + 1);
  }
  const all = [...counts].map(([id, count]) => ({ id, count })).toSorted((a, b) => a.id < b.id ? -1 : 1);
  const holders = all.filter(({ count }) => count > 0);
  const candidates = holders.length > 0 ? holders : all;
  const chosen = new Map<string, string>();
  for (const { leaseKey, leaseOwner } of unowned.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1)) {
    const next = least(candidates, () => true, (a, b) => a.count - b.count);
    if (next === undefined) break;
    next.count++;
    if (leaseOwner === workerId) chosen.set(leaseKey, next.id);
  }
  return chosen;
}
