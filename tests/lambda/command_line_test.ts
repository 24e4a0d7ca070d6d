/**
 * Lambda functions by a properties file, on the emulator.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { main } from "../../cli.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { withFolder } from "../support/folder.ts";

const KEYS: Readonly<Record<string, string>> = { AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" };
const FILE =
  "applicationName = orders\nstreamName = words\nregionName = us-east-1\nretrievalMode = POLLING\n" +
  "initialPositionInStream = TRIM_HORIZON\n";

/** Runs a folder's app.properties until the last record is checkpointed. @returns the log, and the exit code. */
async function run(
  files: Readonly<Record<string, string>>,
  words: readonly string[] = ["to", "be", "to"],
): Promise<{ readonly code: number; readonly log: string; readonly printed: string }> {
  const aws = simulatedAws({ streams: { words: 1 } });
  const puts = words.map((word) => aws.stream("words").put(word));
  const last = puts.at(-1)?.sequenceNumber;
  const stop = new AbortController(), log: string[] = [], printed: string[] = [];
  const { "app.properties": properties = "", ...others } = files;
  return await withFolder({ ...others, "app.properties": `${FILE}${properties}` }, async (folder) => {
    const code = await main([`${folder}/app.properties`], {
      out: () => {},
      err: (line) => void log.push(line.replace(/^\S+Z /, "").replaceAll(folder, "FOLDER")),
      childStderr: (text) => void printed.push(text),
      env: (name) => KEYS[name],
      envNames: Object.keys(KEYS),
      signal: stop.signal,
      options: {
        system: aws.system,
        onEvent(event) {
          if (event.type === "checkpointed" && event.at.sequenceNumber === last) stop.abort();
        },
      },
    });
    return { code, log: log.join("\n"), printed: printed.join("") };
  });
}

/** A bootstrap that prints the words of its events. */
const BOOTSTRAP = `
    const api = \`http://\${Deno.env.get("AWS_LAMBDA_RUNTIME_API")}/2018-06-01/runtime/invocation\`;
    console.log("handler", Deno.env.get("_HANDLER"), Deno.env.get("LAMBDA_TASK_ROOT"), Deno.env.get("no_proxy"));
    for (;;) {
      const next = await fetch(\`\${api}/next\`);
      const { Records } = await next.json();
      for (const { kinesis } of Records) console.log("word", atob(kinesis.data));
      const id = next.headers.get("lambda-runtime-aws-request-id");
      const answer = await fetch(\`\${api}/\${id}/response\`, { method: "POST", body: "null" });
      await answer.body?.cancel();
    }`;

Deno.test("lambdaHandler runs a CommonJS handler of Lambda's form beside the properties file, with Lambda's variables", async () => {
  Reflect.deleteProperty(globalThis, "lambdaNotes");
  const { code, log } = await run({
    "app.properties": "lambdaHandler = index.handler\nmemorySize = 256\n",
    "index.js": `
      const { env } = require("node:process");
      const notes = globalThis.lambdaNotes = [];
      exports.handler = function (event, context, callback) {
        for (const record of event.Records) notes.push(atob(record.kinesis.data));
        notes.push(context.functionName, context.memoryLimitInMB, env.AWS_LAMBDA_FUNCTION_VERSION);
        callback(null, "done");
      };`,
  });
  assertEquals(code, 0, log);
  assertEquals(Reflect.get(globalThis, "lambdaNotes"), ["to", "be", "to", "orders", "256", "$LATEST"]);
  assertStringIncludes(log, "with executable index.handler");
});

Deno.test("lambdaHandler says which file is missing, which are two, and what is no handler", async () => {
  const refusal = async (properties: string, files: Record<string, string> = {}) => {
    const { code, log } = await run({ "app.properties": properties, ...files });
    assertEquals(code, 1);
    return log.split("\n").filter((line) => line.startsWith("ERROR")).join("\n");
  };
  assertStringIncludes(
    await refusal("lambdaHandler = nobody.handler\n"),
    "Cannot start: there is no file for lambdaHandler = nobody.handler: looked for nobody.js, nobody.mjs, nobody.cjs,",
  );
  assertEquals(
    await refusal("lambdaHandler = app.handler\n", { "app.mjs": "", "app.ts": "" }),
    "ERROR   Cannot start: lambdaHandler = app.handler may be FOLDER/app.mjs or FOLDER/app.ts: write the file's name, " +
      "such as ./app.js#handler",
  );
  assertMatch(
    await refusal("lambdaHandler = ./app.mjs#main\n", { "app.mjs": "export const handler = () => {};" }),
    /Cannot use module ".*app\.mjs": expected the export "main" to be a handler .*: there is none: it exports handler/,
  );
  assertStringIncludes(
    await refusal("lambdaHandler = app\n"),
    'Cannot use Lambda handler "app": expected a file',
  );
  assertStringIncludes(
    await refusal("lambdaBootstrap = ./nobody\n"),
    'Cannot start: there is no program "./nobody"',
  );
});

Deno.test("lambdaBootstrap runs a program on a runtime API of this process, in the folder of the file, past any proxy", async () => {
  await withFolder({ "bootstrap.ts": BOOTSTRAP }, async (programs) => {
    const program = `${Deno.execPath()} run -A --no-config --no-lock ${programs}/bootstrap.ts`;
    const { code, log } = await run({
      "app.properties": `lambdaBootstrap = ${program}\nlambdaHandler = app.handler\ntimeout = 30\n`,
    });
    assertEquals(code, 0, log);
    assertMatch(log, /handler app\.handler FOLDER (?:\S+,)?127\.0\.0\.1/);
    assertEquals([...log.matchAll(/: word (\w+)/g)].map(([, word]) => word), ["to", "be", "to"]);
  });
});

Deno.test("lambdaBootstrap shows what its program prints where the log is too quiet for it", async () => {
  await withFolder({ "bootstrap.ts": BOOTSTRAP }, async (programs) => {
    const program = `${Deno.execPath()} run -A --no-config --no-lock ${programs}/bootstrap.ts`;
    const { code, log, printed } = await run({
      "app.properties": `lambdaBootstrap = ${program}\ntimeout = 30\nlogLevel = warning\n`,
    });
    assertEquals([code, log], [0, ""]);
    assertEquals([...printed.matchAll(/: word (\w+)\n/g)].map(([, word]) => word), ["to", "be", "to"]);
  });
});

Deno.test("lambdaHandler follows the settings of a mapping: size, attempts, halves and partial answers", async () => {
  Object.assign(globalThis, { lambdaCalls: [] });
  const { code, log } = await run({
    "app.properties": "lambdaHandler = ./app.mjs#handler\nbatchSize = 3\nmaximumRetryAttempts = 1\n" +
      "bisectBatchOnFunctionError = true\nfunctionResponseTypes = ReportBatchItemFailures\nonProcessError = skip\n",
    "app.mjs": `export const handler = async ({ Records }) => {
      const words = Records.map(({ kinesis }) => atob(kinesis.data));
      globalThis.lambdaCalls.push(words.join("+"));
      const bad = Records.filter((_, i) => words[i] === "bad");
      return { batchItemFailures: bad.map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber })) };
    };`,
  }, ["a", "bad", "b", "c"]);
  assertEquals(code, 0, log);
  const calls: readonly string[] = Reflect.get(globalThis, "lambdaCalls");
  // Acknowledged, then halves of what is left, then one more attempt, then skipped.
  assertEquals(calls, ["a+bad+b", "bad+b", "bad", "bad", "b", "c"]);
});

Deno.test("parallelizationFactor gives a Lambda handler several calls of a shard at a time, and is refused for a program", async () => {
  Object.assign(globalThis, { lambdaAtOnce: { now: 0, most: 0 } });
  const { code, log } = await run({
    "app.properties": "lambdaHandler = ./app.mjs#handler\nparallelizationFactor = 3\nbatchSize = 1\n",
    "app.mjs": `export const handler = async () => {
      const calls = globalThis.lambdaAtOnce;
      calls.most = Math.max(calls.most, ++calls.now);
      await new Promise((resolve) => setTimeout(resolve, 50));
      calls.now--;
    };`,
  }, ["a", "b", "c", "d", "e"]);
  assertEquals(code, 0, log);
  assertEquals(Reflect.get(globalThis, "lambdaAtOnce"), { now: 0, most: 3 });
  const refused = await run({
    "app.properties": `executableName = ${Deno.execPath()} run nothing.ts\nparallelizationFactor = 3\n`,
  });
  assertEquals(refused.code, 1);
  assertStringIncludes(
    refused.log,
    "Cannot start: expected parallelizationFactor = 1 for a program, which gets one batch at a time: got 3",
  );
});

Deno.test("parallelizationFactor starts several instances of a bootstrap for a shard", async () => {
  // Each instance waits with its record until another one has a record too.
  const bootstrap = BOOTSTRAP.replace(
    "for (const { kinesis }",
    `console.log("pid", Deno.pid); await new Promise((resolve) => setTimeout(resolve, 300));
      for (const { kinesis }`,
  );
  await withFolder({ "bootstrap.ts": bootstrap }, async (programs) => {
    const program = `${Deno.execPath()} run -A --no-config --no-lock ${programs}/bootstrap.ts`;
    const { code, log } = await run({
      "app.properties":
        `lambdaBootstrap = ${program}\ntimeout = 30\nparallelizationFactor = 2\nbatchSize = 1\n`,
    }, ["a", "b", "c", "d"]);
    assertEquals(code, 0, log);
    assertEquals(new Set([...log.matchAll(/: pid (\d+)/g)].map(([, pid]) => pid)).size, 2, log);
  });
});
