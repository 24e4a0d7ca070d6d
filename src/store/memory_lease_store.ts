/**
 * The lease table in memory, for tests, simulations and trying things out. All stores that share a
 * {@linkcode MemoryTable} share the leases.
 *
 * @module
 */

import type { Lease, NewLease } from "../lease/lease.ts";
import type { LeaseStore, SmallTableListing, TableListing, WriteOutcome } from "../lease/lease_store.ts";
import type { LeaseWrite } from "../lease/lease_write.ts";
import type { ItemTable } from "./item_table.ts";
import { applyLeaseWrite, createLease, readLease } from "./lease_rows.ts";
import type { MemoryTable } from "./memory_table.ts";
import { keysOwnedBy, listingOf, SMALL_TABLE_ITEMS, smallListingOf } from "./table_listing.ts";

/** {@linkcode LeaseStore} in memory. Its index is never behind. */
export class MemoryLeaseStore implements LeaseStore {
  readonly #memory: MemoryTable;
  readonly #table: ItemTable;

  /**
   * @param memory Where the items are.
   * @param table What the calls go through: the same table, or one around it that a test makes fail.
   */
  constructor(memory: MemoryTable, table: ItemTable = memory) {
    this.#memory = memory;
    this.#table = table;
  }

  async ensureTable(signal?: AbortSignal): Promise<{ readonly created: boolean }> {
    if (await this.#table.exists(signal)) return { created: false };
    return { created: this.#memory.create() };
  }

  /** A table in memory lacks nothing. */
  adoptTable(): Promise<void> {
    return Promise.resolve();
  }

  async someLease(signal?: AbortSignal): Promise<Lease | undefined> {
    return (await this.list(signal)).leases[0];
  }

  async list(signal?: AbortSignal): Promise<TableListing> {
    return listingOf(await this.#table.scan(signal));
  }

  async listSmall(signal?: AbortSignal): Promise<SmallTableListing | undefined> {
    const items = await this.#table.scanFewer(SMALL_TABLE_ITEMS, signal);
    return items === undefined ? undefined : smallListingOf(items);
  }

  get(leaseKey: string, signal?: AbortSignal): Promise<Lease | undefined> {
    return readLease(this.#table, leaseKey, signal);
  }

  async leaseKeysOwnedBy(workerId: string, signal?: AbortSignal): Promise<readonly string[]> {
    return keysOwnedBy(workerId, await this.#table.scan(signal));
  }

  create(lease: NewLease, signal?: AbortSignal): Promise<boolean> {
    return createLease(this.#table, lease, signal);
  }

  apply(write: LeaseWrite, signal?: AbortSignal): Promise<WriteOutcome> {
    return applyLeaseWrite(this.#table, write, signal);
  }

  async delete(leaseKey: string, signal?: AbortSignal): Promise<void> {
    await this.#table.delete(leaseKey, {}, signal);
  }
}
