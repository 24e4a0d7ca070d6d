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
import { least } from "./fleet.ts";
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
}

/**
 * Chooses the next owner of each lease of the worker that stops: the other workers with leases in turn, the one with the
 * fewest unfinished leases first; if none has any, all others. Empty when no other worker is known to live.
 *
 * Workers that stop together would all choose the same few. So the leases of all that are no more known to live are handed
 * out in one's mind, in the order of their keys: whoever sees the same table comes to the same, and does its own part.
 *
 * @returns The next owner by lease key.
 */
export function successors(input: SuccessionInput): ReadonlyMap<string, string> {
  const { workerId, leases, workers } = input;
  const counts = new Map<string, number>();
  for (const worker of workers) {
    if (worker.workerId !== workerId && worker.ageS <= METRICS_REPORT_INTERVAL_S + LATENESS_S) {
      counts.set(worker.workerId, 0);
    }
  }
  const orphans: Lease[] = [];
  for (const lease of leases) {
    const { leaseOwner, checkpoint } = lease;
    if (leaseOwner === undefined) continue;
    const count = counts.get(leaseOwner);
    if (count === undefined) orphans.push(lease);
    else if (!isShardEnd(checkpoint)) counts.set(leaseOwner, count + 1);
  }
  const all = [...counts].map(([id, count]) => ({ id, count })).toSorted((a, b) => a.id < b.id ? -1 : 1);
  const holders = all.filter(({ count }) => count > 0);
  const heirs = holders.length > 0 ? holders : all;
  const chosen = new Map<string, string>();
  for (const { leaseKey, leaseOwner } of orphans.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1)) {
    const heir = least(heirs, () => true, (a, b) => a.count - b.count);
    if (heir === undefined) break;
    heir.count++;
    if (leaseOwner === workerId) chosen.set(leaseKey, heir.id);
  }
  return chosen;
}
