// Pure.
/**
 * Decides the steps of a graceful handoff. The leader names the next owner B in `leaseOwner` and the present
 * owner A in `checkpointOwner`. A notices at its next renewal, which is refused. A drains, checkpoints and
 * assigns the lease to B. B starts once `checkpointOwner` is removed.
 *
 * The table has no times for this. So every worker that waits measures on its own clock, and every wait ends.
 * A's wait ends when its own time is up, the leader's some time later, and B's when A no longer renews.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRenewer`, `LeaseGracefulShutdownHandler`, `LeaseAssignmentManager`.
 *
 * @module
 */

import { type Incarnation, isOwnWrite, isSameIncarnation, lastWriter } from "./incarnation.ts";
import { actualOwner, type Lease } from "./lease.ts";

/** How long an owner may take to drain, in ms. KCL: `gracefulLeaseHandoffTimeoutMillis`. */
export const HANDOFF_TIMEOUT_MS = 30_000;

// What an owner does.

/** What a refused write to a lease that we hold means. */
export type RefusedRenewal =
  /**
   * The leader requests a handoff. `lease` replaces ours; write again with it (a renewal then looks at the
   * counter alone).
   */
  | { readonly type: "handoffRequested"; readonly lease: Lease }
  /**
   * An earlier write, perhaps this very one, was applied and its answer lost. `lease` replaces ours; renewing
   * is done, and any other write may be tried again with it.
   */
  | { readonly type: "spurious"; readonly lease: Lease }
  /**
   * The lease is not ours any more: stop its consumer. `namesake`: it bears our name, but another process
   * wrote to it that may hold it under that name.
   */
  | { readonly type: "lost"; readonly reason: "taken" | "deleted" | "namesake" };

/**
 * What a renewal that the table refused means for the owner; valid for its other writes too.
 *
 * More tolerant than KCL in two points. During a handoff the worker that processes is compared, not
 * `leaseOwner`, so a lost answer no longer costs the lease. And a handoff that began right after such a lost
 * answer is understood in one step. A lease whose handoff the leader called off counts as lost, although it
 * names us. Its consumer may have begun to drain, and discovery finds it again within a second.
 *
 * Stricter than KCL in one point: an owner's name and one step of the counter do not prove that a write is
 * ours. Two processes may have one name, of our program or of Java's. Only the mark of this very process
 * proves it.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRefresher.renewLease`.
 *
 * @param held The lease as we knew it when we wrote; we are its actual owner.
 * @param found What is in the table, strongly consistent; undefined when the item was deleted.
 * @param own This process.
 */
export function afterRefusedRenewal(held: Lease, found: Lease | undefined, own: Incarnation): RefusedRenewal {
  if (found === undefined) return { type: "lost", reason: "deleted" };
  const lost: RefusedRenewal = { type: "lost", reason: "taken" };
  if (actualOwner(found) !== actualOwner(held) || found.leaseOwner === found.checkpointOwner) return lost;
  // Only we move the counter of a lease that is ours, one write at a time: two steps ahead is another
  // worker's write.
  const steps = found.leaseCounter - held.leaseCounter;
  if (steps !== 0 && !(steps === 1 && isOwnWrite(found, own))) {
    return isByNamesake(found, own) ? { type: "lost", reason: "namesake" } : lost;
  }
  const isPending = found.checkpointOwner !== undefined;
  const wasPending = held.checkpointOwner !== undefined;
  if (isPending && !(wasPending && held.leaseOwner === found.leaseOwner)) {
    return { type: "handoffRequested", lease: found };
  }
  return isPending === wasPending && steps === 1 ? { type: "spurious", lease: found } : lost;
}

/**
 * Whether another process with our name may have moved the counter: the last write is neither ours nor marked
 * by a worker of another name.
 */
function isByNamesake(lease: Lease, own: Incarnation): boolean {
  const writer = lastWriter(lease);
  if (writer === undefined) return true; // KCL for Java, or kclite of before the marks
  return writer.workerId === own.workerId && !isSameIncarnation(writer, own);
}

/**
 * Whether a worker may start a consumer on a lease that it found. The lease must be assigned to it, and no
 * other worker may still be processing it.
 *
 * @param lease Read strongly consistent: the index and a scan may be out of date.
 */
export function mayStart(lease: Lease, workerId: string): boolean {
  return lease.leaseOwner === workerId && lease.checkpointOwner === undefined;
}

// What an observer may do.

/** A pending handoff, and when we first saw this pair of owners. */
export interface HandoffSighting {
  readonly leaseOwner: string | undefined;
  readonly checkpointOwner: string;
  /** How often the lease had left an owner by then. */
  readonly ownerSwitches: number;
  /** Monotonic ms. */
  readonly firstSeenMs: number;
}

/**
 * Adds a fresh listing to the pending handoffs seen before, by lease key. Another pair of owners starts over.
 * So does the same pair, if the lease was taken back in between: the count of switches shows that (a
 * checkpoint sets it to 0). A lease without a handoff is forgotten. A new leader starts with none.
 *
 * @param nowMs Monotonic ms, taken after the listing ended.
 */
export function observeHandoffs(
  sightings: ReadonlyMap<string, HandoffSighting>,
  leases: readonly Lease[],
  nowMs: number,
): Map<string, HandoffSighting> {
  const seen = new Map<string, HandoffSighting>();
  for (const { leaseKey, leaseOwner, checkpointOwner, ownerSwitchesSinceCheckpoint } of leases) {
    if (checkpointOwner === undefined) continue;
    const ownerSwitches = ownerSwitchesSinceCheckpoint;
    const before = sightings.get(leaseKey);
    const isSame = before?.leaseOwner === leaseOwner && before?.checkpointOwner === checkpointOwner &&
      ownerSwitches <= before.ownerSwitches;
    const { firstSeenMs } = isSame ? before : { firstSeenMs: nowMs };
    seen.set(leaseKey, { leaseOwner, checkpointOwner, ownerSwitches, firstSeenMs });
  }
  return seen;
}

/** By which measure a pending handoff has taken too long. */
export interface HandoffRule {
  /** The owner's time to drain, in ms; an observer waits this and the failover time. */
  readonly timeoutMs: number;
  readonly failoverTimeMs: number;
  /** Monotonic ms, taken before the listing began. */
  readonly nowMs: number;
}

/**
 * Whether a pending handoff has taken longer than it can with any owner that keeps the rules. A handoff that
 * we see for the first time has not.
 *
 * Source: KCL 3.5.1, `Lease.checkpointOwnerTimeoutTimestampMillis`.
 */
export function isHandoffOverdue(sighting: HandoffSighting | undefined, rule: HandoffRule): boolean {
  return sighting !== undefined && rule.nowMs - sighting.firstSeenMs > rule.timeoutMs + rule.failoverTimeMs;
}

/** The worker that asks about a pending handoff, and what it has seen. */
export interface HandoffView {
  readonly workerId: string;
  /** Whether the counter was unchanged for the failover time on that worker's own clock. */
  readonly expired: boolean;
}

/**
 * Whether a worker may end a pending handoff by assigning the lease to itself. The present owner may at any
 * time. The next owner may once the present one no longer renews; it may be waiting in a fleet without a
 * leader. No other worker may: the leader has its own rules, in `planAssignments()`.
 */
export function mayFinishHandoff(lease: Lease, view: HandoffView): boolean {
  if (lease.checkpointOwner === undefined) return false;
  if (lease.checkpointOwner === view.workerId) return true;
  return lease.leaseOwner === view.workerId && view.expired;
}
