/**
 * Leases in a Map. In a database of yours each method is one request, and `apply` one conditional update: read, compare and
 * write must be one step, or two workers take the same lease.
 *
 * @module
 */

import type { Lease, LeaseStore, LeaseWrite, NewLease, TableListing, WriteOutcome } from "@kclite/kclite";
import { leaseOf, type Row, rowOf } from "./rows.ts";

/** A lease store for the workers of one process. */
export class MapLeaseStore implements LeaseStore {
  readonly #rows = new Map<string, Row>();
  readonly #workers: () => TableListing["workers"];

  /** @param workers The other store's metrics: a listing has them too, so that one scan is enough. */
  constructor(workers: () => TableListing["workers"]) {
    this.#workers = workers;
  }

  ensureTable = async (): Promise<{ readonly created: boolean }> => ({ created: false });
  adoptTable = async (): Promise<void> => {};

  async list(): Promise<TableListing> {
    return { leases: [...this.#rows.values()].map(leaseOf), workers: this.#workers(), unreadable: [] };
  }

  someLease = async (): Promise<Lease | undefined> => (await this.list()).leases[0];

  async get(leaseKey: string): Promise<Lease | undefined> {
    const row = this.#rows.get(leaseKey);
    return row === undefined ? undefined : leaseOf(row);
  }

  async leaseKeysOwnedBy(workerId: string): Promise<readonly string[]> {
    return [...this.#rows.values()].filter((row) => row.leaseOwner === workerId).map((row) => row.leaseKey);
  }

  async create(lease: NewLease): Promise<boolean> {
    if (this.#rows.has(lease.leaseKey)) return false;
    this.#rows.set(lease.leaseKey, rowOf(lease));
    return true;
  }

  async apply({ leaseKey, set, add, remove, when }: LeaseWrite): Promise<WriteOutcome> {
    const row = this.#rows.get(leaseKey);
    const { exists: _, ...wanted } = when; // a write never makes a row
    const isAs = ([name, value]: [string, unknown]) => (row?.[name as keyof Row] ?? null) === value;
    if (!row || !Object.entries(wanted).every(isAs)) return { applied: false, found: row && leaseOf(row) };
    const next: Row = { ...row, ...set };
    next.leaseCounter += add.leaseCounter ?? 0;
    next.ownerSwitchesSinceCheckpoint += add.ownerSwitchesSinceCheckpoint ?? 0;
    for (const name of remove) delete (next as Partial<Row>)[name];
    this.#rows.set(leaseKey, next);
    return { applied: true, lease: leaseOf(next) };
  }

  delete = async (leaseKey: string): Promise<void> => void this.#rows.delete(leaseKey);
}
