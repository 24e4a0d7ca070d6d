import { assertEquals, assertMatch } from "@std/assert";
import { dimensionsOf, metricSpecs, UNSENT } from "../../src/cloudwatch/metric_names.ts";
import type { MetricPoint } from "../../src/cloudwatch/metric_point.ts";
import { MetricPoints } from "../../src/cloudwatch/metric_points.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { sample, SAMPLE_EVENTS } from "../observe/sample_events.ts";

/** Events that bring out every metric. */
const EVERY_EVENT: readonly WorkerEvent[] = [
  sample("phaseChanged", { phase: "processing" }),
  ...Object.values(SAMPLE_EVENTS),
  sample("callbackEnded", { callback: "initialize" }),
  sample("callbackEnded", { callback: "shardEnded" }),
  sample("callbackEnded", { callback: "processRecords", error: new Error("no luck") }),
  sample("batchFailed", { outcome: "skipped" }),
  sample("assignmentPass", { balanced: 1, spillover: 1, unreadable: 1, unreadableWorkers: 1 }),
  sample("passFailed", { pass: "assignment" }),
  sample("leadershipLost"),
  sample("passEnded", { pass: "assignment", isSkipped: true }),
  sample("passEnded", { pass: "streams" }),
  sample("passEnded", { pass: "workerMetrics" }),
  sample("fleetAudited"),
  sample("mergeParentMissing", { missing: "parent" }),
  sample("leasesDiscovered", { foreign: 1 }),
  ...["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"].map((at) =>
    sample("leaseCreated", { parentLeaseKey: undefined, checkpoint: positionAt(at) })
  ),
  sample("leaseCreated", { parentLeaseKey: "p", checkpoint: positionAt("TRIM_HORIZON") }),
  sample("phaseChanged", { phase: "shardEnded" }),
  SAMPLE_EVENTS.checkpointed,
];

Deno.test("metricSpecs() are all sent by MetricPoints, with these units, levels and dimensions", () => {
  for (const isMultiStream of [false, true]) {
    const points: MetricPoint[] = [];
    const { listener } = new MetricPoints(
      { workerIdentifier: "w1", isMultiStream },
      (point) => void points.push(point),
    );
    const stream = isMultiStream ? { leaseKey: "1:words:2:shardId-0", shardId: "shardId-0" } : {};
    EVERY_EVENT.forEach((event) => listener("leaseKey" in event ? { ...event, ...stream } : event));
    const sent = points.map(({ name, unit, importance, dimensions }) =>
      [dimensions.Operation, name, unit, importance, ...Object.keys(dimensions).sort()].join(" ")
    );
    // A failed GetItem alone is a metric of its own; metric_points_test.ts has it.
    const specs = metricSpecs().filter(({ id }) => id !== "LeaseDiscovery/GetLease:Error");
    assertEquals(
      [...new Set(sent)].sort(),
      specs.map((spec) => {
        const { operation, name, unit, importance } = spec;
        return [operation, name, unit, importance, ...[...dimensionsOf(spec, isMultiStream)].sort()].join(
          " ",
        );
      }).sort(),
    );
  }
});

Deno.test("metricSpecs() have names that CloudWatch takes, and none that the list of the unsent has too", () => {
  for (const { operation, name } of metricSpecs()) {
    assertMatch(name, /^[\x21-\x39\x3b-\x7e][\x20-\x7e]{0,254}$/);
    const isUnsent = UNSENT.some((unsent) =>
      unsent.operation.split(", ").includes(operation) &&
      (unsent.names.includes(name) || unsent.names[0] === "*")
    );
    assertEquals(isUnsent, false, `${operation}/${name}`);
  }
});

Deno.test("metricSpecs() tell what a shard costs: ten metrics at DETAILED, six at SUMMARY", () => {
  const ofShard = metricSpecs().filter(({ subject, isSteady }) => subject === "shard" && isSteady);
  assertEquals(ofShard.length, 10);
  assertEquals(ofShard.filter(({ importance }) => importance === "SUMMARY").length, 6);
});
