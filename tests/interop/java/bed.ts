/**
 * What all scenarios share: the Java worker built by Maven, kinesis-local from npm, a DynamoDB, and taps before it.
 *
 * kinesis-local rather than kinesalite: Java needs the ChildShards of a shard's last read. The DynamoDB is one of
 * `dynamodb.ts`.
 *
 * @module
 */

import { type DynamoDB, signedDynamoDB } from "../../../src/aws/dynamodb.ts";
import { realSystem } from "../../../src/system.ts";
import { runCommand } from "../../support/command.ts";
import { testCredentials } from "../../support/test_stream.ts";
import type { RunningDynamoDB } from "./dynamodb.ts";
import { answers, eventually, freePort, RunningProgram } from "./processes.ts";
import { Taps } from "./tap.ts";

/** The versions that Maven and npm are asked for; that of Maven stands in pom.xml. */
export const versions = {
  kcl: "3.5.1",
  /** The newest that Maven Central has from before the single-table format. */
  legacyKcl: "3.4.2",
  kinesisLocal: "0.6.2",
} as const;

/** The versions of the KCL that the worker is built with. */
export type KclVersion = typeof versions.kcl | typeof versions.legacyKcl;

const here = new URL("./", import.meta.url).pathname;

/** Everything that runs for the length of the run. */
export class InteropBed implements AsyncDisposable {
  readonly kinesisUrl: string;
  /** Past the taps. */
  readonly dynamodb: DynamoDB;
  readonly taps: Taps;
  /** Where metrics are sent to, and what has come; see `RunningDynamoDB`. */
  readonly cloudwatch: { readonly url: string; readonly metrics: RunningDynamoDB["metrics"] };
  /** Where workers of each kind find DynamoDB. */
  readonly endpoints: { readonly java: string; readonly kclite: string };
  readonly #programs: readonly RunningProgram[];
  readonly #folder: string;

  private constructor(
    urls: { readonly kinesis: string; readonly dynamodb: string },
    metrics: RunningDynamoDB["metrics"],
    programs: readonly RunningProgram[],
    folder: string,
  ) {
    this.kinesisUrl = urls.kinesis;
    this.dynamodb = signedDynamoDB({
      region: "us-east-1",
      endpoint: urls.dynamodb,
      credentials: testCredentials,
      system: realSystem,
    });
    this.cloudwatch = { url: urls.dynamodb, metrics };
    this.taps = new Taps(urls.dynamodb, this.dynamodb);
    this.endpoints = { java: this.taps.open("java"), kclite: this.taps.open("kclite") };
    this.#programs = programs;
    this.#folder = folder;
  }

  /**
   * Builds what is not built yet, and starts Kinesis.
   *
   * @param dynamodb Belongs to the caller, who closes it.
   */
  static async start(dynamodb: RunningDynamoDB): Promise<InteropBed> {
    const folder = await Deno.makeTempDir({ prefix: "kclite-interop-java-" });
    const programs: RunningProgram[] = [];
    try {
      for (const version of [versions.kcl, versions.legacyKcl]) await buildWorker(version);
      await must("npm", [
        "install",
        "--prefix",
        folder,
        ...quietly,
        `kinesis-local@${versions.kinesisLocal}`,
      ]);
      const urls = { kinesis: startKinesis(folder, programs), dynamodb: dynamodb.url };
      await eventually("kinesis-local answers", () => answers(`${urls.kinesis}/healthcheck`), {
        limitMs: 60_000,
      });
      return new InteropBed(urls, dynamodb.metrics, programs, folder);
    } catch (error) {
      for (const program of programs) await program.end("SIGKILL");
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.taps[Symbol.asyncDispose]();
    for (const program of this.#programs) await program.end("SIGKILL");
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** The command that starts a Java worker, but for its settings. */
export function javaWorker(
  version: KclVersion,
): { readonly command: string; readonly args: readonly string[] } {
  const target = `${here}worker/target/${version}`;
  return {
    command: "java",
    args: [
      // Quick to start and small: several run at once.
      ...["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"],
      // The emulator's CBOR is not that of AWS.
      "-Daws.cborEnabled=false",
      ...["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"],
      ...["-cp", `${target}/classes:${target}/lib/*`],
      "kclite.interop.InteropWorker",
    ],
  };
}

/** Builds the Java workers, unless they were built from the very same files before. @throws {Error} with what Maven said. */
export async function buildWorker(version: KclVersion): Promise<void> {
  await mavenBuild("worker", `target/${version}`, [`-Dkcl.version=${version}`, "compile"]);
}

/**
 * The command that starts a Java worker to be measured: `BenchWorker.java`. Its JVM has its defaults.
 *
 * @param isCbor KCL's own choice. False: JSON.
 */
export function benchWorker(
  settings: Readonly<Record<string, string>>,
  { isCbor }: { readonly isCbor: boolean },
): { readonly command: string; readonly args: readonly string[] } {
  const target = `${here}worker/target/${versions.kcl}`;
  return {
    command: "java",
    args: [
      `-Daws.cborEnabled=${isCbor}`,
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
      ...["-cp", `${target}/classes:${target}/lib/*`],
      "kclite.interop.BenchWorker",
      ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ],
  };
}

const quietly = ["--no-audit", "--no-fund", "--loglevel=error"] as const;

function startKinesis(folder: string, programs: RunningProgram[]): string {
  const port = freePort();
  const home = `${folder}/node_modules/kinesis-local`;
  programs.push(
    new RunningProgram("node", [`${home}/main.js`], {
      env: {
        KINESIS_MOCK_CERT_PATH: `${home}/server.json`,
        KINESIS_MOCK_PLAIN_PORT: `${port}`,
        KINESIS_MOCK_TLS_PORT: `${freePort()}`,
        LOG_LEVEL: "ERROR",
        // All scenarios run at once, with more than the 50 shards that it allows by default.
        SHARD_LIMIT: "500",
      },
    }),
  );
  return `http://127.0.0.1:${port}`;
}

/** Builds a module unless it was built from the very same files before. */
async function mavenBuild(module: string, target: string, options: readonly string[] = []): Promise<void> {
  const sources = await sourcesOf(`${here}${module}`);
  const builtFrom = `${here}${module}/${target}/built-from.txt`;
  if (await Deno.readTextFile(builtFrom).catch(() => "") === sources) return;
  await must("mvn", [
    "-q",
    "-B",
    "-f",
    `${here}${module}/pom.xml`,
    ...options,
    "dependency:copy-dependencies",
  ]);
  await Deno.writeTextFile(builtFrom, sources);
}

/** The text of a module's pom.xml and of its classes. */
async function sourcesOf(folder: string): Promise<string> {
  const texts = [await Deno.readTextFile(`${folder}/pom.xml`)];
  const classes = `${folder}/src/main/java/kclite/interop`;
  const names = await Array.fromAsync(Deno.readDir(classes), ({ name }) => name).catch(() => []);
  for (const name of names.toSorted()) texts.push(await Deno.readTextFile(`${classes}/${name}`));
  return texts.join("\n");
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runCommand(command, args, { timeoutMs: 600_000 });
  if (code === 0) return;
  throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${(stdout + stderr).slice(-2000)}`);
}
