/** A fleet described from one or two looks. */

import { assertEquals } from "@std/assert";
import { describeFleet, glimpseOf, type LeaseState } from "../../src/operate/describe.ts";
import type { TableLook } from "../../src/operate/table_look.ts";
import type { WorkerMetrics } from "../../src/lease/coordinator_store.ts";
import { leaseOf, type ShortLease } from "../lease/fixtures.ts";

const EPOCH_MS = Date.UTC(2026, 0, 30, 12);

function look(leases: readonly ShortLease[], more: Partial<TableLook> = {}): TableLook {
  return {
    tableName: "app",
    description: undefined,
    place: "leaseTable",
    migrations: [],
    leases: leases.map(leaseOf),
    workers: [],
    unreadable: [],
    lock: undefined,
    startedMs: 0,
    startedEpochMs: EPOCH_MS,
    failures: [],
    ...more,
  };
}

function report(workerId: string, ageS: number, more: Partial<WorkerMetrics> = {}): WorkerMetrics {
  return {
    workerId,
    lastUpdateEpochS: EPOCH_MS / 1000 - ageS,
    stats: {},
    operatingRange: {},
    supportCode: 1,
    supportEpochS: 0,
    ...more,
  };
}

Deno.test("describeFleet() tells a lease that is renewed from one that is not by its counter alone", () => {
  const before = look([
    { key: "moved", owner: "a", counter: 5 },
    { key: "still", owner: "a", counter: 5 },
    { key: "again", owner: "a", counter: 5 },
    { key: "gone", owner: "a", counter: 5 },
  ]);
  const now = look([
    { key: "moved", owner: "a", counter: 7 },
    { key: "still", owner: "a", counter: 5 },
    { key: "again", owner: "a", counter: 0 },
    { key: "new", owner: "a", counter: 1 },
  ], { startedMs: 4000.25 });
  const description = describeFleet(glimpseOf(before), now);
  assertEquals(
    description.leases.map(({ leaseKey, state, counterMoved }) => [leaseKey, state, counterMoved]),
    [["moved", "held", 2], ["still", "notRenewed", 0], ["again", "held", -5], ["new", "held", undefined]],
  );
  assertEquals([description.goneLeases, description.betweenMs], [["gone"], 4000]);
  assertEquals(
    describeFleet(undefined, now).leases.map(({ state, counterMoved }) => [state, counterMoved]),
    now.leases.map((): [LeaseState, undefined] => ["assigned", undefined]),
  );
});

Deno.test("describeFleet() names the state of each lease, a handoff by who drains and who is next", () => {
  const leases: ShortLease[] = [
    { key: "free", counter: 1 },
    { key: "finished", owner: "a", checkpoint: "SHARD_END", counter: 1 },
    { key: "handoff", owner: "b", checkpointOwner: "a", counter: 2 },
    { key: "over", checkpoint: "SHARD_END", counter: 1 },
    { key: "stuck", owner: "b", checkpointOwner: "c", counter: 1 },
  ];
  const before = look([
    { key: "handoff", owner: "b", checkpointOwner: "a", counter: 1 },
    ...leases.toSpliced(2, 1),
  ]);
  const rows = describeFleet(glimpseOf(before), look(leases)).leases;
  assertEquals(rows.map(({ leaseKey, state, owner, nextOwner }) => [leaseKey, state, owner, nextOwner]), [
    ["free", "free", undefined, undefined],
    ["finished", "finished", "a", undefined],
    ["handoff", "handoff", "a", "b"],
    ["over", "finished", undefined, undefined],
    ["stuck", "notRenewed", "c", "b"],
  ]);
});

Deno.test("describeFleet() has the lag and rate that a lease's owner wrote last, and not what Java has left there", () => {
  const now = look([
    { key: "1", owner: "a", counter: 5, mark: "a/7/aa/5" },
    { key: "2", owner: "a", counter: 6, mark: "a/7/aa/5" },
  ]);
  const progress = { lagMs: 4200, recordsPerSecond: 490.5 };
  const leases = now.leases.map((lease) => ({ ...lease, progress }));
  const rows = describeFleet(undefined, { ...now, leases }).leases;
  assertEquals(rows.map(({ lagMs, recordsPerSecond }) => [lagMs, recordsPerSecond]), [
    [4200, 490.5],
    [undefined, undefined],
  ]);
});

Deno.test("describeFleet() counts what each worker has a hand in, with its last figure of the CPU", () => {
  const now = look([
    { key: "1", owner: "a", kBps: 10 },
    { key: "2", owner: "b", checkpointOwner: "a", kBps: 2.5 },
    { key: "3", owner: "a", checkpoint: "SHARD_END", kBps: 99 },
    { key: "4", owner: "old" },
  ], {
    workers: [
      report("a", 10, { stats: { C: [10, 30, -1] }, operatingRange: { C: [80] }, drainingSinceEpochS: 7 }),
      report("b", 61),
      report("c", 0, { lastUpdateEpochS: undefined }),
    ],
    lock: { ownerName: "b", leaseDurationMs: 120_000, recordVersionNumber: "v", isReleased: false },
  });
  const rows = describeFleet(undefined, now).workers;
  assertEquals(rows.map((row) => [row.workerId, row.state, row.leases, row.throughputKBps, row.isLeader]), [
    ["a", "reports", 2, 12.5, false],
    ["b", "silent", 0, 0, true],
    ["c", "silent", 0, 0, false],
    ["old", "noReport", 1, 0, false],
  ]);
  assertEquals([rows[0]?.cpuPercent, rows[0]?.cpuLimitPercent, rows[0]?.drainingSinceEpochS], [30, 80, 7]);
  assertEquals(rows.map(({ reportAgeMs }) => reportAgeMs), [10_000, 61_000, undefined, undefined]);
});

Deno.test("describeFleet() says that a lock stands still only after the time for which it is good", () => {
  const lock = (recordVersionNumber: string) => ({
    ownerName: "a",
    leaseDurationMs: 20_000,
    recordVersionNumber,
    isReleased: false,
  });
  const renewed = (version: string, startedMs: number) =>
    describeFleet(glimpseOf(look([], { lock: lock("1") })), look([], { lock: lock(version), startedMs }))
      .leader
      ?.isRenewed;
  assertEquals([renewed("2", 4000), renewed("1", 4000), renewed("1", 20_000)], [true, undefined, false]);
  assertEquals(describeFleet(undefined, look([], { lock: lock("1") })).leader?.isRenewed, undefined);
  const released = { ...lock("1"), isReleased: true };
  assertEquals(describeFleet(undefined, look([], { lock: released })).leader, undefined);
});
