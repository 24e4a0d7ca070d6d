/**
 * The real Java KCL and kclite on one lease table: `deno task interop:java`. Needs `java` (17 or newer), `mvn`, `node` and `npm` on
 * PATH, Maven Central and the npm registry; without them it says that it is skipped. Exits with 1 when a scenario fails.
 *
 * All scenarios run on our own emulator's DynamoDB. Those that compare items run a second time on moto, which needs `python3`
 * and PyPI; without them the second run is skipped, and says so. `--on emulator` or `--on moto` makes one of the two runs.
 *
 * `--log folder` keeps what each worker printed and logged; `--story many` runs only the stories whose name begins so, and compares
 * no items. `--smoke` starts no Java: it shows within seconds that kclite's half works, a worker behind a tap, on the tests' emulators.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { canRun, runCommand } from "../../support/command.ts";
import { InteropBed, versions } from "./bed.ts";
import { type RunningDynamoDB, startEmulator, startMoto } from "./dynamodb.ts";
import { Fleet } from "./fleet.ts";
import type { FleetOptions } from "./fleet_options.ts";
import { compareSteps, firstLeasesOfMany, ownAttributes } from "./item_steps.ts";
import { joining } from "./joining.ts";
import { largerTables } from "./larger_tables.ts";
import { manyJavaFirst, manyKcliteFirst } from "./many_streams.ts";
import { METRICS_FLEETS, sameMetrics, sendMetrics } from "./metrics.ts";
import { operatingJava, operatingKclite } from "./operating.ts";
import { type Pace, quickPace, slowPace } from "./pace.ts";
import { Report, type Scenario } from "./report.ts";
import { relayBesideJava } from "./slices.ts";
import { smoke } from "./smoke.ts";
import { fromLatest, javaFirst, kcliteFirst, legacyTables, resharding } from "./scenarios.ts";

/** What both kinds of worker must have done in a whole run. */
const expectedSteps = [
  ...["create CLIENT_VERSION_MIGRATION", "create LEADER", "heartbeat LEADER", "take LEADER"],
  ...["create WORKER_METRIC_STATS", "update WORKER_METRIC_STATS", "create LEASE", "create LEASE of a child"],
  ...["create LEASE, many streams", "create LEASE of a child, many streams"],
  ...["LEASE: assign, free before", "LEASE: assign, from another owner", "LEASE: renew", "LEASE: checkpoint"],
  ...["LEASE: start handoff", "LEASE: renew during handoff", "LEASE: finish handoff"],
  ...["LEASE: note children", "LEASE: end shard"],
] as const;

/** A story: its fleet, and what happens to it. */
interface Story {
  readonly options: Omit<FleetOptions, "name" | "shards" | "pace">;
  readonly tell: (fleet: Fleet) => Scenario[];
}

const byCount = { javaStrategy: "LEASE_COUNT_BASED", start: "TRIM_HORIZON" } as const;
const byDefault = { ...byCount, javaStrategy: "WORKER_UTILIZATION_AWARE" } as const;
const withMetrics = { ...byDefault, hasMetrics: true } as const;

const stories: Readonly<Record<string, Story>> = {
  "many-java-first": { options: { ...byDefault, isMany: true }, tell: manyJavaFirst },
  "many-kclite-first": { options: { ...byCount, isMany: true }, tell: manyKcliteFirst },
  "java-first": { options: byDefault, tell: javaFirst },
  "latest": { options: { ...byCount, start: "LATEST" }, tell: fromLatest },
  "kclite-first": { options: byCount, tell: kcliteFirst },
  "larger-tables": { options: byCount, tell: largerTables },
  // Java's own ratio to the failover time: a worker of Java is slow to find a lease.
  "joining": { options: { ...byDefault, javaAssignmentMs: 10_000 }, tell: joining },
  "resharding": { options: byCount, tell: resharding },
  "slices": { options: byDefault, tell: relayBesideJava },
  "legacy-tables": { options: byDefault, tell: legacyTables },
  "operating-java": { options: byDefault, tell: operatingJava },
  "operating-kclite": { options: byCount, tell: operatingKclite },
  [METRICS_FLEETS.one.java]: { options: withMetrics, tell: sendMetrics("java") },
  [METRICS_FLEETS.one.kclite]: { options: withMetrics, tell: sendMetrics("kclite") },
  [METRICS_FLEETS.many.java]: { options: { ...withMetrics, isMany: true }, tell: sendMetrics("java") },
  [METRICS_FLEETS.many.kclite]: { options: { ...withMetrics, isMany: true }, tell: sendMetrics("kclite") },
};

/** The stories that run on a DynamoDB. */
interface Plan {
  /** Lines that run side by side. Of a story with a number only so many scenarios run. */
  readonly lines: readonly (readonly (readonly [story: string, count?: number])[])[];
  readonly pace: Pace;
}

/** Everything: each line about as long as the others, but for the slices, which would be a load for them. */
const wholePlan: Plan = {
  lines: [
    [["many-java-first"], ["many-kclite-first"], ["slices"]],
    [["java-first"], ["latest"]],
    [["joining"], ["larger-tables"]],
    [["kclite-first"]],
    [["resharding"], ["legacy-tables"]],
    [
      ...Object.values(METRICS_FLEETS.one),
      ...Object.values(METRICS_FLEETS.many),
      "operating-java",
      "operating-kclite",
    ]
      .map((name) => [name]),
  ],
  pace: quickPace,
};

/** What makes both kinds of worker take every step, with fewer workers at once. */
const itemPlan: Plan = {
  lines: [
    [["many-java-first", 2], ["many-kclite-first", 1], ["java-first", 1], ["resharding", 1]],
    [["kclite-first"]],
  ],
  pace: slowPace,
};

/** What the command line asks for. */
interface Wishes {
  /** Only the stories whose name begins so; then no items are compared. */
  readonly only: string | undefined;
  readonly logFolder: string | undefined;
}

if (import.meta.main) {
  if (Deno.args.includes("--smoke")) {
    await smoke();
    Deno.exit(0);
  }
  const missing = await missingPrograms();
  if (missing.length > 0) {
    console.log(`interop:java is skipped: ${missing.join(", ")} not found on PATH`);
    Deno.exit(0);
  }
  const argument = (name: string) =>
    Deno.args.includes(name) ? Deno.args[Deno.args.indexOf(name) + 1] : undefined;
  const on = argument("--on"), logFolder = argument("--log"), only = argument("--story");
  let isGood = true;
  if (on !== "moto") {
    await using emulator = startEmulator();
    isGood = await run(emulator, wholePlan, { only, logFolder });
  }
  if (on !== "emulator" && (on === "moto" || only === undefined)) {
    const moto = await startMoto();
    if (typeof moto === "string") console.log(`the second run, on moto, is skipped: ${moto}`);
    else {
      await using dynamodb = moto;
      const wishes = { only, logFolder: logFolder && `${logFolder}/moto` };
      isGood = await run(dynamodb, itemPlan, wishes) && isGood;
    }
  }
  Deno.exit(isGood ? 0 : 1);
}

async function run(
  dynamodb: RunningDynamoDB,
  { lines, pace }: Plan,
  { only, logFolder }: Wishes,
): Promise<boolean> {
  const startedMs = performance.now();
  const report = new Report();
  await using bed = await InteropBed.start(dynamodb);
  const { kcl, legacyKcl, kinesisLocal } = versions;
  console.log(
    `KCL ${kcl} and ${legacyKcl} for Java, DynamoDB by ${dynamodb.name}, kinesis-local ${kinesisLocal}`,
  );
  const told = async (name: string, count: number) => {
    const story = stories[name];
    if (story === undefined) throw new RangeError(`there is no story ${name}`);
    if (only !== undefined && !name.startsWith(only)) return;
    await using fleet = await Fleet.create(bed, { name, shards: 4, pace, ...story.options });
    await report.story(story.tell(fleet).slice(0, count));
    if (logFolder !== undefined) await keepLogs(fleet, `${logFolder}/${name}`);
  };
  await Promise.all(lines.map(async (line) => {
    for (const [name, count = Infinity] of line) await told(name, count);
  }));
  for (const [streams, { java, kclite }] of Object.entries(METRICS_FLEETS)) {
    const sent = [java, kclite].map((name) => dynamodb.metrics?.(name) ?? []);
    const [byJava = [], byKclite = []] = sent;
    if (byJava.length === 0 || byKclite.length === 0) continue;
    await report.story([{
      name: `13 both kinds send the same metrics of ${streams === "one" ? "one stream" : "two streams"}`,
      run: () => Promise.resolve(sameMetrics(byJava, byKclite, streams === "many")),
    }]);
  }
  if (only === undefined) {
    await report.story([{
      name: "10 the first leases of many streams are the same by both kinds, value by value",
      run: () => Promise.resolve(sameFirstLeases(bed)),
    }]);
    await report.story([{
      name: "6 what writes of both kinds do to an item is the same, name by name and type by type",
      run: () => Promise.resolve(itemDiff(bed)),
    }]);
  }
  const good = report.results.filter(({ verdict }) => verdict === "ok").length;
  const took = Math.round((performance.now() - startedMs) / 1000);
  console.log(`${good} of ${report.results.length} scenarios hold on ${dynamodb.name}, ${took} s`);
  return report.isGood;
}

/** @throws when what Java makes and what kclite makes differ in more than a stream's name and epoch. */
function sameFirstLeases(bed: InteropBed): string {
  const [java, kclite] = (["java", "kclite"] as const).map((by) => firstLeasesOfMany(bed.taps.writes, by));
  assertEquals(kclite, java);
  return `${java?.length} shards, ${java?.[0]}`;
}

/** Prints all steps side by side. @throws when a step differs. */
function itemDiff(bed: InteropBed): string {
  const comparisons = compareSteps(bed.taps.writes);
  for (const { name, verdict, java, kclite } of comparisons) {
    console.log(`        ${verdict.padEnd(11)} ${name}: ${total(java)} by Java, ${total(kclite)} by kclite`);
    const effects = verdict === "same" ? java : new Map([...java, ...kclite]);
    for (const effect of effects.keys()) {
      const by = [java.has(effect) ? "Java" : "", kclite.has(effect) ? "kclite" : ""].filter(Boolean).join(
        ", ",
      );
      console.log(`                      ${effect}  [${by}]`);
    }
  }
  const compared = new Set(comparisons.filter(({ verdict }) => verdict === "same").map(({ name }) => name));
  const unseen = expectedSteps.filter((name) => !compared.has(name));
  const different = comparisons.filter(({ verdict }) => verdict === "different");
  if (different.length > 0) throw new Error(`different: ${different.map(({ name }) => name).join(", ")}`);
  if (unseen.length > 0) throw new Error(`not taken by both kinds: ${unseen.join(", ")}`);
  const alone = comparisons.filter(({ verdict }) => verdict === "kclite only").map(({ name }) => name);
  const own = ownAttributes(bed.taps.writes).join(", ") || "none";
  return `${compared.size} steps the same; by kclite alone: ${
    alone.join(", ") || "none"
  }; kclite's own attributes: ${own}`;
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

async function keepLogs(fleet: Fleet, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const lines = fleet.lines.map((line) => JSON.stringify(line)).join("\n");
  await Deno.writeTextFile(`${folder}/lines.jsonl`, lines);
  for (const { id, errorLines } of fleet.workers) {
    await Deno.writeTextFile(`${folder}/${id}.log`, errorLines.join("\n"));
  }
}

async function missingPrograms(): Promise<string[]> {
  const found = await Promise.all(
    ["java", "mvn", "node", "npm"].map(async (name) => [name, await canRun(name)] as const),
  );
  const missing = found.filter(([, isFound]) => !isFound).map(([name]) => name);
  if (missing.length > 0) return missing;
  const { stdout, stderr } = await runCommand("java", ["-version"]);
  const version = Number(/version "(\d+)/.exec(stdout + stderr)?.[1]);
  return version >= 17 ? [] : [`java 17 or newer (it is ${version})`];
}
