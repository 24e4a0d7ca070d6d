/**
 * A lease table in memory, as the two stores that a worker takes.
 *
 * @module
 */

import type { CoordinatorStore } from "../../lease/coordinator_store.ts";
import type { LeaseStore } from "../../lease/lease_store.ts";
import { MemoryCoordinatorStore } from "../../store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../../store/memory_lease_store.ts";
import { MemoryTable } from "../../store/memory_table.ts";

/** What {@linkcode memoryStores} gives: two options of a worker. */
export interface MemoryStores {
  /** The leases. */
  readonly leaseStore: LeaseStore;
  /** Leader lock, workers' metrics and migration state. */
  readonly coordinatorStore: CoordinatorStore;
}

/**
 * Makes both stores on one table in memory. Workers that share them form a fleet. Nothing is kept when the
 * process ends.
 *
 * ```ts ignore
 * const worker = new KinesisWorker({ ...options, ...memoryStores() });
 * ```
 */
export function memoryStores(): MemoryStores {
  const table = new MemoryTable("memory");
  return { leaseStore: new MemoryLeaseStore(table), coordinatorStore: new MemoryCoordinatorStore(table) };
}
