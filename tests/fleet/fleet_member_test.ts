import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { LeaseTableError } from "../../src/errors.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { renew } from "../../src/lease/lease_write.ts";
import type { TableFormat } from "../../src/lease/table_format.ts";
import { Attention } from "../../src/fleet/attention.ts";
import { FleetMember, type FleetMemberOptions } from "../../src/fleet/fleet_member.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { leaseWith, newLease } from "../lease/fixtures.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const SINGLE: TableFormat = { place: "leaseTable", mayLead: true, supportCode: 1, isFinal: true };
/** The least of all shards: whoever holds only this is no deputy. */
const SLIVER = leaseWith({ hashKeyRange: { startingHashKey: "1", endingHashKey: "2" } });

/** A member of a fleet in memory, and how often it lists the table. */
function bed(parts: Partial<FleetMemberOptions> = {}, options: Partial<WorkerOptions> = {}) {
  const memory = new MemoryBed();
  const state = { lists: 0, held: [] as readonly Lease[] };
  const { list } = memory.store;
  memory.store.list = (...call) => {
    state.lists++;
    return list.apply(memory.store, call);
  };
  const member = new FleetMember({
    workerId: "me",
    identity: memory.identity("me"),
    ...settingsWith({ leaseAssignmentStrategy: "LEASE_COUNT_BASED", ...options }),
    format: SINGLE,
    leaseStore: memory.store,
    coordinatorStore: memory.coordinator,
    leaseSyncer: { syncIfNeeded: () => Promise.resolve(false) },
    cpuUtilization: undefined,
    system: memory.system,
    emit: memory.emit,
    heldLeases: () => state.held,
    onOwnLease: () => {},
    attention: (options) => new Attention(options),
    ...parts,
  });
  const stop = new AbortController();
  const running = member.run(stop.signal);
  running.catch(() => {});
  const end = async () => {
    stop.abort();
    await memory.clock.advance(0);
    await running;
  };
  /** Another worker's lock, kept alive for as long as the test does so. */
  let version = 0;
  const lockOf = (recordVersionNumber: string, leaseDurationMs: number) => ({
    ownerName: "other",
    leaseDurationMs,
    recordVersionNumber,
    isReleased: false,
  });
  const otherLeads = async (durationMs = 10_000) => {
    const held = `${version}`, lock = lockOf(`${++version}`, durationMs);
    if (version === 1) await memory.coordinator.putLock("leaseTable", lock, { type: "absent" });
    else await memory.coordinator.heartbeatLock("leaseTable", held, lock);
  };
  const setMigration = async (value: string) => {
    await memory.table.put({
      leaseKey: { S: "Migration3.0" },
      entityType: { S: "MIGRATION3.0" },
      cv: { S: value },
      mb: { S: "other" },
      mts: { N: "1" },
      h: { L: [] },
    }, {});
  };
  return { memory, member, state, running, end, otherLeads, setMigration, clock: memory.clock };
}

Deno.test("FleetMember leads where nobody else does, and gives out leases at once, however long its interval", async () => {
  const { memory, member, end, clock } = bed({}, { leaseAssignmentIntervalMs: 300_000 });
  await member.report(new AbortController().signal);
  await memory.store.create(newLease("a"));
  await clock.advance(3000);
  assertEquals((await memory.read("a")).leaseOwner, "me");
  await end();
});

Deno.test("FleetMember that is a deputy watches the leases once the leader is silent, and others do not", async () => {
  for (const [held, isDeputy] of [[[], true], [[SLIVER], false]] as const) {
    const { memory, state, end, otherLeads, clock } = bed();
    growTable(memory);
    state.held = held;
    await otherLeads();
    for (let i = 0; i < 10; i++) {
      await clock.advance(1000);
      if (i % 2 === 1) await otherLeads();
    }
    assertEquals(state.lists, 0, "while the leader keeps its lock alive, nobody else lists the table");
    await clock.advance(6000);
    assertEquals(state.lists > 0, isDeputy);
    await end();
  }
});

Deno.test("FleetMember takes a Java leader for gone by the length of its lock, of which KCL renews four in turn", async () => {
  const { memory, state, end, otherLeads, clock } = bed();
  growTable(memory);
  const durationMs = 120_000; // KCL's own
  await otherLeads(durationMs);
  for (let beat = 0; beat < 4; beat++) {
    await clock.advance(durationMs / 4);
    await otherLeads(durationMs);
  }
  assertEquals(state.lists, 0, "between two heartbeats of Java nobody else lists the table");
  await clock.advance(60_000);
  assertGreater(state.lists, 0, "a leader that renews its lock no more may have died");
  await end();
});

Deno.test("FleetMember that leads looks again when a lease may have expired, however long its interval", async () => {
  const { memory, member, end, clock } = bed({}, { leaseAssignmentIntervalMs: 300_000 });
  const { signal } = new AbortController();
  await member.report(signal);
  await memory.lease("a", "dead");
  await clock.advance(1000);
  member.assignSoon(); // which sees it for the first time
  await clock.advance(11_000);
  assertEquals((await memory.read("a")).leaseOwner, "me");
  await end();
});

Deno.test("FleetMember that leads and cannot list the table gives the lock back", async () => {
  const { memory, end, clock } = bed();
  await clock.advance(1000);
  assertEquals(eventsOf(memory.events, "leadershipGained").length, 1);
  const throttled = () => Promise.reject(new Error("throttled"));
  Object.assign(memory.store, { list: throttled, listSmall: throttled });
  await clock.advance(9000);
  assertEquals(eventsOf(memory.events, "leadershipLost").map(({ reason }) => reason).slice(0, 1), [
    "3 assignment passes failed in a row",
  ]);
  await end();
});

Deno.test("FleetMember leads on at once when its fleet's format becomes final", async () => {
  const { memory, end, setMigration, clock } = bed({ format: { ...SINGLE, isFinal: false } });
  await setMigration("CLIENT_VERSION_3X_WITH_ROLLBACK");
  await clock.advance(59_000);
  assertEquals(eventsOf(memory.events, "leadershipGained").length, 1);
  await setMigration("CLIENT_VERSION_3X");
  await clock.advance(3000);
  assertEquals(
    eventsOf(memory.events, "leadershipGained").length,
    2,
    "it gave the lock back, and took it anew",
  );
  await end();
});

Deno.test("FleetMember that must not take part any longer ends, and stops measuring", async () => {
  let measured = 0;
  const { memory, running, setMigration, clock } = bed({
    format: { ...SINGLE, isFinal: false },
    cpuUtilization: () => {
      measured++;
      return Promise.resolve(10);
    },
  });
  await setMigration("CLIENT_VERSION_3X_WITH_ROLLBACK");
  await clock.advance(59_000);
  assertGreater(measured, 50);
  await setMigration("CLIENT_VERSION_2X");
  await clock.advance(2000);
  const before = measured;
  await clock.advance(10_000);
  assertEquals([measured, clock.pendingMs], [before, []]);
  await assertRejects(() => running, LeaseTableError, "as KCL 2.x does");
  assert(memory.events.length > 0);
});

Deno.test("FleetMember that gives itself a lease has the index asked for it, for its last look is older", async () => {
  const shown: unknown[] = [];
  const { memory, member, end, clock } = bed({
    onOwnLease: () => void shown.push(member.attention?.takeShownKeys()),
  });
  await member.report(new AbortController().signal);
  await memory.store.create(newLease("a"));
  await clock.advance(3000);
  assertEquals([shown, member.attention?.isShared], [[undefined], true]);
  await end();
});

Deno.test("FleetMember without attention cannot run", async () => {
  const { running } = bed({ attention: undefined });
  await assertRejects(() => running, TypeError, "expected attention");
});

Deno.test("FleetMember.successors() chooses among the workers that live, of the older tables too", async () => {
  const { signal } = new AbortController();
  for (const place of ["leaseTable", "legacy"] as const) {
    const memory = new MemoryBed();
    const format: TableFormat = place === "leaseTable"
      ? SINGLE
      : { place, mayLead: false, supportCode: undefined, isFinal: false };
    const member = new FleetMember({
      workerId: "me",
      identity: memory.identity("me"),
      ...settingsWith({}),
      format,
      leaseStore: memory.store,
      coordinatorStore: memory.coordinator,
      leaseSyncer: { syncIfNeeded: () => Promise.resolve(false) },
      cpuUtilization: undefined,
      system: memory.system,
      emit: memory.emit,
      heldLeases: () => [],
      onOwnLease: () => {},
    });
    memory.coordinator.listLegacyWorkerMetrics = () =>
      Promise.resolve([{
        workerId: "java",
        lastUpdateEpochS: memory.clock.epochMs() / 1000,
        stats: {},
        operatingRange: {},
        supportCode: undefined,
        supportEpochS: undefined,
      }]);
    await memory.store.apply(renew(await memory.lease("a", "me")));
    const chosen = await member.successors(signal);
    assertEquals([...chosen], place === "legacy" ? [["a", "java"]] : []);
  }
});

/** So that the table is no small one any more. */
function growTable({ store }: MemoryBed): void {
  store.listSmall = () => Promise.resolve(undefined);
}

/** The groups that a member takes. */
function settingsWith(options: Partial<WorkerOptions>) {
  const { table, leadership, assignment, leasing: { leaseDiscoveryIntervalMs } } = settingsOf({
    applicationName: "app",
    streamName: "words",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    ...options,
  });
  return { table, mode: "one", leadership, assignment, leaseDiscoveryIntervalMs } as const;
}
