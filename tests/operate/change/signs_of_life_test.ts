/** Which signs of life two looks at a table show. */

import { assertEquals } from "@std/assert";
import type { WorkerMetrics } from "../../../src/lease/coordinator_store.ts";
import { isQuiet, lookIntervalMs, signsOfLife } from "../../../src/operate/change/signs_of_life.ts";
import { leaseOf, type ShortLease } from "../../lease/fixtures.ts";

const NOW_S = 1_800_000_000;

function lookOf(
  leases: readonly ShortLease[],
  reports: Readonly<Record<string, number | undefined>> = {},
  passedS = 0,
) {
  const workers = Object.entries(reports).map(([workerId, ageS]): WorkerMetrics => ({
    workerId,
    lastUpdateEpochS: ageS === undefined ? undefined : NOW_S + passedS - ageS,
    stats: {},
    operatingRange: {},
    supportCode: undefined,
    supportEpochS: undefined,
  }));
  return { leases: leases.map(leaseOf), workers, startedEpochMs: (NOW_S + passedS) * 1000 };
}

Deno.test("signsOfLife() shows who reported within two intervals, by one look", () => {
  const signs = signsOfLife(
    undefined,
    lookOf([{ key: "s", owner: "a" }], { a: 60, b: 61, c: undefined, d: -30 }),
  );
  assertEquals(signs, {
    reports: [{ workerId: "a", ageS: 60, freshForS: 1 }, { workerId: "d", ageS: -30, freshForS: 91 }],
    moved: [],
    owners: [],
  });
  assertEquals(isQuiet(signs), false);
});

Deno.test("signsOfLife() shows a report that was renewed, whatever its worker's clock says", () => {
  const before = lookOf([], { slow: 3600, dead: 3600 });
  const after = lookOf([], { slow: 3581, dead: 3611 }, 11);
  assertEquals(signsOfLife(before, after).reports.map(({ workerId }) => workerId), ["slow"]);
  assertEquals(isQuiet(signsOfLife(before, lookOf([], { slow: 3611, dead: 3611 }, 11))), true);
});

Deno.test("signsOfLife() shows leases that were renewed, made or deleted, and their owners", () => {
  const before = lookOf([
    { key: "still", owner: "dead", counter: 4 },
    { key: "renewed", owner: "a", counter: 4 },
    { key: "handed", owner: "b", checkpointOwner: "a", counter: 1 },
    { key: "deleted", owner: "c", counter: 1 },
  ]);
  const after = lookOf([
    { key: "still", owner: "dead", counter: 4 },
    { key: "renewed", owner: "a", counter: 5 },
    { key: "handed", owner: "b", checkpointOwner: "a", counter: 2 },
    { key: "made", counter: 0 },
  ]);
  const { moved, owners } = signsOfLife(before, after);
  assertEquals(moved, ["renewed", "handed", "made", "deleted"]);
  assertEquals(owners, ["a", "b"]);
});

Deno.test("lookIntervalMs() gives a worker time to renew: a failover time, or a third without any report", () => {
  const { workers } = lookOf([], { a: 3600 });
  assertEquals(lookIntervalMs({ workers }, { failoverTimeMs: 10_000 }), 11_000);
  assertEquals(lookIntervalMs({ workers: [] }, { failoverTimeMs: 10_000 }), 4334);
});
