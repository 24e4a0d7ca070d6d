// Pure.
/**
 * Decides the steps of a graceful handoff: the leader names the next owner B in `leaseOwner` and the present owner A in
 * `checkpointOwner`; A learns of it by a refused renewal, drains, checkpoints and assigns the lease to B; B starts once
 * `checkpointOwner` is gone.
 *
 * Nothing in the table times this, so everybody who waits has a clock of their own, and every wait ends: A's when its
 * own time is up, the leader's some time after, and B's when A has fallen silent.
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
  /** The leader asks us to hand over. `lease` replaces ours; write again with it (a renewal then looks at the counter alone). */
  | { readonly type: "handoffRequested"; readonly lease: Lease }
  /**
   * An earlier write, perhaps this very one, was applied and its answer lost. `lease` replaces ours; renewing is done, and any
   * other write may be tried again with it.
   */
  | { readonly type: "spurious"; readonly lease: Lease }
  /**
   * The lease is not ours any more: stop its consumer. `namesake`: it bears our name, but another process wrote to it that may
   * hold it under that name.
   */
  | { readonly type: "lost"; readonly reason: "taken" | "deleted" | "namesake" };

/**
 * What an owner makes of a renewal that the table refused; good for its other writes too.
 *
 * Kinder than KCL in two points: with a handoff under way the worker that processes is compared, not `leaseOwner`, so that a
 * lost answer no longer costs the lease; and a handoff that began right after such a lost answer is understood in one
 * step. A lease whose handoff the leader called off counts as lost, although it names us: its consumer may have begun to
 * drain, and discovery finds it again within a second.
 *
 * Stricter than KCL in one: an owner's name and one step of the counter do not make a write ours, for two processes may bear one
 * name, of our program or of Java's. Only the mark of this very process does.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRefresher.renewLease`.
 *
 * @param held The lease as we knew it when we wrote; we are its actual owner.
 * @param found What stands in the table, strongly consistent; undefined when the item is gone.
 * @param own This process.
 */
export function afterRefusedRenewal(held: Lease, found: Lease | undefined, own: Incarnation): RefusedRenewal {
  if (found === undefined) return { type: "lost", reason: "deleted" };
  const lost: RefusedRenewal = { type: "lost", reason: "taken" };
  if (actualOwner(found) !== actualOwner(held) || found.leaseOwner === found.checkpointOwner) return lost;
  // Only we move the counter of a lease that is ours, one write at a time: two steps ahead is somebody else's work.
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

/** Whether another process of our name may have moved the counter: no write of ours, nor one that a worker of another name marked. */
function isByNamesake(lease: Lease, own: Incarnation): boolean {
  const writer = lastWriter(lease);
  if (writer === undefined) return true; // KCL for Java, or kclite of before the marks
  return writer.workerId === own.workerId && !isSameIncarnation(writer, own);
}

/**
 * Whether a worker may start a consumer on a lease it was told of: it is assigned to it and nobody else is still at it.
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
 * Folds a fresh listing into the pending handoffs seen so far, by lease key. Another pair of owners starts anew, as does the
 * same pair once the lease was taken back in between, which the count of switches tells (a checkpoint sets it to 0); a lease
 * without a handoff is forgotten. A new leader starts with none.
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
 * Whether a pending handoff has taken longer than any owner that keeps the rules would let it. One that we see for the
 * first time has not.
 *
 * Source: KCL 3.5.1, `Lease.checkpointOwnerTimeoutTimestampMillis`.
 */
export function isHandoffOverdue(sighting: HandoffSighting | undefined, rule: HandoffRule): boolean {
  return sighting !== undefined && rule.nowMs - sighting.firstSeenMs > rule.timeoutMs + rule.failoverTimeMs;
}

/** Who asks about a pending handoff, and what it has seen. */
export interface HandoffView {
  readonly workerId: string;
  /** Whether the counter stood still for the failover time on the asker's own clock. */
  readonly expired: boolean;
}

/**
 * Whether a worker may end a pending handoff by assigning the lease to itself: the present owner at any time; the next owner,
 * which may be waiting in a fleet without a leader, once the present one is silent. Nobody else: the leader has its own
 * rules, in `planAssignments()`.
 */
export function mayFinishHandoff(lease: Lease, view: HandoffView): boolean {
  if (lease.checkpointOwner === undefined) return false;
  if (lease.checkpointOwner === view.workerId) return true;
  return lease.leaseOwner === view.workerId && view.expired;
}
