import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type MeasuredFleet,
  metricCost,
  metricCostText,
  metricCounts,
} from "../../src/cloudwatch/metric_cost.ts";

const assertAlmostEquals = (found: number, expected: number) =>
  assertEquals(found.toFixed(2), expected.toFixed(2));

const fleet = (more: Partial<MeasuredFleet> = {}): MeasuredFleet => ({
  shards: 100,
  workers: 2,
  level: "DETAILED",
  dimensions: ["ALL"],
  bufferTimeMs: 10_000,
  ...more,
});

Deno.test("metricCost() grows with shards and workers, at CloudWatch's prices", () => {
  const { perShard, perWorker, perApplication } = metricCounts("DETAILED");
  const { metrics, metricDollars, requestDollars } = metricCost(fleet());
  assertEquals(metrics, 100 * perShard + 2 * perWorker + perApplication);
  assertAlmostEquals(metricDollars, metrics * 0.3);
  assertAlmostEquals(requestDollars, 2 * 2.628);
  assertAlmostEquals(metricCost(fleet({ bufferTimeMs: 60_000 })).requestDollars, 2 * 0.438);
});

Deno.test("metricCost() is less for each metric beyond 10,000", () => {
  const { metrics, metricDollars } = metricCost(fleet({ shards: 2000 }));
  assertAlmostEquals(metricDollars, 3000 + (metrics - 10_000) * 0.1);
});

Deno.test("metricCost() counts shards and workers once where their dimension is not enabled", () => {
  const { perShard, perWorker, perApplication } = metricCounts("DETAILED");
  assertEquals(
    metricCost(fleet({ dimensions: ["Operation"] })).metrics,
    perShard + perWorker + perApplication,
  );
  assertEquals(
    metricCost(fleet({ dimensions: ["ShardId"] })).metrics,
    100 * perShard + perWorker + perApplication,
  );
});

Deno.test("metricCost() is less at SUMMARY, and nothing at NONE", () => {
  assertEquals(metricCost(fleet({ level: "SUMMARY" })).metrics < metricCost(fleet()).metrics, true);
  assertEquals(metricCost(fleet({ level: "NONE" })), { metrics: 0, metricDollars: 0, requestDollars: 0 });
});

Deno.test("metricCostText() says how many metrics there are, and what a fleet costs", () => {
  const { metricDollars, requestDollars } = metricCost(fleet({ shards: 10 }));
  const text = metricCostText(fleet());
  assertStringIncludes(text, `some $${Math.round(metricDollars + requestDollars)} a month`);
  assertStringIncludes(text, `about ${metricCounts("DETAILED").perShard} for each shard`);
  assertStringIncludes(metricCostText(fleet({ dimensions: ["Operation"] })), "for all shards together");
});
