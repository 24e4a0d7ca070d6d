/**
 * Packs the library as npm gets it, installs the package into an empty folder, and puts it to work in the runtimes named
 * as arguments: `node`, `bun`, `workerd`. `types` type-checks a user's program on it with TypeScript. Bun, workerd and TypeScript
 * are downloaded from npm into that folder.
 *
 * A script and no test: it needs npm, and the two downloads are large. Exits with 1 when a runtime fails. `--smoke` packs
 * and installs nothing: Deno runs the same worker from the source.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCommand } from "../support/command.ts";
import { must, packNpm } from "./pack.ts";
import * as library from "../../mod.ts";
import * as testing from "../../src/testing/mod.ts";
import { smoke, smokeSimulated } from "./smoke.mjs";
import { SMOKE_TEXTS, type SmokeOptions, withSmokeBed } from "../support/smoke_bed.ts";
import { checkInTypeScript } from "./user_types.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs the smoke worker in one runtime, inside the folder in which the package is installed. */
type Runtime = (folder: string, options: SmokeOptions) => Promise<readonly string[]>;

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  async node(folder, options) {
    await saysWhatProfilesNeed(folder);
    return parse(await must("node", ["main.mjs", JSON.stringify(options)], folder));
  },

  async bun(folder, options) {
    await npmInstall(folder, "bun@1");
    return parse(
      await must(`${folder}/node_modules/.bin/bun`, ["main.mjs", JSON.stringify(options)], folder),
    );
  },

  /** `workerd test` runs the worker's `test()` and fails when that throws. */
  async workerd(folder, options) {
    await npmInstall(folder, "workerd@1");
    await Deno.writeTextFile(`${folder}/worker.mjs`, workerdMain(options));
    const bundle = ["bundle", "--platform=browser", "--output", "bundle.mjs"];
    await must(Deno.execPath(), [...bundle, "worker.mjs"], folder);
    await Deno.writeTextFile(`${folder}/config.capnp`, WORKERD_CONFIG);
    await must(`${folder}/node_modules/.bin/workerd`, ["test", "config.capnp"], folder);
    return SMOKE_TEXTS;
  },
};

/** The package for profiles is optional: it is not there, and the command line says what to install. */
async function saysWhatProfilesNeed(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/.aws`, { recursive: true });
  await Deno.writeTextFile(`${folder}/.aws/credentials`, "[default]\naws_access_key_id = a\n");
  await Deno.writeTextFile(
    `${folder}/processor.mjs`,
    "export default () => ({ processRecords() {}, shardEnded() {} });",
  );
  const set = [
    "applicationName=a",
    "streamName=s",
    "regionName=eu-central-1",
    "executableName=./processor.mjs",
  ];
  set.push("AwsCredentialsProvider=ProfileCredentialsProvider");
  const args = ["node_modules/@kclite/kclite/cli.js", ...set.flatMap((property) => ["--set", property])];
  const { code, stdout, stderr } = await runCommand("node", args, { cwd: folder, env: { HOME: folder } });
  assertStringIncludes(stdout + stderr, `run npm install "@aws-sdk/credential-providers@^`);
  assertEquals(code, 1);
}

/** Every entry point of the package is imported; the worker comes from the first. */
const MAIN = `import * as library from "@kclite/kclite";
import * as testing from "@kclite/kclite/testing";
import { smoke, smokeSimulated } from "./smoke.mjs";
for (const entry of ENTRIES) await import(entry);
const { healthApp, Totals } = await import("@kclite/kclite/health");
const { status } = await healthApp(new Totals()).request("/live");
if (status !== 200) throw new Error("/live answers " + status);
await smokeSimulated(library, testing);
console.log(JSON.stringify(await smoke(library, JSON.parse(process.argv[2]))));
`;

function workerdMain(options: SmokeOptions): string {
  return `import * as library from "@kclite/kclite";
import * as testing from "@kclite/kclite/testing";
import { smoke, smokeSimulated } from "./smoke.mjs";
export default {
  async test() {
    await smokeSimulated(library, testing);
    const texts = await smoke(library, ${JSON.stringify(options)});
    if (JSON.stringify(texts) !== ${
    JSON.stringify(JSON.stringify(SMOKE_TEXTS))
  }) throw new Error("got " + texts);
  },
};
`;
}

const WORKERD_CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "bundle.mjs", esModule = embed "bundle.mjs")],
      compatibilityDate = "2025-01-01",
      globalOutbound = "loopback",
    )),
    (name = "loopback", network = (allow = ["private", "public"])),
  ],
);
`;

/** The package in a new folder, with the programs that use it. */
async function install(): Promise<string> {
  const folder = await Deno.makeTempDir();
  const tarball = `${folder}/kclite.tgz`;
  await packNpm(tarball);
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ private: true, type: "module" }));
  await npmInstall(folder, tarball);
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const entries = Object.keys(exports).map((path) => `@kclite/kclite${path.slice(1)}`);
  await Deno.writeTextFile(`${folder}/main.mjs`, MAIN.replace("ENTRIES", JSON.stringify(entries)));
  await Deno.copyFile(new URL("./smoke.mjs", import.meta.url), `${folder}/smoke.mjs`);
  return folder;
}

async function npmInstall(folder: string, ...names: readonly string[]): Promise<void> {
  await must("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...names], folder);
}

function parse(stdout: string): readonly string[] {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

if (import.meta.main) {
  await (Deno.args.includes("--smoke") ? runFromSource() : runPacked(Deno.args));
}

async function runFromSource(): Promise<void> {
  await smokeSimulated(library, testing);
  assertEquals(await withSmokeBed((options) => smoke(library, options)), SMOKE_TEXTS);
  console.log("deno: the library ran a worker; nothing was packed");
}

async function runPacked(names: readonly string[]): Promise<void> {
  const folder = await install();
  try {
    for (const name of names) {
      if (name === "types") {
        await npmInstall(folder, "typescript@5.9", "@types/node@24");
        await checkInTypeScript(folder);
        console.log("types: TypeScript takes the packed library as nodenext and as bundler find it");
        continue;
      }
      const runtime = RUNTIMES[name];
      if (runtime === undefined) {
        throw new RangeError(`Cannot run in "${name}": expected ${Object.keys(RUNTIMES).join(", ")}, types`);
      }
      assertEquals(await withSmokeBed((options) => runtime(folder, options)), SMOKE_TEXTS);
      console.log(`${name}: the packed library ran a worker`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
