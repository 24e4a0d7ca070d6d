/** What real workers in memory send, as a list: each metric with its unit and dimensions, by level. */

import { assertEquals } from "@std/assert";
import type { MetricPoint } from "../../src/cloudwatch/metric_point.ts";
import { cloudWatchMetrics } from "../../src/cloudwatch/mod.ts";
import { MetricPoints } from "../../src/cloudwatch/metric_points.ts";
import type { WorkerEvent } from "../../src/events.ts";
import table from "../cases/cloudwatch_points.json" with { type: "json" };
import { simulatedAws } from "../../src/testing/mod.ts";
import { sample } from "../observe/sample_events.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryEdgeBed } from "../edge/memory_edge_bed.ts";

/** The points of one worker, as they come. */
function collector(workerIdentifier: string, bed: MemoryEdgeBed) {
  const points: MetricPoint[] = [];
  const { clock } = bed;
  const { listener } = new MetricPoints(
    { workerIdentifier, isMultiStream: false, clock },
    (point) => void points.push(point),
  );
  return { points, onEvent: (event: WorkerEvent) => listener(event) };
}

/** Names of metrics, by level. */
interface Names {
  readonly SUMMARY: readonly string[];
  readonly DETAILED: readonly string[];
}

/** Each metric once, by level. */
function namesOf(points: readonly MetricPoint[]): Names {
  const names = { SUMMARY: new Set<string>(), DETAILED: new Set<string>() };
  for (const { name, unit, importance, dimensions: { Operation, ...others } } of points) {
    const named = Object.entries(others).map(([dimension, value]) => `${dimension}=${value}`);
    names[importance].add([Operation, name, unit, ...named].join(" "));
  }
  return { SUMMARY: [...names.SUMMARY].sort(), DETAILED: [...names.DETAILED].sort() };
}

/** What the table says of a worker. */
function expected(worker: string): Names {
  const { SUMMARY = [], DETAILED = [] } = table.cases.find(({ of }) => of === worker) ?? {};
  return { SUMMARY, DETAILED };
}

Deno.test("MetricPoints of a fleet whose shard is split are these metrics, and no others", async () => {
  const bed = new MemoryEdgeBed(2);
  const stop = new AbortController(), stopTwo = new AbortController();
  const one = collector("one", bed), two = collector("two", bed);
  bed.put("first");
  bed.put("second", 1);
  const processor = () =>
    bed.processor({
      processRecords: async ({ records }, context) => {
        if (records.some(({ data }) => data.length === 3)) throw new Error("bad record");
        await context.checkpoint();
      },
    });
  const work = async () => {
    const shared = { processor, failoverTimeMs: 10_000 };
    const first = bed.ordinary({ ...shared, workerIdentifier: "one", onEvent: one.onEvent });
    const running = first.run(stop.signal);
    await bed.clock.sleep(5000);
    const second = bed.ordinary({ ...shared, workerIdentifier: "two", onEvent: two.onEvent });
    const runningTwo = second.run(stopTwo.signal);
    await bed.clock.sleep(15_000);
    bed.put("bad", 1); // it is skipped
    bed.split(0);
    await bed.clock.sleep(10_000);
    bed.put("third", 2);
    await bed.clock.sleep(5000);
    stopTwo.abort();
    await runningTwo;
    stop.abort();
    await running;
  };
  await bed.drive(work());
  assertEquals(namesOf(one.points), expected("one"));
  assertEquals(namesOf(two.points), expected("two"));
});

Deno.test("MetricPoints of slices are the same metrics, but for those of loops that slices do not have", async () => {
  const bed = new MemoryEdgeBed(1);
  const edge = collector("edge-1", bed);
  bed.put("first");
  for (let slice = 0; slice < 3; slice++) {
    await bed.drive(bed.worker({ onEvent: edge.onEvent }).runSlice({ budgetMs: 10_000, reserveMs: 1000 }));
    await bed.clock.advance(20_000);
    bed.put("more");
  }
  assertEquals(namesOf(edge.points), expected("edge-1"));
});

Deno.test("cloudWatchMetrics() sends these metrics, and has a clock by which the lag of a stuck batch grows", async () => {
  const aws = simulatedAws();
  const clock = new FakeClock(aws.system.clock.epochMs());
  const metrics = cloudWatchMetrics({
    applicationName: "app",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    workerIdentifier: "one",
    isMultiStream: false,
    autoFlush: false,
    system: { ...aws.system, clock },
  });
  const failed = sample("batchFailed", { outcome: "retrying" });
  const events = [
    sample("phaseChanged", { phase: "processing" }),
    sample("pageFetched", { millisBehindLatest: 200 }),
  ];
  [...events, failed].forEach(metrics.listener);
  await clock.advance(60_000);
  metrics.listener(failed);
  await metrics.flush();
  const sent = aws.metrics("app").filter(({ metricName }) => metricName === "MillisBehindLatest");
  assertEquals(
    sent.map(({ dimensions, minimum, maximum }) => [dimensions.Operation, minimum, maximum]).sort(),
    [
      ["ApplicationTracker", 200, 60_200],
      ["ProcessTask", 200, 60_200],
    ],
  );
  await metrics.close();
});
