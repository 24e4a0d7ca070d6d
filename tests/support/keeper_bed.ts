/**
 * A keeper of leases on a lease table in memory, for the tests of what it does and of what may overlap.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { TaskGroup } from "../../src/async/task_group.ts";
import type { LeaseHold } from "../../src/worker/lease_hold.ts";
import { LeaseKeeper, type LeaseKeeperOptions } from "../../src/worker/lease_keeper.ts";
import type { FakeClock } from "./fake_clock.ts";
import { MemoryBed } from "./memory_bed.ts";

/** What a keeper is set to, unless a test says otherwise. */
export const LEASING: LeaseKeeperOptions["leasing"] = {
  failoverTimeMs: 10_000,
  gracefulLeaseHandoffTimeoutMs: 30_000,
  maxLeaseRenewals: 20,
};

/** A keeper and what is around it. */
export interface KeeperBed {
  readonly memory: MemoryBed;
  readonly keeper: LeaseKeeper;
  /** The leases that a consumer was started for. */
  readonly consumed: string[];
  /** What tasks of the keeper threw. A test that expects an error takes it out. */
  readonly failures: unknown[];
  readonly clock: FakeClock;
  /** Drains the keeper, waits for its tasks, and fails if one of them threw. */
  stop(): Promise<void>;
}

/** A keeper of "me" whose consumers run until their lease is lost or drained, unless a test gives others. */
export function keeperBed(changes: Partial<LeaseKeeperOptions> = {}): KeeperBed {
  const memory = new MemoryBed();
  const failures: unknown[] = [];
  const tasks = new TaskGroup((error) => failures.push(error));
  const consumed: string[] = [];
  const keeper = new LeaseKeeper({
    store: memory.marked("me"),
    identity: memory.identity("me"),
    workerId: "me",
    leasing: LEASING,
    clock: memory.clock,
    emit: memory.emit,
    tasks,
    successorOf: () => undefined,
    consume: (hold) => {
      consumed.push(hold.leaseKey);
      return leftBy(hold);
    },
    ...changes,
  });
  const stop = async () => {
    keeper.drain("the test is over");
    const done = tasks.done();
    await memory.clock.advance(0);
    await done;
    assertEquals(failures, []);
  };
  return { memory, keeper, consumed, failures, stop, clock: memory.clock };
}

/** Waits until the lease is lost or is to be drained. */
export function leftBy(hold: LeaseHold): Promise<void> {
  const leave = AbortSignal.any([hold.lost, hold.drain]);
  if (leave.aborted) return Promise.resolve();
  return new Promise((resolve) => leave.addEventListener("abort", () => resolve(), { once: true }));
}
