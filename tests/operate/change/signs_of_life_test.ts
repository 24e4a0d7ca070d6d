/** Who is alive, from two looks at a table. */

import { assertEquals } from "@std/assert";
import {
  isQuiet,
  lookIntervalMs,
  type SignsOfLife,
  signsOfLife,
} from "../../../src/operate/change/signs_of_life.ts";
import type { WorkerMetrics } from "../../../src/lease/coordinator_store.ts";
import { leaseOf, metricsOf, type ShortLease } from "../../lease/fixtures.ts";

const NOW_S = 1_770_000_000;

function seen(leases: readonly ShortLease[], workers: readonly WorkerMetrics[] = []) {
  return { leases: leases.map(leaseOf), workers, startedEpochMs: NOW_S * 1000 };
}

function summaryOf(signs: SignsOfLife): unknown {
  return { reports: signs.reports.map(({ workerId }) => workerId), moved: signs.moved, owners: signs.owners };
}

Deno.test("signsOfLife() sees a lease that was renewed, made or deleted between the looks, and who owns it", () => {
  const before = seen([
    { key: "still", owner: "a", counter: 3 },
    { key: "renewed", owner: "b", counter: 3 },
    { key: "deleted", owner: "c", counter: 3 },
  ]);
  const after = seen([
    { key: "still", owner: "a", counter: 3 },
    { key: "renewed", owner: "b", checkpointOwner: "d", counter: 4 },
    { key: "made" },
  ]);
  const signs = signsOfLife(before, after);
  assertEquals(summaryOf(signs), { reports: [], moved: ["renewed", "made", "deleted"], owners: ["b", "d"] });
  assertEquals(isQuiet(signs), false);
});

Deno.test("signsOfLife() takes a young report for a worker, whether or not it holds a lease", () => {
  const workers = [
    metricsOf("young", NOW_S - 60),
    metricsOf("old", NOW_S - 61),
    metricsOf("none", undefined),
  ];
  const signs = signsOfLife(seen([], workers), seen([], workers));
  assertEquals(signs.reports, [{ workerId: "young", ageS: 60, freshForS: 1 }]);
  assertEquals(isQuiet(signs), false);
});

Deno.test("signsOfLife() takes a renewed report for a worker whose clock is far behind", () => {
  const signs = signsOfLife(
    seen([], [metricsOf("behind", NOW_S - 7200)]),
    seen([], [metricsOf("behind", NOW_S - 7170)]),
  );
  assertEquals([summaryOf(signs), isQuiet(signs)], [{ reports: ["behind"], moved: [], owners: [] }, false]);
});

Deno.test("signsOfLife() is quiet where nothing moved and reports are old", () => {
  const look = seen([{ key: "still", owner: "a", counter: 3 }], [metricsOf("a", NOW_S - 3600)]);
  assertEquals(isQuiet(signsOfLife(look, look)), true);
});

Deno.test("lookIntervalMs() leaves time for a whole failover where workers have reported", () => {
  const fleet = { failoverTimeMs: 10_000 };
  assertEquals(lookIntervalMs({ workers: [] }, fleet), 4334);
  assertEquals(lookIntervalMs({ workers: [metricsOf("a", 0)] }, fleet), 11_000);
});
