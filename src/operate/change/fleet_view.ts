/**
 * What must be known of a fleet before a lease is moved in it: leases, reports and their ages, the version of
 * its protocol, and who leads.
 *
 * @module
 */

import type { MigrationState, TablePlace } from "../../lease/coordinator_store.ts";
import { observeReports, type ReportAge, reportAge, type ReportSighting } from "../../lease/reports.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { lookAtTable, type LookOptions, type TableLook } from "../table_look.ts";

/** A look with what the workers' reports say. */
export interface FleetView {
  readonly look: TableLook;
  readonly place: TablePlace;
  readonly reports: ReadonlyMap<string, ReportSighting>;
  readonly ageOf: ReportAge;
  readonly clientVersion: MigrationState | undefined;
  readonly leader: FleetLeader;
}

/** Who leads. */
export interface FleetLeader {
  /** Undefined when no worker leads, or it may not be read. */
  readonly workerId: string | undefined;
  /**
   * `other`: KCL for Java, or a kclite of before the marks of its processes. On the tables of KCL 3.0 to 3.4
   * no worker of kclite leads.
   */
  readonly kind: "kclite" | "other" | "none" | "unknown";
}

/**
 * Looks.
 *
 * @param before An earlier view: reports that have changed since are known to be fresh.
 * @throws what kept the leases or the reports from being read.
 */
export async function viewOf(
  fleet: FleetAccess,
  options: LookOptions,
  before: FleetView | undefined,
  signal: AbortSignal,
): Promise<FleetView> {
  const { system: { clock } } = fleet;
  const look = await lookAtTable(fleet, options, signal);
  const { workers, failures, place = "leaseTable", migrations } = look;
  const failure = failures.find(({ part }) => part === "leases" || part === "workers");
  if (failure !== undefined) throw failure.error;
  const clientVersion = migrations.find(({ key }) => key === "Migration3.0");
  const reports = observeReports(before?.reports ?? new Map(), workers, clock.monotonicMs());
  const now = { epochS: clock.epochMs() / 1000, ms: clock.monotonicMs() };
  return { look, place, reports, ageOf: reportAge(reports, now), clientVersion, leader: leaderOf(look) };
}

function leaderOf({ lock, workers, failures, place }: TableLook): FleetLeader {
  if (failures.some(({ part }) => part === "lock")) return { workerId: undefined, kind: "unknown" };
  if (place === "legacy") return { workerId: lock?.ownerName, kind: "other" };
  if (lock === undefined || lock.isReleased) return { workerId: undefined, kind: "none" };
  const { ownerName } = lock;
  const isOurs = workers.some(({ workerId, incarnation }) =>
    workerId === ownerName && incarnation !== undefined
  );
  return { workerId: ownerName, kind: isOurs ? "kclite" : "other" };
}
