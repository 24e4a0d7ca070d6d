// Pure.
/**
 * Decides when a leader may rest: it is alone, and has all leases. Then nothing can expire, and nobody else
 * assigns. What is left to notice is a worker that joins. One of ours rings at the leader's lock, and the
 * next heartbeat hears it. A worker of Java does not ring; the next look finds its report.
 *
 * KCL has no such rule: its leader scans every 20 s, and its workers ask the index every 10 s.
 *
 * @module
 */

import { isShardEnd } from "../stream/sequence_number.ts";
import type { WorkerMetrics } from "./coordinator_store.ts";
import type { Lease } from "./lease.ts";

/** A look at the table, by the leader. */
export interface LeaderLook {
  readonly workerId: string;
  readonly leases: readonly Pick<Lease, "leaseKey" | "leaseOwner" | "checkpointOwner" | "checkpoint">[];
  readonly workers: readonly Pick<WorkerMetrics, "workerId">[];
}

/**
 * Whether a leader is alone and has all leases. The report of another worker counts however old it is, until
 * it is deleted. An unfinished lease without an owner waits to be assigned. No lease at all: they are yet to
 * be created.
 */
export function isSettledAlone({ workerId, leases, workers }: LeaderLook): boolean {
  return leases.length > 0 && workers.every((worker) => worker.workerId === workerId) &&
    leases.every(({ leaseOwner, checkpointOwner, checkpoint }) =>
      checkpointOwner === undefined &&
      (leaseOwner === workerId || (leaseOwner === undefined && isShardEnd(checkpoint)))
    );
}

/** What the times of a rest follow from, in ms. */
export interface RestRule {
  readonly failoverTimeMs: number;
  readonly leaseAssignmentIntervalMs: number;
  readonly leaseAuditIntervalMs: number;
}

/**
 * Whether it is time to rest: nobody else was seen, or heard to ring, for the failover time. A look that is
 * three seconds old may not show yet who has just rung.
 *
 * @param companyMs Monotonic ms of the last look or ring that spoke against a rest.
 */
export function mayRest(companyMs: number, nowMs: number, { failoverTimeMs }: RestRule): boolean {
  return nowMs - companyMs > failoverTimeMs;
}

/**
 * The pause between two looks of a leader that rests. No longer than the failover time, after which what it
 * knows of the table is too old.
 */
export function restMs(
  { failoverTimeMs, leaseAssignmentIntervalMs, leaseAuditIntervalMs }: RestRule,
): number {
  return Math.max(leaseAssignmentIntervalMs, Math.min(failoverTimeMs, leaseAuditIntervalMs));
}

/**
 * How often a leader that rests asks the index for leases of its own, in ms: seldom, for its looks at the
 * table show them too.
 */
export function restingDiscoveryMs(failoverTimeMs: number, leaseDiscoveryIntervalMs: number): number {
  return Math.max(leaseDiscoveryIntervalMs, 6 * failoverTimeMs);
}
