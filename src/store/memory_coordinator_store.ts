/**
 * What lies beside the leases, in memory. Given the lease store's table, both keep their items there, as KCL
 * 3.5 does.
 *
 * @module
 */

import type { ItemTable } from "./item_table.ts";
import { type CoordinatorTables, ItemCoordinatorStore } from "./item_coordinator_store.ts";
import { MemoryTable } from "./memory_table.ts";

/** `CoordinatorStore` in memory. Unless legacy tables are given and created, there are none. */
export class MemoryCoordinatorStore extends ItemCoordinatorStore {
  constructor(leaseTable: ItemTable, legacy: Partial<Omit<CoordinatorTables, "leaseTable">> = {}) {
    super({
      leaseTable,
      legacyCoordinatorState: new MemoryTable("CoordinatorState", "key"),
      legacyWorkerMetrics: new MemoryTable("WorkerMetricStats", "wid"),
      ...legacy,
    });
  }
}
