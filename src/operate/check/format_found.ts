/**
 * How a worker would take part in the fleet of a table, found out without writing.
 *
 * @module
 */

import { type FormatDecision, kindProblem, tableFormat } from "../../lease/table_format.ts";
import type { FleetAccess } from "../fleet_access.ts";
import type { WorkerSetup } from "./worker_setup.ts";

/** Reads what the decision needs. The table must be there. @throws {AwsServiceError} where it may not. */
export async function formatFound(
  { leaseStore, coordinatorStore }: Pick<FleetAccess, "leaseStore" | "coordinatorStore">,
  { isMany, migrateAllEntitiesToLeaseTable }: WorkerSetup,
  signal: AbortSignal,
): Promise<FormatDecision> {
  const lease = await leaseStore.someLease(signal);
  const reason = kindProblem(lease, isMany);
  if (reason !== undefined) return { type: "refuse", reason };
  const legacyTableExists = await coordinatorStore.legacyTableExists(signal);
  const [tableMigration, legacyClientVersion] = legacyTableExists
    ? await Promise.all([
      coordinatorStore.readMigration("legacy", "TableMigration3.5", signal),
      coordinatorStore.readMigration("legacy", "Migration3.0", signal),
    ])
    : [];
  const clientVersion = legacyClientVersion ??
    await coordinatorStore.readMigration("leaseTable", "Migration3.0", signal);
  return tableFormat({
    legacyTableExists,
    tableMigration,
    clientVersion,
    hasLeases: lease !== undefined,
    migrateAllEntitiesToLeaseTable,
  });
}

/** For people. */
export function formatText(decision: FormatDecision): string {
  if (decision.type === "refuse") return `refused: ${decision.reason}`;
  const { place, mayLead } = decision.format;
  const tables = place === "legacy" ? "three tables, as KCL 3.0 to 3.4" : "one table, as KCL 3.5";
  return `${tables}; a worker of kclite may ${mayLead ? "lead" : "not lead, Java's workers do"}`;
}
