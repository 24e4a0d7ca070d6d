// Pure.
/**
 * Finds leases that were given to a worker which had left by then.
 *
 * A worker that stops deletes its metrics item, and passes on what it finds under its name. A write that a
 * leader or a former owner had begun before that may arrive after it. Nobody would look at such a lease until
 * it expires. So a lease whose new owner has reported, and has no item any more, is soon given again. It
 * must not have been begun. If the owner begins it after all, one of the two writes is refused.
 *
 * A listing may show an item's past. So the item must have been missing for a few seconds.
 *
 * An owner that has never reported is a program of another kind, which takes its leases by itself. It needs
 * its time.
 *
 * KCL has no such rule: its workers leave their items behind.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";
import type { Lease } from "./lease.ts";

/** How old what an eventually consistent read shows may be, in ms. Ours; usually it is less than a second. */
const STALE_READ_MS = 3000;

/** Workers that have reported, by id: when each was first found without an item, in monotonic ms. */
export type Reported = ReadonlyMap<string, number | undefined>;

/**
 * Adds a listing. A worker that has left is forgotten once it owns no lease.
 *
 * @param nowMs Monotonic ms, taken after the listing.
 */
export function observeReported(
  before: Reported,
  leases: readonly Lease[],
  workers: readonly WorkerMetrics[],
  nowMs: number,
): Map<string, number | undefined> {
  const owners = new Set(leases.map(({ leaseOwner }) => leaseOwner));
  const left = [...before].filter(([workerId]) => owners.has(workerId));
  return new Map([
    ...left.map(([workerId, sinceMs]) => [workerId, sinceMs ?? nowMs] as const),
    ...workers.map(({ workerId }) => [workerId, undefined] as const),
  ]);
}

/** What the leader sees. */
export interface DepartureInput {
  readonly leases: readonly Lease[];
  readonly reported: Reported;
  /** Keys of leases that were given to their owners under the leader's eyes, and not begun. */
  readonly given: ReadonlySet<string>;
  /** Monotonic ms, taken before the listing began. */
  readonly nowMs: number;
}

/** The leases that no worker will begin. */
export function strandedLeases({ leases, reported, given, nowMs }: DepartureInput): Lease[] {
  const hasLeft = (workerId: string) => {
    const sinceMs = reported.get(workerId);
    return sinceMs !== undefined && nowMs - sinceMs > STALE_READ_MS;
  };
  return leases.filter(({ leaseKey, leaseOwner, checkpointOwner }) =>
    leaseOwner !== undefined && checkpointOwner === undefined && given.has(leaseKey) && hasLeft(leaseOwner)
  );
}
