/**
 * Packs the library as npm gets it, installs the package into an empty folder, and puts it to work in the runtimes named
 * as arguments: `node` is the Node.js on PATH, `node22`, `node24` and `node26` are from npm, as are `bun` and `workerd`. `types`
 * type-checks a user's program on the package with TypeScript, and on a copy of the library with Deno.
 * `edge` runs slices of an EdgeWorker in workerd and by `Deno.cron`: `edge/proof.ts`. What comes from npm is installed
 * beside the package.
 *
 * A script and no test: it needs npm, and the downloads are large. Exits with 1 when a runtime fails. `--smoke` packs
 * and installs nothing: Deno runs the same worker from the source.
 *
 * @module
 */

import { createServer } from "node:http";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runCommand } from "../support/command.ts";
import { must, packNpm } from "./pack.ts";
import * as library from "../../mod.ts";
import * as testing from "../../src/testing/mod.ts";
import * as cloudWatch from "../../src/cloudwatch/mod.ts";
import * as otel from "../../src/otel/mod.ts";
import * as decode from "../../src/decode/mod.ts";
import * as glue from "../../src/glue/mod.ts";
import { avroReader } from "../../examples/typed_records/avro_reader.ts";
import { smoke, smokeMetrics, smokeSimulated } from "./smoke.mjs";
import { SMOKE_ORDERS, smokeDecoders } from "./smoke_decoders.mjs";
import { NODE_EXAMPLE_OUTPUT, stopAtFirstOutput } from "../support/stopped_program.ts";
import { SMOKE_TEXTS, type SmokeOptions, withSmokeBed } from "../support/smoke_bed.ts";
import { VERSION } from "../../src/version.ts";
import { endsWithItsReader } from "./closed_pipe.ts";
import { checkInDeno, checkInTypeScript } from "./user_types.ts";
import { proveEdge } from "./edge/proof.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs the smoke worker in one runtime, inside the folder in which the package is installed. */
type Runtime = (folder: string, options: SmokeOptions, name: string) => Promise<readonly string[]>;

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  node: (folder, options) => inNode("node", folder, options),
  node22: inNodeOfNpm,
  node24: inNodeOfNpm,
  node26: inNodeOfNpm,

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

/** The package `node` of npm holds a whole Node.js. It gets a folder of its own. `name` ends in its major version. */
async function inNodeOfNpm(folder: string, options: SmokeOptions, name: string): Promise<readonly string[]> {
  const own = `${folder}/runtimes/${name}`;
  await Deno.mkdir(own, { recursive: true });
  await Deno.writeTextFile(`${own}/package.json`, JSON.stringify({ private: true }));
  await npmInstall(own, `node@${name.slice("node".length)}`);
  const node = `${own}/node_modules/.bin/node`;
  const version = (await must(node, ["--version"], own)).trim();
  if (!version.startsWith(`v${name.slice("node".length)}.`)) throw new Error(`${name} is ${version}`);
  return await inNode(node, folder, options);
}

/** The library by `import` and by `require`, and the command line as npm links it. */
async function inNode(node: string, folder: string, options: SmokeOptions): Promise<readonly string[]> {
  await saysWhatProfilesNeed(node, folder);
  await takesTypeScript(node, folder);
  await heedsProxy(node, folder);
  await must(node, ["main.cjs"], folder);
  await runsTheExample(node, folder);
  assertEquals(await must(node, ["node_modules/.bin/kclite", "--version"], folder), `kclite ${VERSION}\n`);
  await endsWithItsReader(node, folder);
  return parse(await must(node, ["main.mjs", JSON.stringify(options)], folder));
}

/** What examples/README.md says to do: copy the folder, `npm install` and `npm start`; with this package and this Node.js. */
async function runsTheExample(node: string, folder: string): Promise<void> {
  const own = await Deno.makeTempDir({ dir: folder, prefix: "example" });
  const source = new URL("examples/node/", ROOT);
  for await (const { name } of Deno.readDir(source)) {
    await Deno.copyFile(new URL(name, source), `${own}/${name}`);
  }
  await npmInstall(own, `${folder}/kclite.tgz`);
  const { scripts } = JSON.parse(await Deno.readTextFile(`${own}/package.json`));
  const [program, ...args] = scripts.start.split(" ");
  assertEquals(program, "node");
  const { code, stdout } = await stopAtFirstOutput(node, args, own);
  assertMatch(stdout, NODE_EXAMPLE_OUTPUT);
  assertEquals(code, 0);
}

/** A module in TypeScript is loaded, or a sentence says what to do. Its first line tells which. */
async function takesTypeScript(node: string, folder: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/typed.ts`, `const n: number = 1;\nthrow new Error("loaded " + n);\n`);
  const set = [
    "applicationName=app",
    "streamName=words",
    "regionName=eu-central-1",
    "executableName=./typed.ts",
  ];
  const args = ["node_modules/@kclite/kclite/cli.js", ...set.flatMap((property) => ["--set", property])];
  const env = { HOME: folder, AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
  const { stdout, stderr } = await runCommand(node, args, { cwd: folder, env });
  const said = stdout + stderr;
  const wanted = /loaded 1|Node\.js \d+\.\d+\.\d+ runs no TypeScript/;
  if (!wanted.test(said)) throw new Error(`expected ${wanted}: got ${said}`);
}

/** The command line goes through HTTPS_PROXY, or says that it does not. The proxy here refuses everything. */
async function heedsProxy(node: string, folder: string): Promise<void> {
  const asked: string[] = [];
  const proxy = createServer().on("connect", ({ url }, socket) => {
    asked.push(url ?? "");
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    const address = proxy.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const set = ["applicationName=app", "streamName=words", "regionName=xx-test-1"];
    set.push("executableName=./processor.mjs", "maxInitializationAttempts=1");
    // No name of this domain exists.
    for (const key of ["kinesisEndpoint", "dynamoDBEndpoint"]) set.push(`${key}=https://aws.invalid`);
    const args = ["node_modules/@kclite/kclite/cli.js", ...set.flatMap((property) => ["--set", property])];
    const env = { HOME: folder, AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
    const { stdout, stderr } = await runCommand(node, args, {
      cwd: folder,
      env: { ...env, HTTPS_PROXY: `http://127.0.0.1:${port}` },
      timeoutMs: 15_000,
    });
    const isSaid = /HTTPS_PROXY is ignored by Node\.js/.test(stdout + stderr);
    if (asked.includes("aws.invalid:443") === isSaid) {
      throw new Error(`expected the proxy to be asked, or a warning: got ${asked}: ${stdout}${stderr}`);
    }
  } finally {
    proxy.close();
  }
}

/** What a user tries first, in the project that holds nothing but the package. */
async function startsAsInstalled(folder: string): Promise<void> {
  assertEquals(await must("npx", ["--no-install", "kclite", "--version"], folder), `kclite ${VERSION}\n`);
  const launcher = "node_modules/@kclite/kclite/bin/kclite";
  assertEquals(await must(`${folder}/${launcher}`, ["--version"], folder), `kclite ${VERSION}\n`);
  const bytes = await sizeOf(`${folder}/node_modules/@kclite/kclite`);
  if (bytes > MAX_BYTES) throw new Error(`Cannot publish: expected at most ${MAX_BYTES} bytes: got ${bytes}`);
  console.log(`npx kclite --version: ok; the package takes ${bytes} bytes`);
}

/** `./otel` alone needs a package of the user. It is installed then, for what follows. */
async function loadsWithoutOpenTelemetry(folder: string, entries: readonly string[]): Promise<void> {
  const load = (entry: string) =>
    runCommand("node", ["-e", `import(${JSON.stringify(entry)})`], { cwd: folder });
  for (const entry of entries) {
    const { code, stderr } = await load(entry);
    if (!entry.endsWith("/otel")) assertEquals(code, 0, stderr);
    else assertMatch(stderr, /Cannot find package '@opentelemetry\/api'/);
  }
  await npmInstall(folder, "@opentelemetry/api@1");
}

/**
 * What the package may take when it is installed, beside its dependencies. A worker and `./testing` take about a million, and the
 * commands of operators the rest: each loads only when it is used.
 */
const MAX_BYTES = 1_550_000;

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    bytes += isDirectory ? await sizeOf(path) : (await Deno.stat(path)).size;
  }
  return bytes;
}

/** The package for profiles is optional: it is not there, and the command line says what to install. */
async function saysWhatProfilesNeed(node: string, folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/.aws`, { recursive: true });
  await Deno.writeTextFile(`${folder}/.aws/credentials`, "[default]\naws_access_key_id = a\n");
  await Deno.writeTextFile(
    `${folder}/processor.mjs`,
    "export default () => ({ processRecords() {}, shardEnded() {} });",
  );
  const set = [
    "applicationName=app",
    "streamName=words",
    "regionName=eu-central-1",
    "executableName=./processor.mjs",
  ];
  set.push("AwsCredentialsProvider=ProfileCredentialsProvider");
  const args = ["node_modules/@kclite/kclite/cli.js", ...set.flatMap((property) => ["--set", property])];
  const { code, stdout, stderr } = await runCommand(node, args, { cwd: folder, env: { HOME: folder } });
  assertStringIncludes(stdout + stderr, `run npm install "@aws-sdk/credential-providers@^`);
  assertEquals(code, 1);
}

/** Every entry point of the package is imported; the worker comes from the first. */
const MAIN = `import * as library from "@kclite/kclite";
import * as testing from "@kclite/kclite/testing";
import * as cloudWatch from "@kclite/kclite/cloudwatch";
import * as otel from "@kclite/kclite/otel";
import * as decode from "@kclite/kclite/decode";
import * as glue from "@kclite/kclite/glue";
import { smoke, smokeMetrics, smokeSimulated } from "./smoke.mjs";
import { SMOKE_ORDERS, smokeDecoders } from "./smoke_decoders.mjs";
for (const entry of ENTRIES) await import(entry);
const { healthApp, Totals } = await import("@kclite/kclite/health");
const { status } = await healthApp(new Totals()).request("/live");
if (status !== 200) throw new Error("/live answers " + status);
await smokeSimulated(library, testing);
await smokeMetrics(library, testing, cloudWatch, otel);
const orders = JSON.stringify(await smokeDecoders(library, testing, decode, glue, {}));
if (orders !== JSON.stringify(SMOKE_ORDERS.slice(0, 2))) throw new Error("got " + orders);
console.log(JSON.stringify(await smoke(library, JSON.parse(process.argv[2]))));
`;

/** No entry point may wait at its top level: `require` could not load that. */
const COMMONJS_MAIN = `const assert = require("node:assert");
for (const entry of ENTRIES) assert(Object.keys(require(entry)).length > 0, entry);
assert.equal(typeof require("@kclite/kclite").KinesisWorker, "function");
`;

function workerdMain(options: SmokeOptions): string {
  return `import * as library from "@kclite/kclite";
import * as testing from "@kclite/kclite/testing";
import * as cloudWatch from "@kclite/kclite/cloudwatch";
import * as otel from "@kclite/kclite/otel";
import * as decode from "@kclite/kclite/decode";
import * as glue from "@kclite/kclite/glue";
import { avroReader } from "./avro_reader.ts";
import { smoke, smokeMetrics, smokeSimulated } from "./smoke.mjs";
import { SMOKE_ORDERS, smokeDecoders } from "./smoke_decoders.mjs";
export default {
  async test() {
    await smokeSimulated(library, testing);
    await smokeMetrics(library, testing, cloudWatch, otel);
    const orders = JSON.stringify(await smokeDecoders(library, testing, decode, glue, { avro: avroReader }));
    if (orders !== JSON.stringify(SMOKE_ORDERS.slice(0, 3))) throw new Error("got " + orders);
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
  await loadsWithoutOpenTelemetry(folder, entries);
  await Deno.writeTextFile(`${folder}/main.mjs`, MAIN.replace("ENTRIES", JSON.stringify(entries)));
  await Deno.writeTextFile(`${folder}/main.cjs`, COMMONJS_MAIN.replace("ENTRIES", JSON.stringify(entries)));
  const reader = ["avro_reader.ts", "avro_bytes.ts"].map((name) => `../../examples/typed_records/${name}`);
  for (const path of ["./smoke.mjs", "./smoke_decoders.mjs", ...reader]) {
    await Deno.copyFile(new URL(path, import.meta.url), `${folder}/${path.slice(path.lastIndexOf("/") + 1)}`);
  }
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
  await smokeMetrics(library, testing, cloudWatch, otel);
  const orders = await smokeDecoders(library, testing, decode, glue, { avro: avroReader });
  assertEquals(orders, SMOKE_ORDERS.slice(0, 3));
  assertEquals(await withSmokeBed((options) => smoke(library, options)), SMOKE_TEXTS);
  console.log("deno: the library ran a worker; nothing was packed");
}

async function runPacked(names: readonly string[]): Promise<void> {
  const folder = await install();
  try {
    await startsAsInstalled(folder);
    for (const name of names) {
      if (name === "types") {
        await npmInstall(folder, "typescript@5.9", "@types/node@24");
        await checkInTypeScript(folder);
        console.log("types: TypeScript takes the packed library as nodenext and as bundler find it");
        await checkInDeno();
        console.log("types: Deno takes a copy of the library, with its own options and with the DOM's types");
        continue;
      }
      if (name === "edge") {
        await proveEdge(folder, npmInstall);
        continue;
      }
      const runtime = RUNTIMES[name];
      if (runtime === undefined) {
        throw new RangeError(
          `Cannot run in "${name}": expected ${Object.keys(RUNTIMES).join(", ")}, types, edge`,
        );
      }
      assertEquals(await withSmokeBed((options) => runtime(folder, options, name)), SMOKE_TEXTS);
      console.log(`${name}: the packed library ran a worker`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
