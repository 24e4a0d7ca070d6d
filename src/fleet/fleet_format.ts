/**
 * Finds out which tables a fleet uses and whether this worker may take part. Runs at the start, and again
 * later for as long as the answer may change. The decision is in `lease/table_format.ts`.
 *
 * @module
 */

import { pause } from "../async/waiting.ts";
import { LeaseTableError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import {
  FORMAT_RECHECK_MS,
  type FormatDecision,
  isSameFormat,
  kindProblem,
  newClientVersion,
  type TableFormat,
  tableFormat,
} from "../lease/table_format.ts";
import type { System } from "../system.ts";
import type { TableSettings } from "../options/setting_groups.ts";
import type { StreamsSetting } from "../options/stream_settings.ts";

/** What finding out needs. */
export interface FleetFormatOptions {
  readonly table: Pick<TableSettings, "tableName" | "migrateAllEntitiesToLeaseTable">;
  /** Whether one stream is read, or many. */
  readonly mode: StreamsSetting["mode"];
  readonly workerId: string;
  readonly leaseStore: LeaseStore;
  readonly coordinatorStore: CoordinatorStore;
  readonly system: System;
}

/**
 * Reads what the decision needs, leases first (see `lease/table_format.ts`), and writes `Migration3.0` of a
 * fresh fleet. One lease is enough: if each of many workers that start together read all, it would be more
 * than a table can give.
 *
 * @param current How this worker takes part already. On the single table it stays there, as Java workers do,
 * even if other tables appear later. A worker of KCL 3.0 to 3.4 that was started by mistake makes such
 * tables.
 * @throws {LeaseTableError} when this worker must not take part.
 */
export async function fleetFormat(
  options: FleetFormatOptions,
  current: TableFormat | undefined,
  signal: AbortSignal,
): Promise<TableFormat> {
  const { coordinatorStore, table, mode, workerId, system } = options;
  const { tableName, migrateAllEntitiesToLeaseTable } = table;
  const fleet = { isMany: mode === "many", migrateAllEntitiesToLeaseTable };
  const decision = await decideFormat(options, fleet, current, signal);
  if (decision.type === "refuse") {
    throw new LeaseTableError(`Cannot use lease table "${tableName}": ${decision.reason}`);
  }
  if (decision.createClientVersion) {
    const state = newClientVersion(workerId, system.clock.epochMs());
    await coordinatorStore.createMigration(decision.format.place, state, signal);
  }
  return decision.format;
}

/** What a worker expects of its fleet. */
export interface ExpectedFleet {
  /** Whether it reads many streams. */
  readonly isMany: boolean;
  readonly migrateAllEntitiesToLeaseTable: boolean | undefined;
}

/** Reads and decides, and writes nothing. @param current As in {@linkcode fleetFormat}. */
export async function decideFormat(
  { coordinatorStore, leaseStore }: Pick<FleetFormatOptions, "coordinatorStore" | "leaseStore">,
  { isMany, migrateAllEntitiesToLeaseTable }: ExpectedFleet,
  current: TableFormat | undefined,
  signal: AbortSignal,
): Promise<FormatDecision> {
  const lease = await leaseStore.someLease(signal);
  const reason = kindProblem(lease, isMany);
  if (reason !== undefined) return { type: "refuse", reason };
  const isSingle = current?.mayLead === true;
  const legacyTableExists = !isSingle && await coordinatorStore.legacyTableExists(signal);
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

/**
 * Decides again every minute until the format changes.
 *
 * @returns undefined when the signal aborted.
 * @throws {LeaseTableError} when this worker must not take part any longer.
 */
export async function changedFormat(
  options: FleetFormatOptions & { readonly emit: WorkerEventListener },
  current: TableFormat,
  signal: AbortSignal,
): Promise<TableFormat | undefined> {
  const { system: { clock }, emit } = options;
  let hasFailed = false;
  while (await pause(clock, FORMAT_RECHECK_MS, signal)) {
    try {
      const found = await fleetFormat(options, current, signal);
      if (hasFailed) emit({ type: "passRecovered", pass: "tableFormat" });
      hasFailed = false;
      if (!isSameFormat(found, current)) return found;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof LeaseTableError) throw error;
      emit({ type: "passFailed", pass: "tableFormat", error });
      hasFailed = true;
    }
  }
  return undefined;
}
