import { assertEquals } from "@std/assert";
import type { WorkerMetrics } from "../../src/lease/coordinator_store.ts";
import { expiredLeases, nextExpiryMs } from "../../src/lease/expiry.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { newWatch, type TableWatch, watchOn } from "../../src/lease/table_watch.ts";
import { leaseOf, metricsOf, type ShortLease } from "./fixtures.ts";

const rule = { passIntervalMs: 2500, failoverTimeMs: 10_000 };
const longestGapMs = 15_000;

/** A look at a handoff from A to B and at a report, which takes a second. */
function lookAt(watch: TableWatch, startedMs: number, counter = 5): TableWatch {
  return watchOn(watch, {
    leases: [leaseOf({ key: "a", owner: "B", checkpointOwner: "A", counter })],
    workers: [metricsOf("A", startedMs)],
    startedMs,
    endedMs: startedMs + 1000,
  }, rule);
}

/** What an earlier pass found out. */
function withFindings(watch: TableWatch): TableWatch {
  return {
    ...watch,
    served: new Set(["A"]),
    reported: new Map([["A", undefined], ["C", 5]]),
    silences: new Map([["C", { lastUpdateEpochS: 1, hadBegun: true }]]),
  };
}

Deno.test("watchOn() goes on while looks follow one another, one that failed in between or not", () => {
  const first = withFindings(lookAt(newWatch(0), 0));
  const next = lookAt(first, 1000 + longestGapMs, 6);
  assertEquals(next, {
    sinceMs: 0,
    lastMs: 2000 + longestGapMs,
    sightings: new Map([["a", { leaseCounter: 6, sinceMs: 2000 + longestGapMs }]]),
    handoffs: first.handoffs,
    beginnings: new Map([["a", { owner: "A", leaseCounter: 6, hasBegun: true, wasGiven: false }]]),
    reports: new Map([["A", { lastUpdateEpochS: 16_000, sinceMs: 2000 + longestGapMs, hasMoved: true }]]),
    silences: first.silences,
    served: first.served,
    reported: first.reported,
  });
});

Deno.test("watchOn() forgets everything when the last look is too old: it is a new leader's first look", () => {
  const startedMs = 1001 + longestGapMs;
  assertEquals(
    lookAt(withFindings(lookAt(newWatch(0), 0)), startedMs),
    lookAt(newWatch(startedMs), startedMs),
  );
});

Deno.test("watchOn() counts from the end of the last look: a listing may take long", () => {
  const slow = watchOn(newWatch(0), { leases: [], workers: [], startedMs: 0, endedMs: 60_000 }, rule);
  assertEquals(lookAt(slow, 62_500).sinceMs, 0);
});

Deno.test("watchOn() bears the pace that its passes have", () => {
  const slow = { passIntervalMs: 60_000, failoverTimeMs: 10_000 };
  const look = { leases: [], workers: [], startedMs: 120_000, endedMs: 120_000 };
  assertEquals(watchOn(newWatch(0), look, slow).sinceMs, 0);
});

Deno.test("watchOn() leaves the reports alone that a look does not show", () => {
  const first = lookAt(newWatch(0), 0);
  const look = { leases: [], workers: undefined, startedMs: 2500, endedMs: 2500 };
  assertEquals(watchOn(first, look, rule).reports, first.reports);
});

Deno.test("watchOn() gives a Java worker two failover times to begin with a lease that it was given", () => {
  const lease = { key: "a", owner: "J", counter: 6 };
  const incarnation = { workerId: "J", generation: 1, nonce: "n" };
  const expiredAt = (worker: WorkerMetrics, looks: readonly (readonly [ms: number, lease: ShortLease])[]) => {
    let watch = newWatch(0);
    let leases: Lease[] = [];
    for (const [ms, one] of looks) {
      leases = [leaseOf(one)];
      watch = watchOn(watch, { leases, workers: [worker], startedMs: ms, endedMs: ms }, rule);
    }
    const isExpired = (nowMs: number) =>
      expiredLeases(watch.sightings, leases, { failoverTimeMs: 10_000, nowMs }).length > 0;
    const nextMs = nextExpiryMs(watch.sightings, { failoverTimeMs: 10_000, nowMs: 0 });
    assertEquals([isExpired(nextMs - 1), isExpired(nextMs)], [false, true]);
    return nextMs;
  };
  const java = metricsOf("J", 0), ours = { ...java, incarnation };
  const handed = [[0, { ...lease, owner: "A", counter: 5 }], [1000, lease], [2000, lease]] as const;
  assertEquals(expiredAt(java, handed), 21_001, "it looks for its leases once a failover time");
  assertEquals(expiredAt(ours, handed), 11_001, "kclite finds them within seconds");
  assertEquals(expiredAt(java, [...handed, [3000, { ...lease, counter: 7 }]]), 13_001, "it has begun");
  assertEquals(expiredAt(java, [[0, lease], [1000, lease]]), 10_001, "nobody knows when it was given");
  assertEquals(expiredAt(metricsOf("K", 0), handed), 11_001, "its owner does not report");
});
