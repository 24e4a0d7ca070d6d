/**
 * The real Java KCL and kclite on one lease table: `deno task interop:java`. Needs `java` (17 or newer), `mvn`, `node` and `npm` on
 * PATH, Maven Central and the npm registry; without them it says that it is skipped. Exits with 1 when a scenario fails.
 *
 * `--log folder` keeps what each worker printed and logged; `--story many` runs only the stories whose name begins so, and compares
 * no items. `--smoke` starts no Java: it shows within seconds that kclite's half works, a worker behind a tap, on the tests' emulators.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { canRun, runCommand } from "../../support/command.ts";
import { InteropBed, versions } from "./bed.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { compareSteps, firstLeasesOfMany, ownAttributes } from "./item_steps.ts";
import { manyJavaFirst, manyKcliteFirst } from "./many_streams.ts";
import { Report, type Scenario } from "./report.ts";
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
  Deno.exit(await run(argument("--log"), argument("--story")) ? 0 : 1);
}

async function run(logFolder: string | undefined, only: string | undefined): Promise<boolean> {
  const startedMs = performance.now();
  const report = new Report();
  await using bed = await InteropBed.start();
  const { kcl, legacyKcl, dynamoDBLocal, kinesisLocal } = versions;
  console.log(
    `KCL ${kcl} and ${legacyKcl} for Java, DynamoDB Local ${dynamoDBLocal}, kinesis-local ${kinesisLocal}`,
  );
  const story = async (options: Omit<FleetOptions, "shards">, tell: (fleet: Fleet) => Scenario[]) => {
    if (only !== undefined && !options.name.startsWith(only)) return;
    await using fleet = await Fleet.create(bed, { ...options, shards: 4 });
    await report.story(tell(fleet));
    if (logFolder !== undefined) await keepLogs(fleet, `${logFolder}/${options.name}`);
  };
  const byCount = { javaStrategy: "LEASE_COUNT_BASED", start: "TRIM_HORIZON" } as const;
  const byDefault = { ...byCount, javaStrategy: "WORKER_UTILIZATION_AWARE" } as const;
  // Four lines side by side, each about as long as the others.
  await Promise.all([
    story({ name: "many-java-first", ...byDefault, isMany: true }, manyJavaFirst)
      .then(() => story({ name: "many-kclite-first", ...byCount, isMany: true }, manyKcliteFirst)),
    story({ name: "java-first", ...byDefault }, javaFirst)
      .then(() => story({ name: "latest", ...byCount, start: "LATEST" }, fromLatest)),
    story({ name: "kclite-first", ...byCount }, kcliteFirst),
    story({ name: "resharding", ...byCount }, resharding)
      .then(() => story({ name: "legacy-tables", ...byDefault }, legacyTables)),
  ]);
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
  console.log(
    `${good} of ${report.results.length} scenarios hold, ${
      Math.round((performance.now() - startedMs) / 1000)
    } s`,
  );
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
