/**
 * What a Python team tries: `pip install` of the wheel in a new virtual environment, and amazon_kclpy's own sample with nothing changed
 * but its imports, on the emulator that came with the wheel.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../src/version.ts";
import { makeVenv } from "../interop/python_venv.ts";
import { Daemon } from "../multilang/daemon.ts";
import { must } from "./pack.ts";

/** A program's text with kclite's modules in the place of amazon_kclpy's. No other line changes. */
export function withOurImports(text: string): string {
  return text.replace(/^from amazon_kclpy\b/gm, "from kclite");
}

/** Tries the wheel, and says what was tried; says "skipped" where Python is missing. */
export async function tryWheel(wheel: string): Promise<void> {
  const made = await makeVenv([wheel]);
  if (typeof made === "string") {
    console.log(`the wheel is not tried, skipped: ${made}`);
    return;
  }
  await using venv = made;
  const { folder } = venv;
  assertEquals(await must(`${folder}/bin/kclite`, ["--version"], folder), `kclite ${VERSION}\n`);
  console.log("pip install, then kclite --version: ok");
  const sample = await fetchSample(venv.python, folder);
  await Deno.writeTextFile(`${folder}/orders.py`, withOurImports(sample));
  await runSample(folder);
  console.log(
    "amazon_kclpy's sample, with its imports changed, read records, made a checkpoint and stopped: ok",
  );
}

async function fetchSample(python: string, folder: string): Promise<string> {
  const args = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", folder];
  await must(python, [...args, "amazon_kclpy==3.2.0"], folder);
  const path = "amazon_kclpy-3.2.0/samples/sample_kclpy_app.py";
  await must("tar", ["xzf", `${folder}/amazon_kclpy-3.2.0.tar.gz`, "-C", folder, path], folder);
  return await Deno.readTextFile(`${folder}/${path}`);
}

async function runSample(folder: string): Promise<void> {
  // As in a virtual environment that is active: `python` is its own.
  const env = {
    PATH: `${folder}/bin:${Deno.env.get("PATH")}`,
    AWS_ACCESS_KEY_ID: "a",
    AWS_SECRET_ACCESS_KEY: "b",
  };
  await using emulator = Daemon.run(`${folder}/bin/kclite`, ["emulator", "--port", "0", "--put", "20"], env);
  await emulator.until("the emulator", () => emulator.log.includes("http://127.0.0.1:"));
  const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(emulator.log) ?? [];
  const properties = {
    executableName: `python ${folder}/orders.py`,
    applicationName: "orders-app",
    streamName: "words",
    regionName: "us-east-1",
    initialPositionInStream: "TRIM_HORIZON",
    retrievalMode: "POLLING",
    kinesisEndpoint: url,
    dynamoDBEndpoint: url,
    metricsLevel: "NONE",
  };
  const file = `${folder}/app.properties`;
  await Deno.writeTextFile(
    file,
    Object.entries(properties).map(([key, value]) => `${key} = ${value}\n`).join(""),
  );
  await using worker = Daemon.run(`${folder}/bin/kclite`, [file], env);
  await worker.until("a record", () => worker.log.includes("Record (Partition Key:"));
  worker.kill("SIGTERM");
  assertEquals(await worker.exitCode, 143);
  assertStringIncludes(worker.log, "Shutdown has been requested, checkpointing.");
}
