/**
 * A lease table in memory with a fake clock: for the parts of a worker.
 *
 * @module
 */

import type { WorkerEvent } from "../../src/events.ts";
import { Identity } from "../../src/fleet/identity.ts";
import { MarkedLeaseStore } from "../../src/fleet/marked_lease_store.ts";
import type { Lease, NewLease } from "../../src/lease/lease.ts";
import { assign, startHandoff } from "../../src/lease/lease_write.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import type { System } from "../../src/system.ts";
import { newLease } from "../lease/fixtures.ts";
import { FakeClock } from "./fake_clock.ts";

/** See the module. */
export class MemoryBed {
  readonly clock: FakeClock = new FakeClock();
  readonly table: MemoryTable = new MemoryTable("app");
  readonly store: MemoryLeaseStore = new MemoryLeaseStore(this.table);
  readonly coordinator: MemoryCoordinatorStore = new MemoryCoordinatorStore(this.table);
  readonly events: WorkerEvent[] = [];
  readonly emit = (event: WorkerEvent): void => void this.events.push(event);
  readonly system: System;
  readonly #identities = new Map<string, Identity>();
  #chance = 0;

  constructor() {
    this.table.create();
    // A sequence that never repeats soon, so that two versions of a lock differ.
    const random = () => (this.#chance = (this.#chance + 0.618033988749895) % 1);
    this.system = { clock: this.clock, random, fetch: () => Promise.reject(new Error("no network here")) };
  }

  /** One process for each worker name. It has claimed the name. */
  identity(workerId: string): Identity {
    let identity = this.#identities.get(workerId);
    if (identity === undefined) {
      identity = new Identity({ workerId, system: this.system, emit: this.emit });
      identity.claim();
      this.#identities.set(workerId, identity);
    }
    return identity;
  }

  /** The store as that process uses it. */
  marked(workerId: string): MarkedLeaseStore {
    return new MarkedLeaseStore(this.store, this.identity(workerId));
  }

  /** Creates a lease and assigns it. */
  async lease(shardId: string, owner: string, more: Partial<NewLease> = {}): Promise<Lease> {
    const fresh = newLease(shardId, more);
    await this.store.create(fresh);
    const lease = await this.read(fresh.leaseKey);
    const outcome = await this.store.apply(assign(lease, owner));
    if (!outcome.applied) throw new Error(`could not assign ${shardId}`);
    return outcome.lease;
  }

  /** Asks a lease's owner to hand it over. */
  async handoff(leaseKey: string, to: string): Promise<void> {
    const lease = await this.read(leaseKey);
    const { leaseOwner } = lease;
    if (leaseOwner === undefined) throw new Error(`nobody owns ${leaseKey}`);
    const outcome = await this.store.apply(startHandoff({ ...lease, leaseOwner }, to));
    if (!outcome.applied) throw new Error(`could not start a handoff of ${leaseKey}`);
  }

  /** Reads a lease that must be there. */
  async read(leaseKey: string): Promise<Lease> {
    const lease = await this.store.get(leaseKey);
    if (lease === undefined) throw new Error(`no lease ${leaseKey}`);
    return lease;
  }
}
