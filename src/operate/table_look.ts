/**
 * Looks at a lease table: all leases, workers, the leader's lock and the kind of table, each as far as it may
 * be read. What cannot be read is named, with the permission that is missing, and the rest is shown.
 *
 * @module
 */

import type { Item, TableDescription } from "../aws/dynamodb.ts";
import { isAwsError, LeaseTableError } from "../errors.ts";
import type { LeaderLock, MigrationState, TablePlace, WorkerMetrics } from "../lease/coordinator_store.ts";
import type { Lease } from "../lease/lease.ts";
import type { TableListing, UnreadableItem } from "../lease/lease_store.ts";
import { keyProblem, scanSegments } from "../store/lease_table.ts";
import { listingOf } from "../store/table_listing.ts";
import type { FleetAccess } from "./fleet_access.ts";
import { type LookFailure, missingAction } from "./look_failure.ts";
import { pacedScan } from "./paced_scan.ts";

export type { LookFailure } from "./look_failure.ts";

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
  /** Parts that are read at the same time. @default as many as the table's size takes */
  readonly segments?: number | undefined;
  /** After this many refusals in a row the leases count as not readable. @default as `pacedScan()` */
  readonly patience?: number | undefined;
  /** Of an earlier look: what seldom changes is not asked for again. */
  readonly known?: Pick<TableLook, "description" | "place" | "migrations"> | undefined;
  /** Called as leases are read. @param total Undefined while it is not known. */
  readonly onProgress?: ((read: number, total: number | undefined) => void) | undefined;
}

/** Of the read capacity of a PROVISIONED table, what a look may use by default. */
const CAPACITY_SHARE = 0.25;

/** Parts that are scanned at the same time at least, where the table is on demand. */
const LEAST_SEGMENTS = 4;

/**
 * Looks once.
 *
 * @throws {AwsServiceError} when nothing can be read at all; {@linkcode LeaseTableError} when there is no
 * such table, or one of another kind.
 */
export async function lookAtTable(
  fleet: FleetAccess,
  options: LookOptions,
  signal: AbortSignal,
): Promise<TableLook> {
  const { tableName, dynamodb, system: { clock } } = fleet;
  const startedMs = clock.monotonicMs(), startedEpochMs = clock.epochMs();
  const { failures, part } = partsOf(signal);
  const description = options.known === undefined
    ? await describedTable(tableName, dynamodb, part, signal)
    : options.known.description;
  const [listing, state] = await Promise.all([
    part("leases", () => scanned(fleet, description, options, signal)),
    stateOf(fleet, options.known, part, signal),
  ]);
  const missing = failures.find(({ error }) => isAwsError(error, "ResourceNotFoundException"));
  if (listing === undefined && missing !== undefined) throw noTable(tableName);
  // Somebody whose name or network is wrong sees one error, and not five.
  if (listing === undefined && description === undefined) {
    throw failures.find(({ part }) => part === "leases")?.error;
  }
  return { ...looked(listing, state), tableName, description, startedMs, startedEpochMs, failures };
}

/**
 * Looks once at stores that are no table of DynamoDB: those that a user gives to a worker.
 *
 * @throws the signal's reason.
 */
export async function lookAtStores(
  { tableName, leaseStore, coordinatorStore, system: { clock } }: StoreAccess,
  signal: AbortSignal,
): Promise<TableLook> {
  const startedMs = clock.monotonicMs(), startedEpochMs = clock.epochMs();
  const { failures, part } = partsOf(signal);
  const [listing, state] = await Promise.all([
    part("leases", () => leaseStore.list(signal)),
    stateOf({ coordinatorStore }, undefined, part, signal),
  ]);
  return {
    ...looked(listing, state),
    tableName,
    description: undefined,
    startedMs,
    startedEpochMs,
    failures,
  };
}

/** What {@linkcode lookAtStores} takes. */
export type StoreAccess = Pick<FleetAccess, "tableName" | "leaseStore" | "coordinatorStore" | "system">;

/** Reads parts, and takes down which of them fail. */
function partsOf(signal: AbortSignal): { readonly failures: LookFailure[]; readonly part: Part } {
  const failures: LookFailure[] = [];
  const part: Part = async (name, read) => {
    try {
      return await read();
    } catch (error) {
      signal.throwIfAborted();
      failures.push({ part: name, error, missingAction: missingAction(error) });
      return undefined;
    }
  };
  return { failures, part };
}

async function describedTable(
  tableName: string,
  dynamodb: FleetAccess["dynamodb"],
  part: Part,
  signal: AbortSignal,
): Promise<TableDescription | undefined> {
  const described = await part("table", async () => ({
    found: await dynamodb.describeTable(tableName, signal),
  }));
  if (described !== undefined && described.found === undefined) throw noTable(tableName);
  const description = described?.found;
  const problem = description === undefined ? undefined : keyProblem(description);
  if (problem !== undefined) throw new LeaseTableError(problem);
  return description;
}

function looked(
  { leases, workers, unreadable }: TableListing = { leases: [], workers: [], unreadable: [] },
  { legacyWorkers, ...state }: StateOfFleet,
): Pick<TableLook, "place" | "migrations" | "lock" | "leases" | "workers" | "unreadable"> {
  return { ...state, leases, workers: newest([...workers, ...legacyWorkers]), unreadable };
}

function noTable(tableName: string): LeaseTableError {
  return new LeaseTableError(
    `Cannot look at lease table "${tableName}": there is no such table in this region and account: ` +
      "check applicationName, tableName and the region; the first worker makes the table",
  );
}

/** Page by page. An item that moves between parts meanwhile may come twice: the later one counts. */
async function scanned(
  { tableName, dynamodb, system: { clock } }: FleetAccess,
  description: TableDescription | undefined,
  { maxRcu, segments, patience, onProgress }: LookOptions,
  signal: AbortSignal,
): Promise<TableListing> {
  const capacity = description?.provisionedThroughput?.read;
  const bound = maxRcu ?? (capacity === undefined ? undefined : Math.max(1, capacity * CAPACITY_SHARE));
  const leases = new Map<string, Lease>(), unreadable = new Map<string, UnreadableItem>();
  const workers: WorkerMetrics[] = [];
  let read = 0;
  const onPage = (items: readonly Item[]) => {
    const page = listingOf(items);
    for (const lease of page.leases) {
      const known = leases.get(lease.leaseKey);
      if (known === undefined || known.leaseCounter <= lease.leaseCounter) leases.set(lease.leaseKey, lease);
    }
    for (const item of page.unreadable) unreadable.set(item.key, item);
    workers.push(...page.workers);
    read += items.length;
    onProgress?.(read, description?.itemCount);
  };
  await pacedScan({
    dynamodb,
    tableName,
    segments: segments ??
      (bound === undefined ? Math.max(LEAST_SEGMENTS, scanSegments(description?.tableSizeBytes ?? 0)) : 1),
    maxRcu: bound,
    patience,
    clock,
    onPage,
  }, signal);
  const inOrder = [...leases.values()].sort((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
  return { leases: inOrder, workers, unreadable: [...unreadable.values()] };
}

type Part = <T>(name: LookFailure["part"], read: () => Promise<T>) => Promise<T | undefined>;

type StateOfFleet = Pick<TableLook, "place" | "migrations" | "lock"> & {
  readonly legacyWorkers: readonly WorkerMetrics[];
};

/** What is kept beside the leases, wherever the fleet keeps it. */
async function stateOf(
  { coordinatorStore }: Pick<FleetAccess, "coordinatorStore">,
  known: LookOptions["known"],
  part: Part,
  signal: AbortSignal,
): Promise<StateOfFleet> {
  const place = known === undefined ? await placeOf(coordinatorStore, part, signal) : known.place;
  const where = place ?? "leaseTable";
  const [lock, migrations, legacyWorkers] = await Promise.all([
    part("lock", () => coordinatorStore.readLock(where, signal)),
    known === undefined
      ? part("format", () => migrationsOf(coordinatorStore, where, signal))
      : known.migrations,
    place === "legacy" ? part("workers", () => legacyReports(coordinatorStore, signal)) : [],
  ]);
  return { place, lock, migrations: migrations ?? [], legacyWorkers: legacyWorkers ?? [] };
}

async function placeOf(
  coordinatorStore: FleetAccess["coordinatorStore"],
  part: Part,
  signal: AbortSignal,
): Promise<TablePlace | undefined> {
  const isLegacy = await part("format", () => coordinatorStore.legacyTableExists(signal));
  return isLegacy === undefined ? undefined : isLegacy ? "legacy" : "leaseTable";
}

async function migrationsOf(
  coordinatorStore: FleetAccess["coordinatorStore"],
  where: TablePlace,
  signal: AbortSignal,
): Promise<MigrationState[]> {
  const found: MigrationState[] = [];
  // One after the other: what is refused is asked for once.
  for (const key of ["Migration3.0", "TableMigration3.5"] as const) {
    const state = await coordinatorStore.readMigration(where, key, signal);
    if (state !== undefined) found.push(state);
  }
  return found;
}

/** A fleet that has just begun its migration may have no table of reports any more. */
async function legacyReports(
  coordinatorStore: FleetAccess["coordinatorStore"],
  signal: AbortSignal,
): Promise<readonly WorkerMetrics[]> {
  try {
    return await coordinatorStore.listLegacyWorkerMetrics(signal);
  } catch (error) {
    if (isAwsError(error, "ResourceNotFoundException")) return [];
    throw error;
  }
}

function newest(workers: readonly WorkerMetrics[]): WorkerMetrics[] {
  const byId = new Map<string, WorkerMetrics>();
  for (const worker of workers) {
    const known = byId.get(worker.workerId);
    if ((known?.lastUpdateEpochS ?? -1) <= (worker.lastUpdateEpochS ?? -1)) byId.set(worker.workerId, worker);
  }
  return [...byId.values()].sort((a, b) => a.workerId < b.workerId ? -1 : 1);
}
