// Pure.
/**
 * Decides whether a worker may be drained, and, where no leader of kclite obeys, which of its leases goes
 * where.
 *
 * @module
 */

import type { MigrationState, WorkerMetrics } from "../../lease/coordinator_store.ts";
import { drainRoles, markedWorkers, relieve } from "../../lease/draining.ts";
import { drainingOf, type Fleet, give, loadsOf, type Move, takeFrom } from "../../lease/fleet.ts";
import { actualOwner, type Lease } from "../../lease/lease.ts";
import { liveWorkers, METRICS_REPORT_INTERVAL_S } from "../../lease/live_workers.ts";
import type { ReportAge } from "../../lease/reports.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";
import { ageOfReport, listOf, oldFleet } from "./handoff_check.ts";

/** What was seen. */
export interface DrainFindings {
  readonly workerId: string;
  readonly leases: readonly Lease[];
  readonly workers: readonly WorkerMetrics[];
  readonly ageOf: ReportAge;
  readonly clientVersion: Pick<MigrationState, "value"> | undefined;
}

/** Why the worker may not be drained, with what helps; undefined if it may. */
export function drainRefusal({ workerId, leases, workers, ageOf, clientVersion }: DrainFindings):
  | string
  | undefined {
  const old = oldFleet(clientVersion);
  if (old !== undefined) return old;
  const names = workers.map((worker) => worker.workerId).toSorted();
  if (!names.includes(workerId)) {
    const isOwner = leases.some((lease) => actualOwner(lease) === workerId);
    return isOwner
      ? "it sends no reports, as workers of KCL 2.x and other programs do, which know no handoffs: stop it instead"
      : `no worker of this name reports: expected one of ${listOf(names)}`;
  }
  const age = ageOfReport(workers, workerId, ageOf);
  const kept = unfinishedOf(workerId, leases);
  if (age > 2 * METRICS_REPORT_INTERVAL_S) {
    return `its last report is ${Math.round(age)} s old, so it has died or stopped: ` +
      "its leases go to other workers by themselves when they expire";
  }
  const marked = markedWorkers(workers);
  const others = liveWorkers(workers, ageOf).filter(({ workerId: id }) => id !== workerId && !marked.has(id));
  if (others.length > 0) return undefined;
  return `no other worker could take its ${kept.length} lease${kept.length === 1 ? "" : "s"}: ` +
    "start another worker first";
}

/** The leases that a worker has a hand in and that are still to be read. */
export function unfinishedOf(workerId: string, leases: readonly Lease[]): readonly Lease[] {
  return leases.filter((lease) =>
    !isShardEnd(lease.checkpoint) && (actualOwner(lease) === workerId || lease.leaseOwner === workerId)
  );
}

/**
 * The next leases to hand over, to the live workers with the fewest. As many are on their way at once as a
 * leader of kclite would have.
 *
 * @param maxLeasesForWorker As the configuration says; a Java leader's own may be another.
 */
export function nextMoves(
  { workerId, leases, workers, ageOf }: DrainFindings,
  maxLeasesForWorker: number,
): readonly Move[] {
  const marked = new Set([...markedWorkers(workers), workerId]);
  const { candidates } = drainRoles(liveWorkers(workers, ageOf), marked);
  if (candidates.some((worker) => marked.has(worker.workerId))) return [];
  const fleet: Fleet = {
    candidates,
    strangers: [],
    draining: [workerId],
    available: [],
    settled: leases,
    unbegun: new Set(),
  };
  return relieve({
    draining: drainingOf(fleet),
    workers: loadsOf(fleet),
    hasRoom: (worker) => worker.held < maxLeasesForWorker,
    byNeed: (a, b) => a.unfinished - b.unfinished,
    takeFrom,
    give,
  });
}
