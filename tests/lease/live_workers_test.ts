import { assertEquals } from "@std/assert";
import { liveWorkers, movingAverage } from "../../src/lease/live_workers.ts";
import { reportAge } from "../../src/lease/reports.ts";
import { metricsOf } from "./fixtures.ts";

const NOW_S = 1_700_000_000;
const ageOf = reportAge(new Map(), { epochS: NOW_S, ms: 0 });

Deno.test("movingAverage() gives the newest half the weight, skips failures, and is 0 of nothing", () => {
  assertEquals(movingAverage([80]), 80);
  assertEquals(movingAverage([80, 20]), 50);
  assertEquals(movingAverage([-1, 80, -1, 20]), 50);
  assertEquals(movingAverage([80, 20], 0.25), 65);
  assertEquals(movingAverage([]), 0);
  assertEquals(movingAverage([-1]), 0);
});

Deno.test("liveWorkers() takes two report intervals for life, and a clock that is ahead for nothing worse", () => {
  const ids = liveWorkers([
    metricsOf("old", NOW_S - 61),
    metricsOf("just", NOW_S - 60),
    metricsOf("ahead", NOW_S + 500),
    metricsOf("timeless", undefined),
  ], ageOf).map((worker) => worker.workerId);
  assertEquals(ids, ["ahead", "just"]);
});

Deno.test("liveWorkers() passes over items that are malformed or whose last measurement failed", () => {
  const good = metricsOf("good", NOW_S, { C: [10, 30], M: [-1, 40] }, 90);
  const items = [
    good,
    { ...good, workerId: "no range", operatingRange: { C: [90] } },
    { ...good, workerId: "empty range", operatingRange: { C: [90], M: [] } },
    { ...good, workerId: "range of 0", operatingRange: { C: [90], M: [0] } },
    metricsOf("failing", NOW_S, { C: [10, -1] }),
  ];
  assertEquals(liveWorkers(items, ageOf), [{
    workerId: "good",
    lastUpdateEpochS: NOW_S,
    ageS: 0,
    utilization: new Map([["C", { value: 20, limit: 90 }], ["M", { value: 40, limit: 90 }]]),
  }]);
});

Deno.test("liveWorkers() counts a worker with an item in each of two tables once, by the newer", () => {
  const items = [
    metricsOf("w", NOW_S - 9, { C: [1] }),
    metricsOf("w", NOW_S - 5, { C: [2] }),
    metricsOf("w", NOW_S - 7),
  ];
  const [worker, ...others] = liveWorkers(items, ageOf);
  assertEquals(others, []);
  assertEquals(worker?.utilization, new Map([["C", { value: 2, limit: 100 }]]));
});
