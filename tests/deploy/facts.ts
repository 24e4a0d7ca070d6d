/**
 * What the code says about ports, paths, names and times, for tests that compare deploy/ with it.
 *
 * @module
 */

import { LEAVE_LIMIT_MS } from "../../src/worker/leaving.ts";
import { healthApp } from "../../src/health/mod.ts";
import { Totals } from "../../src/observe/totals.ts";
import { PROPERTIES } from "../../src/properties/property_table.ts";
import { variableOf } from "../../src/properties/property_source.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";

const ROOT = new URL("../../", import.meta.url);
/** A file of the repository. */
export const read = (path: string): Promise<string> => Deno.readTextFile(new URL(path, ROOT));

/** Whether the health app has a path at all, whatever it answers. */
export async function isServed(path: string): Promise<boolean> {
  return (await healthApp(new Totals()).request(path)).status !== 404;
}

/** Every variable that sets a property. */
export const VARIABLES: ReadonlySet<string> = new Set(PROPERTIES.map(({ name }) => variableOf(name)));
/** The variable of a property. */
export const variable = (name: string): string => {
  if (!PROPERTIES.some((property) => property.name === name)) {
    throw new Error(`no property has the name ${name}`);
  }
  return variableOf(name);
};

/** The least that a worker is made of. */
export const OPTIONS: WorkerOptions = {
  applicationName: "a",
  streamName: "s",
  region: "eu-central-1",
  credentials: { accessKeyId: "a", secretAccessKey: "b" },
  processor: () => ({ processRecords: () => {}, shardEnded: () => {} }),
};

/** The library's default of `shutdownGraceMs`, which deploy/ sets for the command line too. */
export const GRACE_MS: number = settingsOf(OPTIONS).stopping.shutdownGraceMs;

/** The most that a worker spends on leaving, beside waiting for its processors, in ms: each step of leaving has the same limit. */
export async function leaveMs(): Promise<number> {
  const files = await Promise.all(
    ["leaving", "loops", "worker"].map((name) => read(`src/worker/${name}.ts`)),
  );
  const steps = files.join("\n").split("await leaveStep(").length - 1;
  if (steps < 4) throw new Error("expected src/worker to take its steps of leaving with leaveStep()");
  return LEAVE_LIMIT_MS * steps;
}

/** From here on a stop in order is over, in seconds, with a few to spare for calls that are under way. */
export async function leastStopSeconds(graceMs: number): Promise<number> {
  return (graceMs + await leaveMs()) / 1000 + 5;
}
