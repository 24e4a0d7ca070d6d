/**
 * Lambda's own runtimes for Python and for Go, unmodified, on our runtime API: `deno task interop:lambda`. Needs
 * `python3` with `pip`, and PyPI for `awslambdaric`; `go`, and a module proxy for `aws-lambda-go`. What is missing
 * is skipped, and says so.
 *
 * `--smoke` fetches nothing: it runs the runtime of the example in Python.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { canRun, runCommand } from "../support/command.ts";
import { pageOf, recordWith } from "../support/consumer_bed.ts";
import { type BootstrapBed, ROOT, startBootstrap } from "../lambda/real_bootstrap_bed.ts";

/** Each has one version. */
const AWSLAMBDARIC = "awslambdaric==4.2.2", AWS_LAMBDA_GO = "github.com/aws/aws-lambda-go v1.55.1";
const FUNCTIONS = `${ROOT}tests/interop/lambda_functions`;
const FUNCTION = { functionName: "words", memorySize: 256, timeoutMs: 60_000 };

const folder = await Deno.makeTempDir({ prefix: "kclite-interop-lambda-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const isSmoke = Deno.args.includes("--smoke");

if (isSmoke) await register("Python's standard library", isThere("python3"), smoke);
else {
  await register("awslambdaric", fetchPython(), testPython);
  await register("aws-lambda-go", buildGo(), testGo);
}

/** @param problem Why it cannot be tried. */
async function register(name: string, problem: Promise<string | undefined>, test: () => void): Promise<void> {
  const text = await problem;
  if (text === undefined) test();
  else Deno.test({ name: `interop:lambda: ${name} is skipped: ${text}`, ignore: true, fn() {} });
}

async function isThere(program: string): Promise<string | undefined> {
  const hasIt = await canRun(program, program === "go" ? "version" : "--version");
  return hasIt ? undefined : `there is no ${program} on PATH`;
}

async function fetchPython(): Promise<string | undefined> {
  const missing = await isThere("python3");
  if (missing !== undefined) return missing;
  const install = ["-m", "pip", "install", "--quiet", "--target", `${folder}/python`, AWSLAMBDARIC];
  const { code, stderr } = await runCommand("python3", install, { timeoutMs: 300_000 });
  if (code !== 0) return `pip install failed: ${stderr.slice(-300)}`;
  await Deno.copyFile(`${FUNCTIONS}/app.py`, `${folder}/python/app.py`);
  return undefined;
}

async function buildGo(): Promise<string | undefined> {
  const missing = await isThere("go");
  if (missing !== undefined) return missing;
  const go = `${folder}/go`;
  await Deno.mkdir(go);
  await Deno.copyFile(`${FUNCTIONS}/main.go`, `${go}/main.go`);
  await Deno.writeTextFile(`${go}/go.mod`, `module words\n\ngo 1.21\n\nrequire ${AWS_LAMBDA_GO}\n`);
  for (const step of ["mod tidy", "build -o bootstrap ."]) {
    const { code, stderr } = await runCommand("go", ["-C", go, ...step.split(" ")], { timeoutMs: 400_000 });
    if (code !== 0) return `go ${step} failed: ${stderr.slice(-300)}`;
  }
  return undefined;
}

/** Feeds words, one a page, and waits for the end. */
async function process(bed: BootstrapBed, words: readonly string[]): Promise<string[]> {
  bed.retrieval.feed(...words.map((word, i) => pageOf([recordWith(i + 1, word)])), pageOf([], []));
  await bed.ended();
  return bed.notices.flatMap((text) => /^Process \d+: (.*)/.exec(text)?.[1] ?? []);
}

function smoke(): void {
  Deno.test("a runtime in Python's standard library processes a shard to its end", async () => {
    const example = `${ROOT}examples/lambda_bootstrap_python`;
    using bed = startBootstrap(`python3 -B ${example}/bootstrap.py`, "handler.lambda_handler");
    assertEquals(await process(bed, ["to", "be"]), ["to 1", "be 1"]);
  });
}

function testPython(): void {
  const command = `env PYTHONPATH=${folder}/python python3 -B -m awslambdaric app.handler`;

  Deno.test("awslambdaric runs a handler in Python, with Lambda's context, to the end of a shard", async () => {
    using bed = startBootstrap(command, "app.handler", FUNCTION);
    const printed = (await process(bed, ["to", "be"])).join("\n");
    assertEquals(bed.failures(), []);
    assertStringIncludes(printed, "word to shardId-000000000000:1");
    assertStringIncludes(printed, "word be shardId-000000000000:2");
    assertMatch(
      printed,
      /context words \$LATEST 256 arn:aws:lambda:us-east-1:000000000000:function:words \/aws\/lambda\/words True/,
    );
  });

  Deno.test("awslambdaric reports what a handler raises, and a handler that is not there", async () => {
    using bed = startBootstrap(command, "app.handler", FUNCTION);
    await process(bed, ["to", "poison"]);
    assertEquals(bed.failures(), ["processRecords ValueError: no poison"]);

    using missing = startBootstrap(
      command.replace("app.handler", "nobody.handler"),
      "nobody.handler",
      FUNCTION,
    );
    while (missing.failures().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    missing.held.lose();
    await missing.ended();
    assertStringIncludes(
      `${missing.failures()[0]}`,
      "Runtime.ImportModuleError: Unable to import module 'nobody'",
    );
  });
}

function testGo(): void {
  Deno.test("aws-lambda-go runs a function to the end of a shard, and knows its deadline", async () => {
    using bed = startBootstrap(`${folder}/go/bootstrap`, "unused", FUNCTION);
    const printed = (await process(bed, ["to", "be"])).join("\n");
    assertEquals(bed.failures(), []);
    assertStringIncludes(printed, "function words arn:aws:lambda:us-east-1:000000000000:function:words true");
    assertStringIncludes(printed, "word be shardId-000000000000:2");
  });

  Deno.test("aws-lambda-go reports the error of a function, and goes on", async () => {
    using bed = startBootstrap(`${folder}/go/bootstrap`, "unused", FUNCTION);
    await process(bed, ["to", "poison"]);
    assertEquals(bed.failures(), ["processRecords errorString: no poison"]);
  });
}
