/**
 * The lease table of a simulated world: the items of `shared_table.ts`, with an index of its own that may be
 * behind.
 *
 * @module
 */

import type { CompanionOutcome, CompanionWrites } from "../../lease/lease_store.ts";
import type { LeaseWrite } from "../../lease/lease_write.ts";
import { leaseItemWrite } from "../../store/lease_item.ts";
import { leaseOrUndefined } from "../../store/lease_rows.ts";
import { MemoryLeaseStore } from "../../store/memory_lease_store.ts";
import { MemoryTable } from "../../store/memory_table.ts";
import type { TableAccess } from "./shared_table.ts";

/** `LeaseStore` as one process reaches it. */
export class SimulatedLeaseStore extends MemoryLeaseStore {
  readonly #table: TableAccess;

  constructor(table: TableAccess) {
    // The memory is there for a table that does not exist yet; this one always does.
    super(new MemoryTable(table.tableName), table);
    this.#table = table;
  }

  async applyWith(
    write: LeaseWrite,
    { writes }: CompanionWrites,
    signal?: AbortSignal,
  ): Promise<CompanionOutcome> {
    const { update, when } = leaseItemWrite(write);
    const { applied, item } = await this.#table.updateWith(write.leaseKey, update, when, writes, signal);
    return applied ? { applied } : { applied, found: leaseOrUndefined(item) };
  }

  override leaseKeysOwnedBy(workerId: string, signal?: AbortSignal): Promise<readonly string[]> {
    return this.#table.owned(workerId, signal);
  }
}
