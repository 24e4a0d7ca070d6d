import { assertEquals, assertRejects } from "@std/assert";
import { ASSIGNMENT_DEFAULTS } from "../../src/lease/assignment.ts";
import type { FleetFault } from "../../src/events.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { assign, checkpoint, renew, startHandoff } from "../../src/lease/lease_write.ts";
import { WRITES_AT_ONCE } from "../../src/async/task_group.ts";
import { unlessAborted } from "../../src/async/waiting.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { withProgress } from "../../src/lease/progress_write.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { FINISH_LIMIT_MS, LeaderDuties, type LeaderDutiesOptions } from "../../src/fleet/leader_duties.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { newLease } from "../lease/fixtures.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const signal = new AbortController().signal;

function dutiesOn(memory: MemoryBed, parts: Partial<LeaderDutiesOptions>): LeaderDuties {
  return new LeaderDuties({
    workerId: "me",
    leaseStore: memory.store,
    coordinatorStore: memory.coordinator,
    place: "leaseTable",
    assignment: { ...ASSIGNMENT_DEFAULTS, strategy: "LEASE_COUNT_BASED", failoverTimeMs: 10_000 },
    leaseSyncer: { syncIfNeeded: () => Promise.resolve(false), faults: [] },
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

Deno.test("LeaderDuties.lead() reports what its pass has done: what was refused and found, and the parts of its time", async () => {
  const { memory, duties, report, clock } = bed();
  await report("me");
  for (const id of ["a", "b"]) await memory.store.create(newLease(id));
  await memory.table.put({ leaseKey: { S: "broken" }, checkpoint: { N: "1" } }, {});
  await memory.table.put(
    { leaseKey: { S: "w9" }, lut: { S: "x" }, entityType: { S: "WORKER_METRIC_STATS" } },
    {},
  );
  const list = memory.store.list.bind(memory.store), apply = memory.store.apply.bind(memory.store);
  memory.store.list = async (...args) => {
    await clock.sleep(30);
    return await list(...args);
  };
  memory.store.apply = async (write, ...more) => {
    await clock.sleep(20);
    return write.leaseKey === "a" ? { applied: false, found: undefined } : await apply(write, ...more);
  };
  const leading = duties.lead(signal);
  for (let turn = 0; turn < 10; turn++) await clock.advance(10);
  await leading;
  assertEquals(eventsOf(memory.events, "assignmentPass"), [{
    type: "assignmentPass",
    leases: 2,
    workers: 1,
    expired: 0,
    free: 2,
    assigned: 1,
    spillover: 0,
    balanced: 0,
    refused: 1,
    unread: 2,
    maxLagMs: undefined,
    maxLagLeaseKey: undefined,
    unreadable: 1,
    unreadableWorkers: 1,
    ms: 50,
    readMs: 30,
    planMs: 0,
    writeMs: 20,
  }]);
});

Deno.test("LeaderDuties.lead() reports the largest lag that owners wrote, and the shards that nobody reads", async () => {
  const { memory, duties, report, clock } = bed();
  await report("me");
  const behind = async (id: string, owner: string, lagMs: number) => {
    const lease = await memory.lease(id, owner);
    const write = withProgress(renew(lease), lease, { lagMs, recordsPerSecond: 1 });
    await memory.marked(owner).apply(write);
  };
  await behind("a", "me", 4000);
  await behind("b", "gone", 5000);
  await memory.lease("java", "gone");
  const java = await memory.read("java");
  await memory.store.apply(withProgress(renew(java), java, { lagMs: 900_000, recordsPerSecond: 1 }));
  await memory.lease("ended", "gone");
  await memory.store.apply(checkpoint(await memory.read("ended"), SHARD_END));
  const last = () =>
    eventsOf(memory.events, "assignmentPass").map((
      { maxLagMs, maxLagLeaseKey, unread },
    ) => [maxLagMs, maxLagLeaseKey, unread]).at(-1);
  await duties.lead(signal);
  assertEquals(last(), [5000, "b", 0]);
  await clock.advance(10_001);
  await memory.marked("me").apply(renew(await memory.read("a")));
  memory.store.apply = () => Promise.resolve({ applied: false, found: undefined });
  await report("me");
  await duties.lead(signal);
  assertEquals(last(), [15_001, "b", 2], "its owner is gone, and so is that of a lease of Java's");
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

Deno.test("LeaderDuties.lead() soon gives a lease again whose new owner left while it was being assigned", async () => {
  const { memory, report, clock } = bed();
  let isLeaving = true;
  const slow = writingBy(memory, async (write) => {
    const { workers } = await memory.store.list();
    const other = workers.find(({ workerId }) => workerId === "other");
    if (isLeaving && other?.lastUpdateEpochS !== undefined) {
      isLeaving = false;
      const item = { workerId: "other", lastUpdateEpochS: other.lastUpdateEpochS };
      await memory.coordinator.deleteWorkerMetrics("leaseTable", item);
    }
    return await memory.store.apply(write);
  });
  const duties = dutiesOn(memory, { leaseStore: slow });
  await report("me");
  await report("other");
  for (const id of ["a", "b"]) await memory.store.create(newLease(id));
  await duties.lead(signal);
  assertEquals(ownersOf((await memory.store.list()).leases).toSorted(), ["me", "other"]);
  await clock.advance(500);
  await duties.lead(signal);
  assertEquals(ownersOf((await memory.store.list()).leases).toSorted(), ["me", "other"], "not sure yet");
  await clock.advance(3001);
  await duties.lead(signal);
  assertEquals(ownersOf((await memory.store.list()).leases), ["me", "me"]);
});

/** The bed's store, with writes of the test's own. */
function writingBy(memory: MemoryBed, apply: LeaseStore["apply"]): LeaseStore {
  return { list: () => memory.store.list(), apply } as Partial<LeaseStore> as LeaseStore;
}

/** A store whose writes wait for `release()`, and end early if their signal aborts. */
function heldBack(memory: MemoryBed) {
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  const store = writingBy(memory, async (write, signal) => {
    begun.push(write.leaseKey);
    await unlessAborted(gate.promise, signal);
    return await memory.store.apply(write);
  });
  return { store, begun, release: () => gate.resolve() };
}

Deno.test("LeaderDuties.lead() that is stopped waits for the writes that it has begun, and begins no other", async () => {
  const { memory, report } = bed();
  const { store, begun, release } = heldBack(memory);
  const duties = dutiesOn(memory, { leaseStore: store });
  await report("me");
  for (let id = 0; id < WRITES_AT_ONCE + 5; id++) await memory.store.create(newLease(`${id}`));
  const stop = new AbortController();
  let isOver = false;
  const pass = duties.lead(stop.signal).catch((error) => error).finally(() => isOver = true);
  for (let i = 0; i < 100 && begun.length < WRITES_AT_ONCE; i++) await turn();
  stop.abort(new Error("enough"));
  for (let i = 0; i < 5; i++) await turn();
  assertEquals([isOver, begun.length], [false, WRITES_AT_ONCE]);
  release();
  assertEquals(await pass, stop.signal.reason);
  assertEquals(begun.length, WRITES_AT_ONCE);
  const owned = ownersOf((await memory.store.list()).leases).filter((owner) => owner === "me");
  assertEquals(owned.length, WRITES_AT_ONCE, "each is applied before the pass ends");
});

Deno.test("LeaderDuties.lead() that is stopped does not wait for its writes for ever", async () => {
  const { memory, report, clock } = bed();
  const { store, begun } = heldBack(memory);
  const duties = dutiesOn(memory, { leaseStore: store });
  await report("me");
  await memory.store.create(newLease("a"));
  const stop = new AbortController();
  const pass = assertRejects(() => duties.lead(stop.signal));
  for (let i = 0; i < 100 && begun.length === 0; i++) await turn();
  stop.abort(new Error("enough"));
  await clock.advance(FINISH_LIMIT_MS);
  await pass;
});

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

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
      faults: [],
      syncIfNeeded: (_, { sinceEpochMs }) => {
        since.push(sinceEpochMs);
        return Promise.resolve(false);
      },
    },
  }).lead(signal);
  assertEquals(since, [startedMs]);
});

Deno.test("LeaderDuties.lead() assigns leases though the stream cannot be listed, says so, and fails", async () => {
  const memory = new MemoryBed();
  const notListed: FleetFault = { code: "shardsNotListed", subjects: ["words"], detail: "no" };
  const duties = dutiesOn(memory, {
    leaseSyncer: { syncIfNeeded: () => Promise.reject(new Error("no ListShards")), faults: [notListed] },
  });
  await memory.coordinator.writeWorkerMetrics("leaseTable", {
    workerId: "me",
    lastUpdateEpochS: Math.floor(memory.clock.epochMs() / 1000),
    stats: {},
    operatingRange: {},
    supportCode: 1,
    supportEpochS: undefined,
  });
  await memory.store.create(newLease("a"));
  await assertRejects(() => duties.lead(signal), Error, "no ListShards");
  assertEquals((await memory.read("a")).leaseOwner, "me");
  assertEquals(eventsOf(memory.events, "fleetAudited").at(-1)?.faults, [notListed]);
});

Deno.test("LeaderDuties.lead() finds unreadable rows a fault of the fleet after three audits in a row", async () => {
  const { memory, duties, clock, report } = bed();
  await report("me");
  await memory.store.create(newLease("a"));
  const broken = { leaseKey: { S: "b" }, leaseCounter: { S: "many" } };
  await memory.table.put(broken, {});
  const found = async (afterMs: number) => {
    await clock.advance(afterMs);
    await duties.lead(signal);
    return eventsOf(memory.events, "fleetAudited").at(-1)?.faults.map((
      { code, subjects },
    ) => [code, ...subjects]);
  };
  assertEquals([await found(0), await found(2500), await found(7500), await found(5000)], [[], [], [], []]);
  assertEquals(await found(5000), [["leaseUnreadable", "b"]]);
  await memory.table.delete("b", {});
  assertEquals(await found(2500), [], "a row that is mended is no fault any more");
});

Deno.test("LeaderDuties.lead() takes a worker's item that cannot be read for no lease", async () => {
  const { memory, duties, clock } = bed();
  await memory.table.put(
    { leaseKey: { S: "w" }, entityType: { S: "WORKER_METRIC_STATS" }, sts: { S: "?" } },
    {},
  );
  for (let i = 0; i < 4; i++) {
    await duties.lead(signal);
    await clock.advance(10_000);
  }
  assertEquals(eventsOf(memory.events, "fleetAudited").at(-1)?.faults, []);
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

/** What another leader does in its own term, while `bed()`'s does not look. */
async function otherTerm(
  clock: MemoryBed["clock"],
  work: () => Promise<unknown>,
  ms = 120_000,
): Promise<void> {
  await clock.advance(ms - 30_000);
  await work();
  await clock.advance(30_000);
}

Deno.test("LeaderDuties.lead() hands nothing over to a worker that died while another led", async () => {
  const { memory, duties, report, clock } = bed();
  for (const id of ["me", "killed"]) await report(id);
  for (const id of ["a", "b", "c", "d"]) await memory.lease(id, "me");
  await duties.watch(signal);
  // It reported for the last time 90 s ago, which this worker did not see.
  await clock.advance(30_000);
  await report("killed");
  await clock.advance(90_000);
  await report("me");
  for (let pass = 0; pass < 2; pass++) {
    for (const { leaseKey } of (await memory.store.list()).leases) {
      await memory.store.apply(renew(await memory.read(leaseKey), undefined));
    }
    await duties.lead(signal);
    await clock.advance(2500);
  }
  assertEquals(eventsOf(memory.events, "handoffStarted"), []);
});

Deno.test("LeaderDuties.lead() leaves a handoff its time that began while another led", async () => {
  const { memory, duties, report, clock } = bed();
  for (const id of ["me", "other"]) await report(id);
  const lease = await memory.lease("a", "me");
  await memory.store.apply(startHandoff({ ...lease, leaseOwner: "me" }, "other"));
  await duties.lead(signal);
  await otherTerm(clock, async () => {
    // The handoff is done, the lease comes back, and is asked for once more, with a checkpoint in between.
    await memory.store.apply(assign(await memory.read("a"), "other"));
    await memory.store.apply(assign(await memory.read("a"), "me"));
    await memory.store.apply(checkpoint(await memory.read("a"), positionAt("5")));
  });
  await memory.store.apply(startHandoff({ ...await memory.read("a"), leaseOwner: "me" }, "other"));
  await clock.advance(1000);
  for (const id of ["me", "other"]) await report(id);
  await duties.lead(signal);
  assertEquals((await memory.read("a")).checkpointOwner, "me");
});

Deno.test("LeaderDuties.lead() asks no lease back that its owner was given anew while another led", async () => {
  const { memory, duties, report, clock } = bed();
  await report("other");
  for (const id of ["a", "b"]) await memory.lease(id, "other");
  await duties.lead(signal);
  for (const id of ["a", "b"]) await memory.store.apply(renew(await memory.read(id), undefined));
  await duties.lead(signal);
  await otherTerm(clock, async () => {
    for (const owner of ["third", "other"]) {
      for (const id of ["a", "b"]) await memory.store.apply(assign(await memory.read(id), owner));
    }
  });
  for (const id of ["me", "other"]) await report(id);
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "handoffStarted"), []);
});

Deno.test("LeaderDuties.lead() takes no lease that was made anew with the same counter while another led", async () => {
  const { memory, duties, report, clock } = bed();
  for (const id of ["me", "other"]) await report(id);
  await memory.lease("a", "other");
  await duties.lead(signal);
  await otherTerm(clock, async () => {
    await memory.store.delete("a");
    await memory.lease("a", "other");
  });
  for (const id of ["me", "other"]) await report(id);
  await duties.lead(signal);
  assertEquals(eventsOf(memory.events, "leaseAssigned"), []);
});

Deno.test("LeaderDuties.lead() remembers while it leads, though a pass takes longer than a watch may be broken", async () => {
  const { memory, duties, report, clock } = bed();
  await report("me");
  await memory.lease("a", "dead");
  await memory.store.create(newLease("b"));
  const apply = memory.store.apply.bind(memory.store);
  memory.store.apply = async (write, signal) => {
    await clock.advance(20_000);
    return await apply(write, signal);
  };
  await duties.lead(signal); // it gives out "b", slowly
  memory.store.apply = apply;
  await report("me");
  await duties.lead(signal);
  assertEquals((await memory.read("a")).leaseOwner, "me");
});

/** Whose items are deleted from now on. */
function deletionsOf({ coordinator }: MemoryBed): readonly string[] {
  const deleted: string[] = [];
  const remove = coordinator.deleteWorkerMetrics.bind(coordinator);
  coordinator.deleteWorkerMetrics = (place, worker, signal) => {
    deleted.push(worker.workerId);
    return remove(place, worker, signal);
  };
  return deleted;
}

/** Passes 2.5 s apart; each half minute these workers report. @returns whose items are left. */
async function passes(
  { memory, duties, report, clock }: ReturnType<typeof bed>,
  seconds: number,
  reporting: readonly string[] = ["me"],
): Promise<readonly string[]> {
  for (let s = 0; s < seconds; s += 2.5) {
    if (s % 30 === 0) { for (const id of reporting) await report(id); }
    await duties.lead(signal);
    await clock.advance(2500);
  }
  return (await memory.store.list()).workers.map((worker) => worker.workerId);
}

Deno.test("LeaderDuties.lead() deletes a killed worker's item within a failover time after its lease expired", async () => {
  for (const ageS of [0, 5, 29, 55, 60, 200]) {
    for (const hasLed of [false, true]) {
      const one = bed();
      const { memory, report, clock } = one;
      await report("killed");
      await clock.advance(ageS * 1000);
      await memory.lease("a", "killed");
      // Whoever leads next has seen it renew, or has not.
      if (hasLed) {
        await one.duties.watch(signal);
        await memory.store.apply(renew(await memory.read("a"), undefined));
      }
      assertEquals(await passes(one, 22.5), ["me"], `its report was ${ageS} s old`);
      assertEquals((await memory.read("a")).leaseOwner, "me");
    }
  }
});

Deno.test("LeaderDuties.lead() deletes the item of a worker that reported as it died", async () => {
  const one = bed();
  const { memory, report, clock } = one;
  await report("killed");
  await memory.lease("a", "killed");
  await one.duties.watch(signal);
  await clock.advance(9000);
  await report("killed"); // seen for the first time as its lease expires
  await clock.advance(1001);
  assertEquals(await passes(one, 10), ["me"]);
  assertEquals(eventsOf(memory.events, "leaseAssigned").map(({ to }) => to), ["me"]);
});

Deno.test("LeaderDuties.lead() keeps the item of a live worker that is slow to begin with what it was given", async () => {
  const one = bed();
  const { memory } = one;
  await memory.store.create(newLease("a"));
  const deleted = deletionsOf(memory);
  // It never begins. Its report is up to half a minute old each time the lease has expired.
  await passes(one, 300, ["java"]);
  assertEquals(deleted, []);
  assertEquals(eventsOf(memory.events, "leaseAssigned").some(({ to }) => to === "java"), true);
});

Deno.test("LeaderDuties.lead() deletes the item of a worker that died before it began a lease after two reports", async () => {
  const one = bed();
  const { memory, report } = one;
  await report("killed");
  for (const id of ["a", "b"]) await memory.store.create(newLease(id));
  assertEquals(await passes(one, 60), ["killed", "me"]);
  const given = eventsOf(memory.events, "leaseAssigned").filter(({ to }) => to === "killed");
  assertEquals(given.length, 1, "it is given its part once");
  assertEquals(await passes(one, 5), ["me"]);
});

Deno.test("LeaderDuties.lead() keeps the items of live workers without leases, whatever their clocks show", async () => {
  const one = bed();
  const { memory, clock } = one;
  const report = (workerId: string, behindS: number) =>
    memory.coordinator.writeWorkerMetrics("leaseTable", {
      workerId,
      lastUpdateEpochS: Math.floor(clock.epochMs() / 1000) - behindS,
      stats: {},
      operatingRange: {},
      supportCode: 1,
      supportEpochS: undefined,
    });
  const deleted = deletionsOf(memory);
  for (let s = 0; s < 300; s += 30) {
    await report("behind", 100_000);
    await report("ahead", -100_000);
    await passes(one, 30);
  }
  assertEquals(deleted, []);
});
