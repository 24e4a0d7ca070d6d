/**
 * Runs each example on its emulator. What all of them must be stands in `house_test.ts`.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { main as breakYourProcessor } from "../../examples/break_your_processor/main.ts";
import { main as customLeaseStore } from "../../examples/custom_lease_store/main.ts";
import { alarms, main as healthAndMetrics } from "../../examples/health_and_metrics/main.ts";
import { main as hello } from "../../examples/hello/main.ts";
import { main as kclV1 } from "../../examples/kcl_v1/main.ts";
import { main as lambdaBootstrapPython } from "../../examples/lambda_bootstrap_python/main.ts";
import { main as lambdaHandler } from "../../examples/lambda_handler/main.ts";
import { main as keyedParallel } from "../../examples/keyed_parallel/main.ts";
import { main as manyStreams } from "../../examples/many_streams/main.ts";
import { main as python } from "../../examples/python/main.ts";
import { main as dynamodbStreams } from "../../examples/dynamodb_streams/main.ts";
import { main as relay } from "../../examples/relay/main.ts";
import { main as retryAndDeadLetters } from "../../examples/retry_and_dead_letters/main.ts";
import { main as s3Archive } from "../../examples/s3_archive/main.ts";
import { main as testYourProcessor } from "../../examples/test_your_processor/main.ts";
import { adder } from "../../examples/test_your_processor/processor.ts";
import { main as exactlyOnce } from "../../examples/exactly_once_dynamodb/main.ts";
import { main as typedRecords } from "../../examples/typed_records/main.ts";
import { canRun } from "../support/command.ts";

const ROOT = new URL("../../", import.meta.url);
const SHARD = "shardId-000000000000";

/** What an example prints. */
async function printed(
  main: (options: { readonly print: (line: string) => void }) => Promise<unknown>,
): Promise<string[]> {
  const lines: string[] = [];
  await main({ print: (line) => lines.push(line) });
  return lines;
}

Deno.test("hello prints three records and ends", async () => {
  assertEquals(await printed(hello), [`${SHARD}: hello`, `${SHARD}: from`, `${SHARD}: Kinesis`]);
});

Deno.test("many_streams prints the records of two streams, each with the stream's name", async () => {
  assertEquals((await printed(manyStreams)).toSorted(), [
    `clicks ${SHARD}: click 1`,
    `clicks ${SHARD}: click 2`,
    `orders ${SHARD}: order 1`,
    `orders ${SHARD}: order 2`,
  ]);
});

Deno.test("dynamodb_streams tells what changed in a table, through the end of a shard", async () => {
  assertEquals(await printed(dynamodbStreams), [
    "a is new: 5",
    "b is new: 7",
    "a was 5, is 6.5",
    "b is gone: its time was over",
  ]);
});

Deno.test("relay copies records with their keys, in order of each key", async () => {
  assertEquals(await printed(relay), ["ada: 1, 2, 3", "bob: 1, 2, 3"]);
});

Deno.test("typed_records books what fits its schema, and makes a dead letter of what does not", async () => {
  assertEquals(await printed(typedRecords), [
    "a: 5",
    "DecodeFailed: TypeError: the schema does not fit: expected an id and a total",
    "c: 7",
  ]);
});

Deno.test("exactly_once_dynamodb counts each visit once, through lost answers and crashes", async () => {
  assertEquals(await printed(exactlyOnce), [
    "the processor crashes, after its transaction",
    "/: 134 visits",
    "/about: 133 visits",
    "/shop: 133 visits",
  ]);
});

Deno.test("s3_archive overwrites the object of a batch that is put again", async () => {
  const orders = [1, 2, 3, 4, 5].map((order) => `{"order":${order}}`);
  assertEquals(await printed(s3Archive), [`1 object, put 2 times: ${orders.join(" ")}`]);
});

Deno.test("retry_and_dead_letters loses no order, and has one dead letter", async () => {
  assertEquals(await printed(retryAndDeadLetters), [
    "3 failed: SyntaxError: this is no JSON: split",
    "2 failed: SyntaxError: this is no JSON: split",
    ...["retrying", "retrying", "retrying", "givenUp"].map((outcome) =>
      `1 failed: SyntaxError: this is no JSON: ${outcome}`
    ),
    "1 failed: Error: the database is away: retrying",
    "1 failed: Error: the database is away: retrying",
    "stored orders: 1,2",
    "dead letters: no JSON",
  ]);
});

Deno.test("keyed_parallel runs ten calls at the same time, and keeps the order of each key", async () => {
  assertEquals(await printed(keyedParallel), [
    "at the same time: 10",
    "customer-0: 1, 2, 3, 4",
    "in order: 10 of 10 customers",
  ]);
});

Deno.test("kcl_v1 is told of the end of the shard with TERMINATE", async () => {
  assertEquals(await printed(kclV1), [
    `initialize ${SHARD}`,
    "record hello",
    "record v1",
    "shutdown TERMINATE",
  ]);
});

Deno.test("health_and_metrics has an alarm while a callback hangs, and none afterwards", async () => {
  const [page, ...changes] = await printed(({ print }) => healthAndMetrics({ print, hangMs: 900 }));
  assertStringIncludes(page ?? "", "http://127.0.0.1:");
  assertEquals(changes, ["alarms: not healthy", "alarms: none", "alarms: not healthy", "alarms: none"]);
});

Deno.test("alarms() looks at health and at lag", () => {
  assertEquals(alarms("kclite_healthy 1\nkclite_max_lag_seconds 60"), "none");
  assertEquals(alarms("kclite_healthy 1\nkclite_max_lag_seconds 60.5"), "a shard is read over a minute late");
  assertEquals(alarms(""), "not healthy");
});

Deno.test("test_your_processor finds its processor right, and one that adds what comes again wrong", async () => {
  assert(await testYourProcessor({ seeds: 3, print() {} }));
  const lines: string[] = [];
  const isRight = await testYourProcessor({
    seeds: 3,
    print: (line) => lines.push(line),
    processor: (database, pause) => ({
      ...adder(database, pause),
      async processRecords({ records }, context) {
        for (const { partitionKey, data } of records) {
          await pause(context.signal);
          const { step, amount } = JSON.parse(new TextDecoder().decode(data));
          database.set(partitionKey, { total: (database.get(partitionKey)?.total ?? 0) + amount, step });
        }
        await context.checkpoint();
      },
    }),
  });
  assert(!isRight, lines.join("\n"));
  assertStringIncludes(lines.join("\n"), "totals are wrong");
});

Deno.test("break_your_processor reads every word through the faults", async () => {
  const lines = await printed(breakYourProcessor);
  assertEquals(lines.at(-1), "300 of 300 words, through 6 faults");
  assertStringIncludes(lines.join("\n"), "a new iterator");
});

Deno.test("custom_lease_store shares four shards between two workers", async () => {
  const lines = await printed(customLeaseStore);
  for (const name of ["Ada reads", "Bea reads"]) assertStringIncludes(lines.join("\n"), name);
  assertEquals(lines.filter((line) => /: read to \d+$/.test(line)).length, 4, lines.join("\n"));
});

Deno.test("lambda_handler puts the broken record aside once, and processes every order", async () => {
  const said: string[] = [];
  const { log } = console;
  console.log = (text: string) => said.push(text); // as Lambda's handlers do
  try {
    assertEquals((await printed(lambdaHandler)).filter((line) => line.startsWith("put aside")), [
      "put aside: no JSON",
    ]);
  } finally {
    console.log = log;
  }
  assertEquals(
    new Set(said),
    new Set(["orders got order 1", "orders cannot read no JSON", "orders got order 2"]),
  );
});

const hasPython = await canRun("python3");
Deno.test({
  name: `lambda_bootstrap_python counts the words${
    hasPython ? "" : " (skipped: there is no python3 on PATH)"
  }`,
  ignore: !hasPython,
  async fn() {
    const folder = Deno.cwd();
    Deno.chdir(ROOT.pathname); // the properties file names the program from here
    try {
      const lines = await printed(async ({ print }) =>
        assertEquals(await lambdaBootstrapPython({ print }), 0)
      );
      for (const text of ["to 1", "be 1", "to 2"]) assertStringIncludes(lines.join("\n"), `: ${text}`);
    } finally {
      Deno.chdir(folder);
    }
  },
});

Deno.test({
  name: `python counts the words${hasPython ? "" : " (skipped: there is no python3 on PATH)"}`,
  ignore: !hasPython,
  async fn() {
    // A small library with the names of amazon_kclpy, so that nothing has to be installed.
    const library = new URL("tests/examples/python", ROOT).pathname;
    const before = Deno.env.get("PYTHONPATH");
    Deno.env.set("PYTHONPATH", library);
    const folder = Deno.cwd();
    Deno.chdir(ROOT.pathname); // the properties file names the program from here
    try {
      const lines = await printed(async ({ print }) => assertEquals(await python({ print }), 0));
      for (const text of ["to 1", "be 1", "to 2"]) assertStringIncludes(lines.join("\n"), `stderr: ${text}`);
    } finally {
      Deno.chdir(folder);
      if (before === undefined) Deno.env.delete("PYTHONPATH");
      else Deno.env.set("PYTHONPATH", before);
    }
  },
});
