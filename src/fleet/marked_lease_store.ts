/**
 * The lease table as one process of a worker's name uses it. All of the worker's reads and writes come
 * through here, so that none can be forgotten. Each write that moves a counter leaves a mark. Each lease and
 * metrics item that is read is looked at. Once a newer process of the name was seen, nothing is written any
 * more.
 *
 * @module
 */

import type { Lease, NewLease } from "../lease/lease.ts";
import {
  type CompanionOutcome,
  companionsOf,
  type CompanionWrites,
  type LeaseStore,
  readLeases,
  type SmallTableListing,
  type TableListing,
  type WriteOutcome,
} from "../lease/lease_store.ts";
import { type LeaseWrite, marked } from "../lease/lease_write.ts";
import type { Identity } from "./identity.ts";

/**
 * `LeaseStore` over another one. Its writes throw the reason of `identity.superseded` once that has aborted.
 */
export class MarkedLeaseStore implements LeaseStore {
  readonly #store: LeaseStore;
  readonly #identity: Identity;

  constructor(store: LeaseStore, identity: Identity) {
    this.#store = store;
    this.#identity = identity;
  }

  ensureTable(signal?: AbortSignal): Promise<{ readonly created: boolean }> {
    return this.#store.ensureTable(signal);
  }

  adoptTable(signal?: AbortSignal): Promise<void> {
    return this.#store.adoptTable(signal);
  }

  someLease(signal?: AbortSignal): Promise<Lease | undefined> {
    return this.#store.someLease(signal);
  }

  async list(signal?: AbortSignal): Promise<TableListing> {
    const listing = await this.#store.list(signal);
    this.#lookAt(listing);
    return listing;
  }

  async listSmall(signal?: AbortSignal): Promise<SmallTableListing | undefined> {
    const listing = await this.#store.listSmall?.(signal);
    if (listing !== undefined) this.#lookAt(listing);
    return listing;
  }

  async get(leaseKey: string, signal?: AbortSignal): Promise<Lease | undefined> {
    const lease = await this.#store.get(leaseKey, signal);
    if (lease !== undefined) this.#identity.lookAt(lease);
    return lease;
  }

  async getAll(leaseKeys: readonly string[], signal?: AbortSignal): Promise<readonly Lease[]> {
    const leases = await readLeases(this.#store, leaseKeys, signal);
    for (const lease of leases) this.#identity.lookAt(lease);
    return leases;
  }

  leaseKeysOwnedBy(workerId: string, signal?: AbortSignal): Promise<readonly string[]> {
    return this.#store.leaseKeysOwnedBy(workerId, signal);
  }

  async create(lease: NewLease, signal?: AbortSignal): Promise<boolean> {
    this.#identity.superseded.throwIfAborted();
    return await this.#store.create(lease, signal);
  }

  async apply(write: LeaseWrite, signal?: AbortSignal): Promise<WriteOutcome> {
    const { superseded, incarnation } = this.#identity;
    superseded.throwIfAborted();
    const outcome = await this.#store.apply(marked(write, incarnation), signal);
    if (!outcome.applied && outcome.found !== undefined) this.#identity.lookAt(outcome.found);
    return outcome;
  }

  get tableArn(): string | undefined {
    return this.#store.tableArn;
  }

  async applyWith(
    write: LeaseWrite,
    companions: CompanionWrites,
    signal?: AbortSignal,
  ): Promise<CompanionOutcome> {
    const { superseded, incarnation } = this.#identity;
    superseded.throwIfAborted();
    const outcome = await companionsOf(this.#store)(marked(write, incarnation), companions, signal);
    if (!outcome.applied && outcome.found !== undefined) this.#identity.lookAt(outcome.found);
    return outcome;
  }

  async delete(leaseKey: string, signal?: AbortSignal): Promise<void> {
    this.#identity.superseded.throwIfAborted();
    await this.#store.delete(leaseKey, signal);
  }

  #lookAt({ leases, workers }: TableListing): void {
    for (const lease of leases) this.#identity.lookAt(lease);
    for (const { incarnation } of workers) this.#identity.see(incarnation);
  }
}
