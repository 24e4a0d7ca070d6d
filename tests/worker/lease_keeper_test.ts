import { assert, assertEquals } from "@std/assert";
import { assign, renew, startHandoff } from "../../src/lease/lease_write.ts";
import { withProgress } from "../../src/lease/progress_write.ts";
import { Identity } from "../../src/fleet/identity.ts";
import { MarkedLeaseStore } from "../../src/fleet/marked_lease_store.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { keeperBed, leftBy } from "../support/keeper_bed.ts";

const signal = new AbortController().signal;

Deno.test("LeaseKeeper.discover() fences a lease by a renewal before it starts its consumer", async () => {
  const { memory, keeper, consumed, stop } = keeperBed();
  await memory.lease("a", "me");
  await memory.lease("b", "other");
  await keeper.discover(signal);
  assertEquals(consumed, ["a"]);
  assertEquals((await memory.read("a")).leaseCounter, 2);
  await keeper.discover(signal);
  assertEquals(consumed, ["a"]);
  await stop();
});

Deno.test("LeaseKeeper.discover() begins a lease without the progress of its former owner", async () => {
  const { memory, keeper, stop } = keeperBed();
  const lease = await memory.lease("a", "me");
  await memory.store.apply(withProgress(renew(lease), lease, { lagMs: 9, recordsPerSecond: 9 }));
  assert((await memory.read("a")).progress !== undefined);
  await keeper.discover(signal);
  assertEquals((await memory.read("a")).progress, undefined);
  await stop();
});

Deno.test("LeaseKeeper.discover() reports what it has found, what has another owner by now, and how long it took", async () => {
  const { memory, keeper, stop } = keeperBed();
  await memory.lease("a", "me");
  const moved = await memory.lease("b", "me");
  const { store, clock } = memory;
  const list = store.leaseKeysOwnedBy.bind(store), get = store.get.bind(store);
  store.leaseKeysOwnedBy = async (...args) => {
    const keys = await list(...args);
    await clock.sleep(30);
    return keys;
  };
  store.get = async (key, ...more) => {
    await clock.sleep(20);
    if (key === "b") await store.apply(assign(moved, "other"));
    return await get(key, ...more);
  };
  for (let look = 0; look < 2; look++) {
    const looking = keeper.discover(signal);
    for (let turn = 0; turn < 10; turn++) await clock.advance(10);
    await looking;
  }
  assertEquals(eventsOf(memory.events, "leasesDiscovered"), [
    { type: "leasesDiscovered", held: 1, found: 2, foreign: 1, listMs: 30, beginMs: 20 },
    { type: "leasesDiscovered", held: 1, found: 0, foreign: 0, listMs: 30, beginMs: 0 },
  ]);
  await stop();
});

Deno.test("LeaseKeeper.begin() reports the same of leases that were known without a listing", async () => {
  const { memory, keeper, stop } = keeperBed();
  await keeper.begin([await memory.lease("a", "me"), await memory.lease("b", "other")], 0, signal);
  assertEquals(eventsOf(memory.events, "leasesDiscovered"), [
    { type: "leasesDiscovered", held: 1, found: 2, foreign: 1, listMs: undefined, beginMs: 0 },
  ]);
  await stop();
});

Deno.test("LeaseKeeper renews three times in a failover time, and not after a checkpoint", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  await keeper.discover(signal);
  await clock.advance(10_000);
  assertEquals((await memory.read("a")).leaseCounter, 2 + 3);
  const [hold] = keeper.held;
  for (let i = 1; i <= 5; i++) {
    await clock.advance(2000);
    await hold?.checkpoint({ sequenceNumber: `${i}`, subSequenceNumber: 0 });
  }
  assertEquals(
    (await memory.read("a")).leaseCounter,
    5 + 5,
    "five checkpoints in ten seconds, and no renewal beside them",
  );
  await stop();
});

Deno.test("LeaseKeeper retries a failed renewal within its cycle, and keeps the lease", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  await keeper.discover(signal);
  const apply = memory.store.apply.bind(memory.store);
  let failing = 3;
  memory.store.apply = (...args) => failing-- > 0 ? Promise.reject(new Error("throttled")) : apply(...args);
  await clock.advance(5000);
  assertEquals(eventsOf(memory.events, "leaseRenewalFailed").length, 3);
  assertEquals((await memory.read("a")).leaseCounter, 3);
  assertEquals(keeper.held.length, 1);
  await stop();
});

Deno.test("LeaseKeeper drops a lease that could not be renewed, even while a renewal hangs", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  await keeper.discover(signal);
  const apply = memory.store.apply;
  memory.store.apply = (_write, signal) =>
    new Promise((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
  await clock.advance(10_000);
  assertEquals(keeper.held.length, 1);
  await clock.advance(1001);
  assertEquals(eventsOf(memory.events, "leaseLost").map((event) => event.reason), ["expired"]);
  assertEquals(keeper.held.length, 0);
  memory.store.apply = apply;
  await stop();
});

Deno.test("LeaseKeeper.discover() does not start a lease again whose old consumer still runs", async () => {
  const gate = Promise.withResolvers<void>();
  const { memory, keeper, consumed, clock, stop } = keeperBed({
    consume: async (hold) => {
      consumed.push(hold.leaseKey);
      if (consumed.length === 1) await gate.promise;
      else await leftBy(hold);
    },
  });
  const lease = await memory.lease("a", "me");
  await keeper.discover(signal);
  // Taken and given back while the processor is inside a callback.
  await memory.store.apply(assign(await memory.read(lease.leaseKey), "other"));
  await keeper.discover(signal);
  await clock.advance(10);
  assertEquals(keeper.held.length, 0);
  await memory.store.apply(assign(await memory.read(lease.leaseKey), "me"));
  await keeper.discover(signal);
  assertEquals(consumed, ["a"]);
  gate.resolve();
  await clock.advance(10);
  await keeper.discover(signal);
  assertEquals(consumed, ["a", "a"]);
  await stop();
});

Deno.test("LeaseKeeper.discover() learns of a handoff at once, from its absence in the index", async () => {
  const { memory, keeper, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  await keeper.discover(signal);
  const lease = await memory.read("a");
  await memory.store.apply(startHandoff({ ...lease, leaseOwner: "me" }, "next"));
  await keeper.discover(signal);
  await clock.advance(10);
  const after = await memory.read("a");
  assertEquals([after.leaseOwner, after.checkpointOwner], ["next", undefined]);
  await stop();
});

/** A lease that is to be handed over, whose processor does not leave before the gate opens. */
async function askedToHandOver() {
  const gate = Promise.withResolvers<void>();
  const made = keeperBed({ consume: () => gate.promise });
  const { memory, keeper } = made;
  await memory.lease("a", "me");
  await keeper.discover(signal);
  const lease = await memory.read("a");
  await memory.store.apply(startHandoff({ ...lease, leaseOwner: "me" }, "next"));
  return { ...made, gate };
}

Deno.test("LeaseKeeper transfers a lease whose processor does not finish in time", async () => {
  const { memory, clock, stop, gate } = await askedToHandOver();
  await clock.advance(29_000);
  assertEquals((await memory.read("a")).checkpointOwner, "me");
  await clock.advance(6000);
  const after = await memory.read("a");
  assertEquals([after.leaseOwner, after.checkpointOwner], ["next", undefined]);
  gate.resolve();
  await stop();
});

Deno.test("LeaseKeeper lets go of a lease whose handoff hangs, before anybody finds it overdue", async () => {
  const { memory, keeper, clock, stop, gate } = await askedToHandOver();
  const { apply } = memory.store;
  const heartbeat = apply.bind(memory.store);
  memory.store.apply = (write, signal) => {
    if (write.operation === "renew") return heartbeat(write, signal);
    return new Promise((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
  };
  await clock.advance(39_900);
  assertEquals(keeper.held.length, 1);
  await clock.advance(101);
  assertEquals(eventsOf(memory.events, "leaseLost").map((event) => event.reason), ["handoffOverdue"]);
  assertEquals(keeper.held.length, 0);
  memory.store.apply = apply;
  gate.resolve();
  await stop();
});

Deno.test("LeaseKeeper ends a handoff to itself when the other side has died, and not before", async () => {
  const { memory, keeper, consumed, clock, stop } = keeperBed();
  const lease = await memory.lease("a", "old");
  await memory.store.apply(startHandoff({ ...lease, leaseOwner: "old" }, "me"));
  for (let i = 0; i < 12; i++) {
    await keeper.discover(signal);
    await clock.advance(1000);
    if (i < 8) await memory.store.apply(renew(await memory.read("a")));
  }
  assertEquals(consumed, [], "its owner renewed until a few seconds ago");
  for (let i = 0; i < 9; i++) {
    await keeper.discover(signal);
    await clock.advance(1000);
  }
  assertEquals(consumed, ["a"]);
  assert(keeper.held.length === 1);
  await stop();
});

Deno.test("LeaseKeeper.passOn() passes on what was assigned to it while it was stopping", async () => {
  const { memory, keeper } = keeperBed({ successorOf: () => "next" });
  await memory.lease("a", "me");
  await keeper.passOn(signal);
  assertEquals((await memory.read("a")).leaseOwner, "next");
});

Deno.test("LeaseKeeper.passOn() leaves a lease alone whose consumer still runs, or that is on its way from another", async () => {
  const gate = Promise.withResolvers<void>();
  const { memory, keeper, stop } = keeperBed({ successorOf: () => "next", consume: () => gate.promise });
  await memory.lease("hung", "me");
  await keeper.discover(signal);
  const lease = await memory.lease("draining", "other");
  await memory.store.apply(startHandoff({ ...lease, leaseOwner: "other" }, "me"));
  await keeper.passOn(signal);
  assertEquals((await memory.read("hung")).leaseOwner, "me");
  const { leaseOwner, checkpointOwner } = await memory.read("draining");
  assertEquals([leaseOwner, checkpointOwner], ["me", "other"]);
  assertEquals(eventsOf(memory.events, "leaseReleased"), []);
  gate.resolve();
  await stop();
});

Deno.test("LeaseKeeper begins a lease again that it lost to a process of its name only once the counter stood still", async () => {
  const { memory, keeper, consumed, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  await keeper.discover(signal);
  for (let second = 0; second < 20; second++) {
    // Java renews under our name.
    if (second % 3 === 0) await memory.store.apply(renew(await memory.read("a")));
    await clock.advance(1000);
    await keeper.discover(signal);
  }
  assertEquals(consumed, ["a"]);
  assertEquals(eventsOf(memory.events, "leaseLost").map(({ reason }) => reason), ["namesake"]);
  await keeper.passOn(signal);
  assertEquals((await memory.read("a")).leaseOwner, "me", "the other process may hold it");
  for (let second = 0; second < 9; second++) {
    await clock.advance(1000);
    await keeper.discover(signal);
  }
  assertEquals(consumed, ["a"], "it stood still for less than the failover time");
  await clock.advance(1000);
  await keeper.discover(signal);
  assertEquals(consumed, ["a", "a"]);
  await stop();
});

Deno.test("LeaseKeeper begins a lease again at once that a leader of another name took from it and gave back", async () => {
  const { memory, keeper, consumed, clock, stop } = keeperBed();
  await memory.lease("a", "me");
  await keeper.discover(signal);
  for (const owner of ["other", "me"]) {
    await memory.marked("leader").apply(assign(await memory.read("a"), owner));
  }
  await clock.advance(3400);
  assertEquals(eventsOf(memory.events, "leaseLost").map(({ reason }) => reason), ["taken"]);
  await keeper.discover(signal);
  assertEquals(consumed, ["a", "a"]);
  await stop();
});

Deno.test("LeaseKeeper of a superseded worker drops all, begins nothing and gives nothing away", async () => {
  const { memory, keeper, consumed, clock, stop } = keeperBed({ successorOf: () => "next" });
  for (const key of ["a", "b", "c"]) await memory.lease(key, key === "c" ? "other" : "me");
  await keeper.discover(signal);
  await clock.advance(1000);
  const newer = new MarkedLeaseStore(
    memory.store,
    new Identity({ workerId: "me", system: memory.system, emit: memory.emit }),
  );
  await memory.store.apply(assign(await memory.read("c"), "me"));
  await newer.apply(renew(await memory.read("c")));
  const before = memory.table.items();
  await keeper.discover(signal); // which reads c
  assertEquals(keeper.held, []);
  assertEquals(eventsOf(memory.events, "leaseLost").map(({ reason }) => reason), [
    "superseded",
    "superseded",
  ]);
  await clock.advance(20_000);
  await keeper.discover(signal);
  await keeper.passOn(signal);
  await stop();
  await keeper.abandon();
  assertEquals(consumed, ["a", "b"]);
  assertEquals(memory.table.items(), before);
});

Deno.test("LeaseKeeper.passOn() gives nothing away that a newer process of its name has begun", async () => {
  const { memory, keeper } = keeperBed({ successorOf: () => "next" });
  await memory.lease("a", "me");
  await memory.lease("b", "me");
  await memory.clock.advance(1000);
  const newer = new Identity({ workerId: "me", system: memory.system, emit: memory.emit });
  await new MarkedLeaseStore(memory.store, newer).apply(renew(await memory.read("a")));
  await keeper.passOn(signal);
  assertEquals([(await memory.read("a")).leaseOwner, (await memory.read("b")).leaseOwner], ["me", "me"]);
});
