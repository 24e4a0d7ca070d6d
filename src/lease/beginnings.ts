// Pure.
/**
 * Decides which leases have been begun by their owners, from what a leader has seen of their counters.
 *
 * An owner finds a new lease within about a second, one of Java within a failover time. It begins with a
 * renewal, which moves the counter. A graceful handoff must not start before that. The table lists the lease
 * under its next owner, so the present owner would never look at it. The shard would stay unread until the
 * lease expires. So a lease is asked back only from an owner that has been seen to move its counter. A new
 * leader has seen nothing, and asks nothing back in its first pass.
 *
 * KCL has no such rule.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";
import { actualOwner, type Lease } from "./lease.ts";

/** What is known of one lease. */
export interface Beginning {
  readonly owner: string | undefined;
  readonly leaseCounter: number;
  /** Whether the counter has moved under this owner. */
  readonly hasBegun: boolean;
  /** Whether the lease was seen under another owner, or free, before it was this one's. */
  readonly wasGiven: boolean;
}

/**
 * Adds a fresh listing, or an assignment, to what was known. If the owner changed, the observation starts
 * over.
 *
 * @returns What is known of these leases.
 */
export function observeBeginnings(
  beginnings: ReadonlyMap<string, Beginning>,
  leases: readonly Lease[],
): Map<string, Beginning> {
  return new Map(leases.map((lease) => {
    const { leaseKey, leaseCounter } = lease;
    const owner = actualOwner(lease);
    const before = beginnings.get(leaseKey);
    const isSame = before !== undefined && before.owner === owner;
    const hasBegun = isSame && (before.hasBegun || before.leaseCounter !== leaseCounter);
    const wasGiven = isSame ? before.wasGiven : before !== undefined;
    return [leaseKey, { owner, leaseCounter, hasBegun, wasGiven }];
  }));
}

/** The keys of the leases whose owners are not known to have begun. */
export function unbegunLeases(beginnings: ReadonlyMap<string, Beginning>): Set<string> {
  return keysOf(beginnings, ({ hasBegun }) => !hasBegun);
}

/**
 * The keys of the leases that were given to their owners while the leader watched, and that those have not
 * begun. Of a lease that a leader finds under an owner at its first look, it cannot know.
 */
export function givenLeases(beginnings: ReadonlyMap<string, Beginning>): Set<string> {
  return keysOf(beginnings, ({ hasBegun, wasGiven }) => wasGiven && !hasBegun);
}

/**
 * Those of the {@linkcode givenLeases} whose owners are of Java, by their reports: such a worker finds a
 * lease late.
 */
export function unfoundLeases(
  beginnings: ReadonlyMap<string, Beginning>,
  workers: readonly Pick<WorkerMetrics, "workerId" | "incarnation">[],
): Set<string> {
  const ofJava = new Set(
    workers.flatMap(({ workerId, incarnation }) => incarnation === undefined ? [workerId] : []),
  );
  return keysOf(
    beginnings,
    ({ owner, hasBegun, wasGiven }) => wasGiven && !hasBegun && owner !== undefined && ofJava.has(owner),
  );
}

function keysOf(
  beginnings: ReadonlyMap<string, Beginning>,
  isMeant: (beginning: Beginning) => boolean,
): Set<string> {
  return new Set([...beginnings].flatMap(([leaseKey, beginning]) => isMeant(beginning) ? [leaseKey] : []));
}
