/** What a keeper does when the table is slow, fails, or changes while it looks. */

import { assertEquals, assertRejects } from "@std/assert";
import { renew } from "../../src/lease/lease_write.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { keeperBed, LEASING } from "../support/keeper_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const signal = new AbortController().signal;

/** Has each write of a store answered after so long. @returns what takes it back. */
function slowWrites({ store, clock }: MemoryBed, ms: number): () => void {
  const { apply } = store;
  store.apply = async (...call) => {
    const outcome = await apply.apply(store, call);
    await clock.sleep(ms);
    return outcome;
  };
  return () => void (store.apply = apply);
}

Deno.test("LeaseKeeper.discover() counts a lease as renewed from before its first renewal was sent", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  const mend = slowWrites(memory, 3000);
  const discovered = keeper.discover(signal);
  await clock.advance(3000);
  await discovered;
  mend();
  assertEquals(keeper.held.map((hold) => hold.incrementedMs), [0]);
  await stop();
});

Deno.test("LeaseKeeper.discover() starts one consumer of a lease, whatever overlaps", async () => {
  const { memory, keeper, consumed, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  const { apply } = memory.store;
  let writes = 0;
  memory.store.apply = async (...call) => {
    const isFirst = ++writes === 1;
    const outcome = await apply.apply(memory.store, call);
    if (isFirst) await clock.sleep(1000);
    return outcome;
  };
  const slow = keeper.discover(signal);
  await clock.advance(500);
  await keeper.discover(signal); // finds the lease as the slow one left it
  await clock.advance(500);
  await slow;
  assertEquals(consumed, ["a"]);
  await stop();
});

Deno.test("LeaseKeeper.discover() drains at once what it finds while the worker stops", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  slowWrites(memory, 1000);
  const discovered = keeper.discover(signal);
  await clock.advance(500);
  keeper.drain("the worker is stopping");
  await clock.advance(500);
  await discovered;
  await clock.advance(1000);
  assertEquals(eventsOf(memory.events, "leaseReleased").map(({ leaseKey }) => leaseKey), ["a"]);
  await stop();
});

Deno.test("LeaseKeeper.discover() starts the other leases when one cannot be read, and throws what happened", async () => {
  const { memory, keeper, consumed, stop } = keeperBed();
  await memory.lease("a", "me");
  await memory.lease("b", "me");
  const { get } = memory.store;
  memory.store.get = (key, ...more) =>
    key === "a" ? Promise.reject(new Error("throttled")) : get.call(memory.store, key, ...more);
  await assertRejects(() => keeper.discover(signal), Error, "throttled");
  assertEquals(consumed, ["b"]);
  await stop();
});

Deno.test("LeaseKeeper.discover() does not renew a lease out of turn whose handoff it knows of", async () => {
  const gate = Promise.withResolvers<void>();
  const { memory, keeper, clock, stop } = keeperBed({ consume: () => gate.promise });
  await memory.lease("a", "me");
  await keeper.discover(signal);
  await memory.handoff("a", "next");
  await keeper.discover(signal);
  await clock.advance(10);
  const { leaseCounter } = await memory.read("a");
  for (let i = 0; i < 3; i++) {
    await keeper.discover(signal);
    await clock.advance(500);
  }
  assertEquals((await memory.read("a")).leaseCounter, leaseCounter);
  gate.resolve();
  await stop();
});

Deno.test("LeaseKeeper does not end a handoff to itself by a read that was long in coming", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "old");
  await memory.handoff("a", "me");
  await keeper.discover(signal); // the counter stands still from now on, as far as anybody here knows
  await clock.advance(9000);
  const { get } = memory.store;
  memory.store.get = async (...call) => {
    const lease = await get.apply(memory.store, call);
    await clock.sleep(4000);
    return lease;
  };
  const discovered = keeper.discover(signal);
  await clock.advance(4000);
  await discovered;
  memory.store.get = get;
  // What was read at 9000 says nothing about 13000: the present owner may have renewed since.
  assertEquals((await memory.read("a")).checkpointOwner, "old");
  await stop();
});

Deno.test("LeaseKeeper tries a failed renewal again soon after each success", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  await keeper.discover(signal);
  const { apply } = memory.store;
  let failing = 0;
  memory.store.apply = (...call) =>
    failing-- > 0 ? Promise.reject(new Error("throttled")) : apply.apply(memory.store, call);
  for (const failuresInARow of [4, 1]) {
    failing = failuresInARow;
    const before = eventsOf(memory.events, "leaseRenewed").length;
    const startedMs = clock.monotonicMs();
    while (eventsOf(memory.events, "leaseRenewed").length === before) await clock.advance(100);
    const tookMs = clock.monotonicMs() - startedMs;
    // A third of the failover time, and 0.2 s, 0.4 s, 0.8 s and 1.6 s in between.
    assertEquals(tookMs > 3000 && tookMs < (failuresInARow === 1 ? 3800 : 6600), true, `${tookMs} ms`);
  }
  await stop();
});

Deno.test("LeaseKeeper keeps the lease of a shard that is done, renewed, until the worker stops", async () => {
  const { memory, keeper, clock, stop } = keeperBed({ consume: () => Promise.resolve() });
  await memory.lease("a", "me");
  await keeper.discover(signal);
  await clock.advance(10_000);
  assertEquals(keeper.held.length, 1);
  assertEquals((await memory.read("a")).leaseCounter, 2 + 3);
  await stop();
  assertEquals((await memory.read("a")).leaseOwner, undefined);
});

Deno.test("LeaseKeeper lets go of a lease whose consumer fails, and reports the failure", async () => {
  const { memory, keeper, failures, clock, stop } = keeperBed({
    consume: () => Promise.reject(new Error("a defect")),
  });
  await memory.lease("a", "me");
  await keeper.discover(signal);
  await clock.advance(0);
  assertEquals(failures.splice(0).map(String), ["Error: a defect"]);
  assertEquals(keeper.held, []);
  assertEquals(eventsOf(memory.events, "leaseLost").map(({ reason }) => reason), ["givenUp"]);
  await stop();
});

Deno.test("LeaseKeeper.abandon() is over when everything is handed over", async () => {
  const gate = Promise.withResolvers<void>();
  const { memory, keeper, clock, stop } = keeperBed({ consume: () => gate.promise });
  await memory.lease("a", "me");
  await keeper.discover(signal);
  const mend = slowWrites(memory, 1000);
  let isOver = false;
  const abandoned = keeper.abandon().then(() => isOver = true);
  await clock.advance(999);
  assertEquals(isOver, false);
  await clock.advance(1);
  await abandoned;
  mend();
  assertEquals((await memory.read("a")).leaseOwner, undefined);
  gate.resolve();
  await stop();
});

Deno.test("LeaseKeeper has no more than maxLeaseRenewals renewals under way", async () => {
  const { memory, keeper, clock, stop } = keeperBed({ leasing: { ...LEASING, maxLeaseRenewals: 2 } });
  for (const key of ["a", "b", "c", "d", "e"]) await memory.lease(key, "me");
  await keeper.discover(signal);
  const { apply } = memory.store;
  let underWay = 0, most = 0;
  memory.store.apply = async (...call) => {
    most = Math.max(most, ++underWay);
    await clock.sleep(100);
    underWay--;
    return await apply.apply(memory.store, call);
  };
  await clock.advance(5000);
  memory.store.apply = apply;
  assertEquals(most, 2);
  assertEquals(eventsOf(memory.events, "leaseRenewed").length, 5);
  await clock.advance(1000);
  await stop();
});

Deno.test("LeaseKeeper watches a handoff to itself from the beginning when it comes a second time", async () => {
  const { memory, keeper, consumed, clock, stop } = keeperBed();
  await memory.lease("a", "old");
  await memory.handoff("a", "me");
  await keeper.discover(signal);
  await clock.advance(8000);
  const keysOf = memory.store.leaseKeysOwnedBy;
  memory.store.leaseKeysOwnedBy = () => Promise.resolve([]); // called off, as the index lists it
  await keeper.discover(signal);
  memory.store.leaseKeysOwnedBy = keysOf;
  await clock.advance(3000);
  await keeper.discover(signal);
  await keeper.discover(signal);
  assertEquals(consumed, [], "seen for 0 s this time");
  await memory.store.apply(renew(await memory.read("a")));
  await stop();
});
