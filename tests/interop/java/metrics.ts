/**
 * The metrics of both kinds of worker: each kind alone does the same on a stream of its own, and what they have sent is compared,
 * name by name, with units and dimensions.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { metricSpecs, UNSENT } from "../../../src/cloudwatch/metric_names.ts";
import type { MetricDatum } from "../../../src/testing/mod.ts";
import { isShardEnd } from "../../../src/stream/sequence_number.ts";
import { counts } from "./checks.ts";
import type { Fleet, FleetWorker } from "./fleet.ts";
import { pause } from "./processes.ts";
import type { Scenario } from "./report.ts";

/** The fleets' names, which are the namespaces, by kind: of one stream, and of two. */
export const METRICS_FLEETS = {
  one: { java: "metrics-java", kclite: "metrics-kclite" },
  many: { java: "metrics-many-java", kclite: "metrics-many-kclite" },
} as const;

/** Java audits its leases, and looks for new streams, a minute after its start at the earliest; some wait on top of it, in ms. */
const LATE_LIMIT_MS = 90_000;

/**
 * What only kclite sends in these runs. Java's checkpoint at the end of a shard counts for whichever task of the whole worker ran
 * last: most often for ProcessTask.
 */
const BY_CHANCE =
  /^ShutdownTask UpdateLease\.(Success Count|Time Milliseconds) ShardId=shardId-000000000000( |$)/;

/** What only Java sends in these runs, and with many streams besides. */
const BY_JAVA_ALONE: readonly string[] = [
  "LeaseRenewerInitialize Fault Count",
  "TableMigration StatusOrdinal None",
  "TableMigrationInitialize ReadFault Count",
  "TableMigrationInitialize Success Count",
  "TableMigrationInitialize Time Milliseconds",
  "WorkerMetrics FleetMinSupportCode None",
];
const OF_MANY_BY_JAVA_ALONE: readonly string[] = [
  "MultiStreamTracker DeletedStreams.Count Count",
  "MultiStreamTracker NonExistingStreamDelete.Count Count",
  "MultiStreamTracker StreamsPendingDeletion.Count Count",
];

/** One worker leads, reads, splits a shard, reads on, and stops. Needs more than one shard of a stream. */
export function sendMetrics(kind: FleetWorker["kind"]): (fleet: Fleet) => Scenario[] {
  return (fleet) => [{
    name: `13 ${kind === "java" ? "Java" : "kclite"} alone, with metrics of ${
      fleet.isMany ? "two streams" : "one stream"
    }: makes a table, reads, sees a split, stops`,
    async run() {
      await fleet.start(kind, "w1");
      await fleet.untilFlowing("w1", 60_000);
      const before = await fleet.shards();
      const parent = (await fleet.stream.openShards()).find(({ shardId }) => shardId.endsWith("0"));
      assert(parent !== undefined, "there is a shard");
      await fleet.stream.split(parent);
      await fleet.eventually("the parent is done and the rest is read", async () => {
        const leases = await fleet.leases();
        const ended = leases.filter(({ checkpoint }) => isShardEnd(checkpoint)).length;
        const read = leases.filter(({ checkpoint }) => /^\d+$/.test(checkpoint.sequenceNumber)).length;
        return ended === 1 && read === before.length + 1;
      }, { limitMs: 60_000 });
      // Without records no checkpoint renews a lease, which is renewed by itself then.
      for (const stream of fleet.streams) await fleet.stopPuttingTo(stream);
      await pause(6000);
      if (kind === "java") {
        const late = ["PeriodicShardSyncManager", ...(fleet.isMany ? ["MultiStreamTracker"] : [])];
        const hasSent = (operation: string) =>
          fleet.metrics.some(({ dimensions }) => dimensions.Operation === operation);
        await fleet.eventually("Java has sent the rest", () => late.every(hasSent), {
          limitMs: LATE_LIMIT_MS,
        });
      }
      await fleet.end("w1", "SIGTERM");
      const bytes = fleet.records.reduce((sum, { text }) => sum + (text ?? "").length, 0);
      assertEquals(processed(fleet.metrics), { records: fleet.records.length, bytes }, "what was delivered");
      return `${keysOf(fleet.metrics).size} metrics, ${counts(fleet)}`;
    },
  }];
}

/** Compares what both kinds have sent. @throws when they differ in more than docs/cloudwatch.md says. */
export function sameMetrics(
  java: readonly MetricDatum[],
  kclite: readonly MetricDatum[],
  isMany: boolean,
): string {
  const byJava = keysOf(java), byKclite = keysOf(kclite);
  const javaAlone = [...byJava.keys()].filter((key) => !byKclite.has(key));
  const kcliteAlone = [...byKclite.keys()].filter((key) => !byJava.has(key) && !BY_CHANCE.test(key));
  const expected = [...BY_JAVA_ALONE, ...(isMany ? OF_MANY_BY_JAVA_ALONE : [])].toSorted();
  assertEquals(javaAlone.toSorted(), expected, "sent by Java alone");
  assertEquals(javaAlone.filter((key) => !isUnsent(key)), [], "each is in UNSENT");
  assertEquals(kcliteAlone, [], "sent by kclite alone");
  const both = [...byJava.keys()].filter((key) => byKclite.has(key));
  const names = new Set(metricSpecs().map(({ operation, name, unit }) => `${operation} ${name} ${unit}`));
  const unknown = both.filter((key) =>
    ![...names].some((name) => key === name || key.startsWith(`${name} `))
  );
  assertEquals(unknown, [], "each is in METRICS");
  return `${both.length} metrics of both kinds are the same; by Java alone: ${javaAlone.length}`;
}

/** What all shards say that they have processed. */
function processed(data: readonly MetricDatum[]): { readonly records: number; readonly bytes: number } {
  const sumOf = (name: string) =>
    data.filter(({ metricName }) => metricName === name).reduce((total, { sum }) => total + sum, 0);
  return { records: sumOf("RecordsProcessed"), bytes: sumOf("DataBytesProcessed") };
}

/** How many samples there are by `operation name unit dimensions`. */
function keysOf(data: readonly MetricDatum[]): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  for (const { metricName, unit, dimensions: { Operation, ...others }, sampleCount } of data) {
    // Of a StreamId `account:stream:epoch` the account, and the end of the name.
    const shown = (value: string) => value.replace(/^(\d+):.*-(\w):\d+$/, "$1:$2");
    const named = Object.entries(others).toSorted().map(([name, value]) => `${name}=${shown(value)}`);
    const key = [Operation, metricName, unit, ...named].join(" ");
    samples.set(key, (samples.get(key) ?? 0) + sampleCount);
  }
  return samples;
}

function isUnsent(key: string): boolean {
  const [operation = "", name = ""] = key.split(" ");
  return UNSENT.some((unsent) =>
    unsent.operation.split(", ").includes(operation) &&
    (unsent.names.includes("*") || unsent.names.includes(name))
  );
}
