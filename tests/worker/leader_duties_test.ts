import { assertEquals, assertRejects } from "@std/assert";
import { assignmentDefaults } from "../../src/lease/assignment.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { renew } from "../../src/lease/lease_write.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { LeaderDuties, type LeaderDutiesOptions } from "../../src/worker/leader_duties.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed, newLease } from "../support/memory_bed.ts";

const signal = new AbortController().signal;

function dutiesOn(memory: MemoryBed, parts: Partial<LeaderDutiesOptions>): LeaderDuties {
  return new LeaderDuties({
    workerId: "me",
    leaseStore: memory.store,
    coordinatorStore: memory.coordinator,
    place: "leaseTable",
    assignment: { ...assignmentDefaults, strategy: "LEASE_COUNT_BASED", failoverTimeMs: 10_000 },
    leaseSyncer: { syncIfNeeded: () => Promise.resolve(false) },
    system: memory.system,
    emit: memory.emit,
    isLeading: () => true,
    onProgress: () => {},
    onOwnLease: () => {},
    onOwnItemMissing: () => {},
    ...parts,
  });
}

function bed(isLeading: () => boolean = () => true, onProgress: () => void = () => {}) {
  const memory = new MemoryBed();
  const own: string[] = [];
  const duties = dutiesOn(memory, {
    isLeading,
    onProgress,
    onOwnLease: () => void own.push("rung"),
    onOwnItemMissing: () => void own.push("missing"),
  });
  /** A worker's metrics item, written now. */
  const report = (workerId: string) =>
    memory.coordinator.writeWorkerMetrics("leaseTable", {
      workerId,
      lastUpdateEpochS: Math.floor(memory.clock.epochMs() / 1000),
      stats: {},
      operatingRange: {},
      supportCode: 1,
      supportEpochS: undefined,
    });
  return { memory, duties, own, report, clock: memory.clock };
}

const ownersOf = (leases: readonly Lease[]) => leases.map((lease) => lease.leaseOwner);

Deno.test("LeaderDuties.lead() spreads new leases over the workers that live, and rings for its own", async () => {
  const { memory, duties, own, report } = bed();
  await report("me");
  await report("other");
  for (const id of ["a", "b", "c", "d"]) await memory.store.create(newLease(id));
  await duties.lead(signal);
  assertEquals(ownersOf((await memory.store.list()).leases).toSorted(), ["me", "me", "other", "other"]);
  assertEquals(own.length, 2);
  assertEquals(
    eventsOf(memory.events, "assignmentPass").map(({ assigned, workers }) => [assigned, workers]),
    [[4, 2]],
  );
});

Deno.test("LeaderDuties.lead() gives away what expired, and removes the dead worker's item for the next leader", async () => {
  const { memory, duties, report, clock } = bed();
  await report("me");
  await report("dead");
  await memory.lease("a", "dead");
  await duties.lead(signal);
  assertEquals((await memory.read("a")).leaseOwner, "dead", "nothing expires at first sight");
  await clock.advance(10_001);
  await report("me");
  await duties.lead(signal);
  assertEquals((await memory.read("a")).leaseOwner, "me");
  assertEquals((await memory.store.list()).workers.map((worker) => worker.workerId), ["me"]);
});

Deno.test("LeaderDuties.lead() tells the syncer the time before a listing that was long in coming", async () => {
  const { memory, clock } = bed();
  const since: number[] = [];
  const slow: LeaseStore = Object.assign(Object.create(memory.store), {
    list: async () => {
      const listing = await memory.store.list();
      await clock.advance(8000);
      return listing;
    },
  });
  const startedMs = clock.epochMs();
  await dutiesOn(memory, {
    leaseStore: slow,
    leaseSyncer: {
      syncIfNeeded: (_, { sinceEpochMs }) => {
        since.push(sinceEpochMs);
        return Promise.resolve(false);
      },
    },
  }).lead(signal);
  assertEquals(since, [startedMs]);
});

Deno.test("LeaderDuties.watch() before leading spares a new leader the time of watching", async () => {
  const { memory, duties, report, clock } = bed();
  await report("me");
  await memory.lease("a", "dead");
  await duties.watch(signal);
  await clock.advance(10_001);
  await report("me");
  await duties.lead(signal);
  assertEquals((await memory.read("a")).leaseOwner, "me");
});

Deno.test("LeaderDuties.lead() passes over a dead worker whose last report is of a clock that is ahead", async () => {
  const { memory, duties, report, clock } = bed();
  await report("me");
  await memory.coordinator.writeWorkerMetrics("leaseTable", {
    workerId: "dead",
    lastUpdateEpochS: Math.floor(clock.epochMs() / 1000) + 20,
    stats: {},
    operatingRange: {},
    supportCode: 1,
    supportEpochS: undefined,
  });
  await memory.lease("a", "dead");
  await memory.lease("b", "dead");
  await duties.watch(signal);
  await clock.advance(10_001);
  await report("me");
  await duties.lead(signal);
  assertEquals(ownersOf((await memory.store.list()).leases), ["me", "me"]);
  assertEquals((await memory.store.list()).workers.map((worker) => worker.workerId), ["me"]);
});

Deno.test("LeaderDuties.lead() writes nothing more once it cannot prove to lead", async () => {
  let asked = 0;
  const { memory, duties, report } = bed(() => ++asked <= 1);
  await report("me");
  for (const id of ["a", "b", "c"]) await memory.store.create(newLease(id));
  await duties.lead(signal);
  assertEquals(ownersOf((await memory.store.list()).leases).filter((owner) => owner !== undefined).length, 1);
});

Deno.test("LeaderDuties.lead() has twenty assignments under way at once, and tells of each answer", async () => {
  let progress = 0;
  const { memory, duties, report } = bed(undefined, () => progress++);
  await report("me");
  for (let i = 0; i < 100; i++) await memory.store.create(newLease(`shard-${i}`));
  const apply = memory.store.apply.bind(memory.store);
  let underWay = 0, most = 0;
  memory.store.apply = async (write, signal) => {
    most = Math.max(most, ++underWay);
    await Promise.resolve();
    const outcome = await apply(write, signal);
    underWay--;
    return outcome;
  };
  await duties.lead(signal);
  assertEquals(ownersOf((await memory.store.list()).leases).every((owner) => owner === "me"), true);
  assertEquals([most, progress], [20, 100]);
});

Deno.test("LeaderDuties.lead() stops writing at a failure, and throws it", async () => {
  const { memory, duties, report } = bed();
  await report("me");
  for (let i = 0; i < 100; i++) await memory.store.create(newLease(`shard-${i}`));
  let applied = 0;
  memory.store.apply = () => {
    applied++;
    return Promise.reject(new Error("no table"));
  };
  await assertRejects(() => duties.lead(signal), Error, "no table");
  assertEquals(applied, 20);
});

Deno.test("LeaderDuties.lead() asks no lease back before its owner has been seen to renew it", async () => {
  const { memory, duties, report } = bed();
  await report("other");
  for (const id of ["a", "b", "c", "d"]) await memory.store.create(newLease(id));
  const begin = async () => {
    for (const lease of (await memory.store.list()).leases) await memory.store.apply(renew(lease, undefined));
  };
  await duties.lead(signal);
  await report("me");
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "handoffStarted"), [], "the other has only just been told");
  // The renewal with which an owner begins is enough: the leader knows the counter that it wrote itself.
  await begin();
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "handoffStarted").map(({ to }) => to), ["me", "me"]);
});

Deno.test("LeaderDuties.lead() asks nothing back in its first pass, for it has seen nobody renew", async () => {
  const { memory, duties, report } = bed();
  await report("me");
  await report("other");
  for (const id of ["a", "b"]) await memory.lease(id, "other");
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "handoffStarted"), []);
  for (const id of ["a", "b"]) await memory.store.apply(renew(await memory.read(id), undefined));
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "handoffStarted").length, 1);
});

Deno.test("LeaderDuties.lead() tells when its own worker has no metrics item, for nobody can give it leases then", async () => {
  const { duties, own, report } = bed();
  await report("other");
  await duties.lead(signal);
  assertEquals(own, ["missing"]);
  await report("me");
  await duties.lead(signal);
  assertEquals(own, ["missing"]);
});
