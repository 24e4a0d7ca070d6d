// Pure.
/**
 * Decides at start which tables a fleet uses, and whether this worker may join it.
 *
 * A fresh application has one table, as KCL 3.5 makes it. If the tables of KCL 3.0 to 3.4 are found, this
 * worker consumes, and leaves leading to the Java workers, and with it the migration. Its metrics go to the
 * table that the migration has reached. A fleet that runs the algorithms of KCL 2.x is refused. Its workers
 * take leases by other rules, and crash on items that are not leases.
 *
 * The order of reading matters. Whether there are leases must be read BEFORE `Migration3.0`. The worker that
 * starts a fresh fleet writes that item first and leases after it. So leases without the item mean an old
 * fleet, and not a race.
 *
 * Source: KCL 3.5.1, `TableMigrationStateMachineImpl.determineStatusForInitialization`,
 * `MigrationClientVersionStateInitializer`.
 *
 * @module
 */

import type { MigrationState, TablePlace } from "./coordinator_store.ts";
import type { Lease } from "./lease.ts";

/**
 * How often a format that is not final must be decided again, in ms. KCL: `ClientVersionChangeMonitor`, 60 s.
 */
export const FORMAT_RECHECK_MS = 60_000;

/** What was found at start. */
export interface FormatFindings {
  readonly legacyTableExists: boolean;
  /** `TableMigration3.5` of the legacy table; undefined when there is none. */
  readonly tableMigration: Pick<MigrationState, "value"> | undefined;
  /**
   * `Migration3.0`, of the legacy table if it is there, else of the lease table; undefined when there is
   * none.
   */
  readonly clientVersion: Pick<MigrationState, "value"> | undefined;
  /** Whether the lease table holds leases; read before `clientVersion`. Counts only if that is undefined. */
  readonly hasLeases: boolean;
  /**
   * Whether the fleet is configured to finish its migration to one table. KCL:
   * `migrateAllEntitiesToLeaseTable`.
   *
   * @default {false}
   */
  readonly migrateAllEntitiesToLeaseTable?: boolean | undefined;
}

/** How this worker takes part. */
export interface TableFormat {
  /** Where this worker's metrics and migration items go, and the lock if it may lead. */
  readonly place: TablePlace;
  /** Whether this worker may try for the leader's lock. */
  readonly mayLead: boolean;
  /**
   * The support code for this worker's metrics item. 1 says that it supports the single-table format without
   * being configured. Undefined with legacy tables, so that the fleet stays with them.
   */
  readonly supportCode: 1 | undefined;
  /**
   * Whether it stays as it is; else decide again every {@linkcode FORMAT_RECHECK_MS}, and stop when it says
   * to refuse.
   */
  readonly isFinal: boolean;
}

/** Whether this worker may join, and how. */
export type FormatDecision =
  | {
    readonly type: "join";
    readonly format: TableFormat;
    /** Whether to write {@linkcode newClientVersion} unless an item exists; losing that race is harmless. */
    readonly createClientVersion: boolean;
  }
  /** Waiting does not help, and neither does trying again. `reason` ends with what helps. */
  | { readonly type: "refuse"; readonly reason: string };

/** Decides how this worker takes part in its fleet. */
export function tableFormat(findings: FormatFindings): FormatDecision {
  const { clientVersion, hasLeases } = findings;
  const status = migrationStatus(findings);
  if (status.type === "refuse") return status;
  const isSingle = status.value === "COMPLETE";
  const format: Omit<TableFormat, "isFinal"> = {
    place: isSingle || status.value === "PENDING" ? "leaseTable" : "legacy",
    mayLead: isSingle,
    supportCode: isSingle ? 1 : undefined,
  };
  switch (clientVersion?.value) {
    case undefined:
      return hasLeases
        ? refuse(
          "it holds leases but no item Migration3.0, as a fleet of KCL 2.x leaves it: " +
            "upgrade that fleet to KCL 3 first, or set another tableName",
        )
        : { type: "join", format: { ...format, isFinal: isSingle }, createClientVersion: isSingle };
    case "CLIENT_VERSION_3X":
      return { type: "join", format: { ...format, isFinal: isSingle }, createClientVersion: false };
    case "CLIENT_VERSION_3X_WITH_ROLLBACK":
      return { type: "join", format: { ...format, isFinal: false }, createClientVersion: false };
    case "CLIENT_VERSION_2X":
    case "CLIENT_VERSION_UPGRADE_FROM_2X":
      return refuse(
        `its fleet assigns leases as KCL 2.x does (Migration3.0 is ${clientVersion?.value}): ` +
          "finish its migration to KCL 3 first",
      );
    default:
      return refuse(
        `Migration3.0 has a value that this version does not know: got ${
          JSON.stringify(clientVersion?.value)
        }: ` +
          "use a newer version",
      );
  }
}

/**
 * Why leases of this kind cannot be worked on; undefined when they can. An application that reads one stream
 * cannot become one that reads many: checkpoints would seem to be lost.
 *
 * @param lease One lease of the table; undefined when it has none.
 * @param isMany Whether many streams are to be read.
 */
export function kindProblem(
  lease: Pick<Lease, "leaseKey" | "streamIdentifier"> | undefined,
  isMany: boolean,
): string | undefined {
  if (lease === undefined || (lease.streamIdentifier !== undefined) === isMany) return undefined;
  const [wanted, found] = isMany ? ["many streams", "one stream"] : ["one stream", "many streams"];
  return `expected leases of ${wanted}: got those of ${found}, e.g. ${lease.leaseKey}: ` +
    "set another applicationName, and an initial position for it";
}

/** Whether two formats are the same for a worker that takes part by them. */
export function isSameFormat(a: TableFormat, b: TableFormat): boolean {
  return a.place === b.place && a.mayLead === b.mayLead && a.supportCode === b.supportCode &&
    a.isFinal === b.isFinal;
}

/** The `Migration3.0` item of a fresh fleet, as a KCL 3 worker with default settings writes it. */
export function newClientVersion(workerId: string, epochMs: number): MigrationState {
  const by = { modifiedBy: workerId, modifiedEpochMs: epochMs };
  return {
    key: "Migration3.0",
    value: "CLIENT_VERSION_3X",
    ...by,
    history: [{ value: "CLIENT_VERSION_INIT", ...by }],
  };
}

type MigrationStatus =
  | { readonly type: "status"; readonly value: "INIT" | "DEPLOYED" | "PENDING" | "COMPLETE" }
  | { readonly type: "refuse"; readonly reason: string };

/** How far the migration from the three tables of KCL 3.0 to the one of KCL 3.5 has got. */
function migrationStatus(findings: FormatFindings): MigrationStatus {
  if (!findings.legacyTableExists) return { type: "status", value: "COMPLETE" };
  const isToFinish = findings.migrateAllEntitiesToLeaseTable === true;
  const found = findings.tableMigration?.value;
  switch (found) {
    case undefined:
    case "TABLE_MIGRATION_STATUS_INIT":
      return isToFinish
        ? refuse(
          "migrateAllEntitiesToLeaseTable is set, but not all workers of the fleet know the single table yet: " +
            "set it to false until TableMigration3.5 is TABLE_MIGRATION_STATUS_DEPLOYED",
        )
        : { type: "status", value: "INIT" };
    case "TABLE_MIGRATION_STATUS_DEPLOYED":
    case "TABLE_MIGRATION_STATUS_PENDING":
      return { type: "status", value: isToFinish ? "PENDING" : "DEPLOYED" };
    case "TABLE_MIGRATION_STATUS_COMPLETE":
      return { type: "status", value: "COMPLETE" };
    default:
      return refuse(
        `TableMigration3.5 has a value that this version does not know: got ${JSON.stringify(found)}: ` +
          "use a newer version",
      );
  }
}

function refuse(reason: string): { readonly type: "refuse"; readonly reason: string } {
  return { type: "refuse", reason };
}
