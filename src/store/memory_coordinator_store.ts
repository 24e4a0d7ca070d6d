/**
 * The state that is kept next to the leases, in memory. Given the lease store's table, both keep their items
 * there, as KCL 3.5 does.
 *
 * @module
 */

import type { ItemTable } from "./item_table.ts";
import { type CoordinatorTables, ItemCoordinatorStore } from "./item_coordinator_store.ts";
import { MemoryTable } from "./memory_table.ts";

/** `CoordinatorStore` in memory. There are no legacy tables unless they are given and created. */
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
