/**
 * Looks at a lease table: all leases, workers, the leader's lock and the kind of table, each as far as it may
 * be read. What cannot be read is named, with the permission that is missing, and the rest is shown.
 *
 * @module
 */

import type { TableDescription } from "../aws/dynamodb.ts";
import type { LeaderLock, MigrationState, TablePlace, WorkerMetrics } from "../lease/coordinator_store.ts";
import type { Lease } from "../lease/lease.ts";
import type { UnreadableItem } from "../lease/lease_store.ts";
import type { FleetAccess } from "./fleet_access.ts";

/** A part of a look that failed. */
export interface LookFailure {
  readonly part: "table" | "leases" | "workers" | "lock" | "format";
  readonly error: unknown;
  /** The IAM action that is refused, e.g. `dynamodb:DescribeTable`. Undefined for any other failure. */
  readonly missingAction: string | undefined;
}

/** A lease table as it was at one time. */
export interface TableLook {
  readonly tableName: string;
  /** Undefined when there is no such table, or it may not be described. */
  readonly description: TableDescription | undefined;
  /** Where lock and metrics are. Undefined when it cannot be found out. */
  readonly place: TablePlace | undefined;
  readonly migrations: readonly MigrationState[];
  readonly leases: readonly Lease[];
  /** Of both places, each worker once: the newer report counts. */
  readonly workers: readonly WorkerMetrics[];
  readonly unreadable: readonly UnreadableItem[];
  /** Undefined when there is none. */
  readonly lock: LeaderLock | undefined;
  /** On the monotonic clock, before the first read. */
  readonly startedMs: number;
  /** Wall time at the same moment. */
  readonly startedEpochMs: number;
  readonly failures: readonly LookFailure[];
}

/** How a look is made. */
export interface LookOptions {
  /** The most read units a second that scans may use. Undefined: a quarter of a PROVISIONED table's. */
  readonly maxRcu?: number | undefined;
  /** Called as leases are read. @param total Undefined while it is not known. */
  readonly onProgress?: ((read: number, total: number | undefined) => void) | undefined;
}

/**
 * Looks once.
 *
 * @throws {AwsServiceError} when nothing can be read at all; {@linkcode LeaseTableError} for a table of
 * another kind.
 */
export async function lookAtTable(
  fleet: FleetAccess,
  _options: LookOptions,
  signal: AbortSignal,
): Promise<TableLook> {
  const { tableName, dynamodb, leaseStore, coordinatorStore, system: { clock } } = fleet;
  const startedMs = clock.monotonicMs(), startedEpochMs = clock.epochMs();
  const description = await dynamodb.describeTable(tableName, signal);
  const place = await coordinatorStore.legacyTableExists(signal) ? "legacy" : "leaseTable";
  const listing = description === undefined
    ? { leases: [], workers: [], unreadable: [] }
    : await leaseStore.list(signal);
  const lock = description === undefined ? undefined : await coordinatorStore.readLock(place, signal);
  return {
    tableName,
    description,
    place,
    migrations: [],
    ...listing,
    lock,
    startedMs,
    startedEpochMs,
    failures: [],
  };
}
