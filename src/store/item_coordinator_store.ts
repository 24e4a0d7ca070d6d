/**
 * Lock, worker metrics and migration states on tables of items, the same on DynamoDB as in memory.
 *
 * @module
 */

import type { ConditionalOutcome, Item } from "../aws/dynamodb.ts";
import { isAwsError, LeaseTableError } from "../errors.ts";
import type {
  CoordinatorStore,
  DrainStore,
  LeaderLock,
  LockCondition,
  LockRing,
  MigrationState,
  SliceRow,
  SliceStore,
  TablePlace,
  WorkerMetrics,
} from "../lease/coordinator_store.ts";
import { type Incarnation, isNewerIncarnation } from "../lease/incarnation.ts";
import type { Readout } from "./attribute_value.ts";
import {
  drainUpdate,
  heartbeatAttributes,
  incarnationOf,
  LEADER_KEY,
  lockCondition,
  lockIsOf,
  lockIsOurs,
  lockItem,
  lockOf,
  metricsCondition,
  migrationItem,
  migrationOf,
  ofIncarnation,
  reportUpdate,
  ringOf,
  ringUpdate,
  sameIncarnation,
  workerMetricsOf,
} from "./coordinator_items.ts";
import { lockedBy, sliceEndUpdate, sliceLockAttributes, sliceRowOf } from "./slice_items.ts";
import type { ItemTable } from "./item_table.ts";
import type { ItemCondition } from "./item_write.ts";

/** How many times to try to write a metrics item that is of another incarnation each time. */
const MAX_METRICS_ATTEMPTS = 5;

/** The tables that a fleet may have. */
export interface CoordinatorTables {
  /** Key `leaseKey`. */
  readonly leaseTable: ItemTable;
  /** `<applicationName>-CoordinatorState`, key `key`. */
  readonly legacyCoordinatorState: ItemTable;
  /** `<applicationName>-WorkerMetricStats`, key `wid`. */
  readonly legacyWorkerMetrics: ItemTable;
}

/** {@linkcode CoordinatorStore} over {@linkcode ItemTable}s. It never creates a table. */
export class ItemCoordinatorStore implements CoordinatorStore, SliceStore, DrainStore {
  readonly #tables: CoordinatorTables;

  constructor(tables: CoordinatorTables) {
    this.#tables = tables;
  }

  legacyTableExists(signal?: AbortSignal): Promise<boolean> {
    return this.#tables.legacyCoordinatorState.exists(signal);
  }

  /**
   * A `TableMigration3.5` that cannot be read counts as none, as in Java.
   *
   * @throws {LeaseTableError} when `Migration3.0` cannot be read.
   */
  async readMigration(
    place: TablePlace,
    key: MigrationState["key"],
    signal?: AbortSignal,
  ): Promise<MigrationState | undefined> {
    const table = this.#stateTable(place);
    const item = await table.get(key, signal);
    if (item === undefined) return undefined;
    const readout = migrationOf(key, item);
    if (key === "TableMigration3.5" && readout.type === "unreadable") return undefined;
    return valueOf(readout, key, table);
  }

  async createMigration(place: TablePlace, state: MigrationState, signal?: AbortSignal): Promise<boolean> {
    const table = this.#stateTable(place);
    const { keyName } = table;
    return (await table.put(migrationItem(keyName, state), { [keyName]: "absent" }, signal)).applied;
  }

  /** @throws {LeaseTableError} when the item cannot be read. */
  async readLock(place: TablePlace, signal?: AbortSignal): Promise<LeaderLock | undefined> {
    const table = this.#stateTable(place);
    const item = await table.get(LEADER_KEY, signal);
    return item === undefined ? undefined : valueOf(lockOf(item), LEADER_KEY, table);
  }

  /** @throws {LeaseTableError} when the item cannot be read. */
  async watchLock(place: TablePlace, signal?: AbortSignal): Promise<LeaderLock | undefined> {
    const table = this.#stateTable(place);
    const item = await table.glance(LEADER_KEY, signal);
    return item === undefined ? undefined : valueOf(lockOf(item), LEADER_KEY, table);
  }

  async putLock(
    place: TablePlace,
    lock: LeaderLock,
    when: LockCondition,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const table = this.#stateTable(place);
    const { keyName } = table;
    const outcome = await table.put(lockItem(keyName, lock), lockCondition(keyName, when), signal);
    return await writtenLock(table, lock, outcome, signal) !== undefined;
  }

  async heartbeatLock(
    place: TablePlace,
    heldVersion: string,
    next: LeaderLock,
    signal?: AbortSignal,
  ): Promise<boolean | LockRing> {
    const table = this.#stateTable(place);
    const outcome = await table.update(
      LEADER_KEY,
      { set: heartbeatAttributes(next), add: {}, remove: [] },
      lockIsOurs(table.keyName, heldVersion, next.ownerName),
      signal,
    );
    const written = await writtenLock(table, next, outcome, signal);
    return written !== undefined && (ringOf(written.item) ?? true);
  }

  async ringLock(
    place: TablePlace,
    ownerName: string,
    ring: LockRing,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const table = this.#stateTable(place);
    const when = lockIsOf(table.keyName, ownerName);
    return (await table.update(LEADER_KEY, ringUpdate(ring), when, signal)).applied;
  }

  async releaseLock(place: TablePlace, held: LeaderLock, signal?: AbortSignal): Promise<boolean> {
    const table = this.#stateTable(place);
    const when = lockIsOurs(table.keyName, held.recordVersionNumber, held.ownerName);
    return (await table.delete(LEADER_KEY, when, signal)).applied;
  }

  /**
   * The condition is that the item is still of our incarnation, which costs no read. If it is of another
   * incarnation, the condition is that it still is of that one.
   */
  async writeWorkerMetrics(
    place: TablePlace,
    metrics: WorkerMetrics,
    signal?: AbortSignal,
  ): Promise<Incarnation | undefined> {
    const table = this.#metricsTable(place);
    const { workerId, incarnation: own } = metrics;
    let when: ItemCondition = own === undefined ? {} : ofIncarnation(metrics.replaces ?? own);
    let isOfAnother = false;
    for (let attempt = 1; attempt <= MAX_METRICS_ATTEMPTS; attempt++) {
      const outcome = await table.update(workerId, reportUpdate(metrics, isOfAnother), when, signal);
      if (outcome.applied) return undefined;
      const item = outcome.item ?? await table.get(workerId, signal);
      const found = incarnationOf(item);
      if (own !== undefined && found !== undefined && isNewerIncarnation(found, own)) return found;
      when = sameIncarnation(item);
      isOfAnother = true;
    }
    throw new Error(
      `Cannot write the metrics item of worker "${workerId}" in table "${table.tableName}": others changed it ` +
        `${MAX_METRICS_ATTEMPTS} times meanwhile: give each worker a workerIdentifier of its own`,
    );
  }

  async markDraining(
    place: TablePlace,
    workerId: string,
    sinceEpochS: number | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const table = this.#metricsTable(place);
    // A lease has no `lut`: none is ever marked.
    const when = { [table.keyName]: "present", lut: "present" } as const;
    return (await table.update(workerId, drainUpdate(sinceEpochS), when, signal)).applied;
  }

  async lockSlice(
    { workerId, lock, replaces, lastUpdateEpochS, mayCreate }: Parameters<SliceStore["lockSlice"]>[0],
    signal?: AbortSignal,
  ): Promise<{ readonly isLocked: boolean; readonly row: SliceRow | undefined }> {
    const { leaseTable: table } = this.#tables;
    const update = { set: sliceLockAttributes(lock, lastUpdateEpochS), add: {}, remove: [] };
    const when = { ...(mayCreate ? {} : { [table.keyName]: "present" as const }), ...lockedBy(replaces) };
    const outcome = await table.update(workerId, update, when, signal);
    const item = outcome.item ?? await table.get(workerId, signal);
    const row = item === undefined ? undefined : sliceRowOf(item);
    // Refused by our own write, sent again because its answer was lost.
    return { isLocked: outcome.applied || row?.lock?.sliceId === lock.sliceId, row };
  }

  async unlockSlice(
    { workerId, lock, memory, lastUpdateEpochS }: Parameters<SliceStore["unlockSlice"]>[0],
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { leaseTable: table } = this.#tables;
    const update = sliceEndUpdate(memory, lastUpdateEpochS);
    const when = { [table.keyName]: "present" as const, ...lockedBy(lock) };
    return (await table.update(workerId, update, when, signal)).applied;
  }

  /** Items that cannot be read are left out; no table means no metrics. */
  async listLegacyWorkerMetrics(signal?: AbortSignal): Promise<readonly WorkerMetrics[]> {
    const { legacyWorkerMetrics: table } = this.#tables;
    let items: readonly Item[];
    try {
      items = await table.scan(signal);
    } catch (error) {
      if (isAwsError(error, "ResourceNotFoundException")) return [];
      throw error;
    }
    return items.flatMap((item) => {
      const readout = workerMetricsOf(table.keyName, item);
      return readout.type === "read" ? [readout.value] : [];
    });
  }

  async deleteWorkerMetrics(
    place: TablePlace,
    metrics: Pick<WorkerMetrics, "workerId" | "lastUpdateEpochS" | "incarnation">,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const table = this.#metricsTable(place);
    const when = metricsCondition(table.keyName, metrics);
    return (await table.delete(metrics.workerId, when, signal)).applied;
  }

  #stateTable(place: TablePlace): ItemTable {
    return place === "leaseTable" ? this.#tables.leaseTable : this.#tables.legacyCoordinatorState;
  }

  #metricsTable(place: TablePlace): ItemTable {
    return place === "leaseTable" ? this.#tables.leaseTable : this.#tables.legacyWorkerMetrics;
  }
}

/**
 * The lock in the table if it is the one that we wrote, else undefined. A refusal may be caused by our
 * own write, sent again because its answer was lost. The version shows that, since no other worker has it.
 */
async function writtenLock(
  table: ItemTable,
  lock: LeaderLock,
  outcome: ConditionalOutcome,
  signal: AbortSignal | undefined,
): Promise<{ readonly item: Item | undefined } | undefined> {
  if (outcome.applied) return { item: outcome.item };
  const item = outcome.item ?? await table.get(LEADER_KEY, signal);
  const stands = item === undefined ? undefined : lockOf(item);
  const isOurs = stands?.type === "read" && stands.value.recordVersionNumber === lock.recordVersionNumber &&
    stands.value.ownerName === lock.ownerName;
  return isOurs ? { item } : undefined;
}

function valueOf<T>(readout: Readout<T>, key: string, table: ItemTable): T {
  if (readout.type === "read") return readout.value;
  throw new LeaseTableError(
    `Cannot read item "${key}" of table "${table.tableName}": ${readout.problem}: delete the item`,
  );
}
