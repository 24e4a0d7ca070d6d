import { assertEquals, assertRejects } from "@std/assert";
import type { LeaseWrite } from "../../src/lease/lease_write.ts";
import type { ChildShard } from "../../src/stream/shard.ts";
import { createChildLeases } from "../../src/consumer/child_creation.ts";
import { LeaseHold } from "../../src/worker/lease_hold.ts";
import { rangeOf } from "../lease/fixtures.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const signal = new AbortController().signal;

const child = (shardId: string, ...parentShards: string[]): ChildShard => ({
  shardId,
  parentShards,
  hashKeyRange: rangeOf(0, 1, 1),
});

/** The lease of shard "p", held, whose shard is read to its end. */
async function bed(chance = 0.5) {
  const memory = new MemoryBed();
  const { clock, emit, store } = memory;
  const system = { clock, random: () => chance };
  const hold = new LeaseHold(await memory.lease("p", "me"), clock.monotonicMs(), {
    store,
    identity: memory.identity("me"),
    workerId: "me",
    leasing: { failoverTimeMs: 10_000, gracefulLeaseHandoffTimeoutMs: 30_000 },
    clock,
    emit,
    successorOf: () => undefined,
  });
  return {
    memory,
    hold,
    create: (children: readonly ChildShard[], during: AbortSignal = signal) =>
      createChildLeases(
        { held: hold, children, isWaiting: false, leaseStore: store, emit, system },
        during,
      ),
    keys: async () => (await store.list()).leases.map(({ leaseKey }) => leaseKey).sort(),
  };
}

Deno.test("createChildLeases() makes the leases that are missing, and notes all children in the parent's", async () => {
  const { memory, create, keys } = await bed();
  await memory.lease("c", "other");
  assertEquals(await create([child("c", "p"), child("d", "p")]), true);
  assertEquals(await keys(), ["c", "d", "p"]);
  assertEquals((await memory.read("p")).childShardIds, ["c", "d"]);
  const created = eventsOf(memory.events, "leaseCreated");
  assertEquals(created.map(({ leaseKey, parentLeaseKey }) => [leaseKey, parentLeaseKey]), [["d", "p"]]);
  assertEquals(eventsOf(memory.events, "mergeParentMissing"), []);
});

Deno.test("createChildLeases() goes on after a lease that somebody else made meanwhile", async () => {
  const { memory, create, keys } = await bed();
  const make = memory.store.create.bind(memory.store);
  memory.store.create = async (lease, ...more) => {
    if (lease.leaseKey === "c") await make(lease);
    return await make(lease, ...more);
  };
  assertEquals(await create([child("c", "p"), child("d", "p")]), true);
  assertEquals(await keys(), ["c", "d", "p"]);
  assertEquals((await memory.read("p")).childShardIds, ["c", "d"]);
});

Deno.test("createChildLeases() is over only when the children are noted, and says when that failed", async () => {
  const { memory, create } = await bed();
  const apply = memory.store.apply.bind(memory.store);
  memory.store.apply = (write: LeaseWrite, ...more) =>
    "childShardIds" in write.set ? Promise.reject(new Error("table down")) : apply(write, ...more);
  await assertRejects(() => create([child("c", "p"), child("d", "p")]), Error, "table down");
});

Deno.test("createChildLeases() waits for the other parent of a merge, and now and then gives the lease up", async () => {
  const patient = await bed();
  assertEquals(await patient.create([child("m", "p", "q")]), false);
  assertEquals(await patient.keys(), ["p"]);
  assertEquals((await patient.memory.read("p")).leaseOwner, "me");
  assertEquals(eventsOf(patient.memory.events, "notice").map(({ level }) => level), ["warning"]);
  assertEquals(eventsOf(patient.memory.events, "mergeParentMissing").map(({ missing }) => missing), [
    "lease",
  ]);

  const impatient = await bed(0);
  assertEquals(await impatient.create([child("m", "p", "q")]), false);
  assertEquals((await impatient.memory.read("p")).leaseOwner, undefined);
  assertEquals(impatient.hold.lost.aborted, true);
  assertEquals(eventsOf(impatient.memory.events, "notice").map(({ level }) => level), ["error"]);
});

Deno.test("createChildLeases() says that the only child of a shard does not name two parents", async () => {
  const { memory, create } = await bed();
  assertEquals(await create([child("m", "p")]), false);
  assertEquals(eventsOf(memory.events, "mergeParentMissing"), [
    { type: "mergeParentMissing", leaseKey: "p", shardId: "p", missing: "parent" },
  ]);
});

Deno.test("createChildLeases() passes the signal on to each call", async () => {
  const { memory, create } = await bed();
  const during = new AbortController().signal;
  const seen: (AbortSignal | undefined)[] = [];
  const get = memory.store.get.bind(memory.store), make = memory.store.create.bind(memory.store);
  memory.store.get = (key, given) => (seen.push(given), get(key, given));
  memory.store.create = (lease, given) => (seen.push(given), make(lease, given));
  await create([child("c", "p"), child("d", "p")], during);
  assertEquals(seen.map((given) => given === during), [true, true, true, true, true]);
});
