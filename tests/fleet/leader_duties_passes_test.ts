/** What a leader remembers from pass to pass, and what it leaves alone. */

import { assertEquals, assertGreater } from "@std/assert";
import { ASSIGNMENT_DEFAULTS, LOAD_BALANCING_INTERVAL_MS } from "../../src/lease/assignment.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { renew } from "../../src/lease/lease_write.ts";
import { LeaderDuties, type LeaderDutiesOptions } from "../../src/fleet/leader_duties.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { newLease } from "../lease/fixtures.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const signal = new AbortController().signal;

function bed(parts: Partial<LeaderDutiesOptions> = {}, memory: MemoryBed = new MemoryBed()) {
  const duties = new LeaderDuties({
    workerId: "me",
    leaseStore: memory.store,
    coordinatorStore: memory.coordinator,
    place: "leaseTable",
    assignment: { ...ASSIGNMENT_DEFAULTS, strategy: "LEASE_COUNT_BASED", failoverTimeMs: 10_000 },
    leaseSyncer: { syncIfNeeded: () => Promise.resolve(false) },
    system: memory.system,
    emit: memory.emit,
    isLeading: () => true,
    onProgress: () => {},
    onOwnLease: () => {},
    onOwnItemMissing: () => {},
    ...parts,
  });
  /** A worker's metrics item of this moment, with its use of the CPU in percent where it measures that. */
  const report = (workerId: string, { cpu }: { cpu?: number } = {}) =>
    memory.coordinator.writeWorkerMetrics("leaseTable", {
      workerId,
      lastUpdateEpochS: Math.floor(memory.clock.epochMs() / 1000),
      stats: cpu === undefined ? {} : { C: [cpu] },
      operatingRange: cpu === undefined ? {} : { C: [100] },
      supportCode: 1,
      supportEpochS: undefined,
    });
  const reporting = async () => (await memory.store.list()).workers.map(({ workerId }) => workerId);
  /** The leader looks on for two reports' time, in which it alone reports. */
  const reportsMissed = async () => {
    for (let s = 0; s < 60; s += 5) {
      await report("me");
      await duties.lead(signal);
      await memory.clock.advance(5000);
    }
    await memory.clock.advance(1000);
    await report("me");
  };
  return { memory, duties, report, reporting, reportsMissed, clock: memory.clock };
}

Deno.test("LeaderDuties.lead() assigns in the same pass what its syncer has created", async () => {
  const memory = new MemoryBed();
  const { duties, report } = bed({
    leaseSyncer: { syncIfNeeded: () => memory.store.create(newLease("new")) },
  }, memory);
  await report("me");
  await duties.lead(signal);
  assertEquals((await memory.read("new")).leaseOwner, "me");
});

Deno.test("LeaderDuties.lead() counts and reports no assignment that the table refused", async () => {
  const { memory, duties, report } = bed();
  await report("me");
  await memory.store.create(newLease("a"));
  const { apply } = memory.store;
  memory.store.apply = async (...call) => {
    await apply.call(memory.store, renew(await memory.read("a"))); // somebody is faster
    return await apply.apply(memory.store, call);
  };
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "leaseAssigned"), []);
  assertEquals(eventsOf(memory.events, "assignmentPass").map(({ assigned }) => assigned), [0]);
});

Deno.test("LeaderDuties.lead() deletes the items of workers that are gone", async () => {
  const { duties, report, reporting, reportsMissed } = bed();
  await report("gone");
  await reportsMissed();
  await duties.lead(signal);
  assertEquals(await reporting(), ["me"]);
});

Deno.test("LeaderDuties.lead() deletes no more items once it cannot prove to lead", async () => {
  let isLeading = true;
  const memory = new MemoryBed();
  const { duties, report, reporting, reportsMissed } = bed({ isLeading: () => isLeading }, memory);
  for (const id of ["one", "two", "three"]) await report(id);
  await reportsMissed();
  const remove = memory.coordinator.deleteWorkerMetrics;
  memory.coordinator.deleteWorkerMetrics = (...call) => {
    isLeading = false;
    return remove.apply(memory.coordinator, call);
  };
  await duties.lead(signal);
  assertEquals((await reporting()).length, 3, "one of the three is gone");
});

Deno.test("LeaderDuties.lead() reports a lease that cannot be read once", async () => {
  const memory = new MemoryBed();
  const { list } = memory.store;
  memory.store.list = async (...call) => ({
    ...await list.apply(memory.store, call),
    unreadable: [{ key: "bad", problem: "no checkpoint" }],
  });
  const { duties, report } = bed({}, memory);
  await report("me");
  await duties.lead(signal);
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "leaseUnreadable").map(({ leaseKey }) => leaseKey), ["bad"]);
});

Deno.test("LeaderDuties.watch() counts a lease as seen from after the listing, however long that was in coming", async () => {
  const memory = new MemoryBed();
  const slow: LeaseStore = Object.assign(Object.create(memory.store), {
    list: async () => {
      const listing = await memory.store.list();
      await memory.clock.sleep(3000);
      return listing;
    },
  });
  const { duties, report } = bed({ leaseStore: slow }, memory);
  await report("me");
  await memory.lease("a", "other");
  const watched = duties.watch(signal);
  await memory.clock.advance(3000);
  await watched;
  await memory.clock.advance(8000);
  await report("me");
  const led = duties.lead(signal); // asks at 11000
  await memory.clock.advance(3000);
  await led;
  assertEquals((await memory.read("a")).leaseOwner, "other", "it was seen at 3000");
});

Deno.test("LeaderDuties.lead() knows the counter that it wrote: one renewal shows that the owner has begun", async () => {
  const { memory, duties, report } = bed();
  await report("other");
  for (const id of ["a", "b"]) await memory.store.create(newLease(id));
  await duties.lead(signal);
  for (const id of ["a", "b"]) await memory.store.apply(renew(await memory.read(id)));
  await report("me");
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "handoffStarted").map(({ to }) => to), ["me"]);
});

Deno.test("LeaderDuties.lead() balances measured load once a minute, and not at each pass", async () => {
  const { memory, duties, report, clock } = bed({
    assignment: { ...ASSIGNMENT_DEFAULTS, strategy: "WORKER_UTILIZATION_AWARE", failoverTimeMs: 10_000 },
  });
  const ids = ["a", "b", "c", "d", "e", "f"];
  for (const id of ids) await memory.lease(id, "busy");
  await memory.lease("own", "me"); // a worker that never had any would get its part at once
  const pass = async () => {
    await report("busy", { cpu: 90 });
    await report("me", { cpu: 10 });
    for (const id of [...ids, "own"]) await memory.store.apply(renew(await memory.read(id), 100));
    await duties.lead(signal);
    return eventsOf(memory.events, "handoffStarted").length;
  };
  assertEquals(await pass(), 0, "nobody has been seen to renew");
  for (let ms = 5000; ms < LOAD_BALANCING_INTERVAL_MS; ms += 5000) {
    await clock.advance(5000);
    assertEquals(await pass(), 0, "it is not due");
  }
  await clock.advance(5000);
  assertGreater(await pass(), 0);
});
