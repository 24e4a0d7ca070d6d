/** Runs the examples of slices on their emulators. What all of them must be stands in `house_test.ts`. */

import { assertEquals } from "@std/assert";
import { main as denoCron } from "../../examples/edge_deno_cron/main.ts";
import { main as durableObject } from "../../examples/edge_durable_object/main.ts";
import { main as http } from "../../examples/edge_http/main.ts";
import { main as lambda } from "../../examples/edge_lambda/main.ts";
import { main as workersCron } from "../../examples/edge_workers_cron/main.ts";

/** What an example prints. */
async function printed(
  main: (options: { readonly print: (line: string) => void }) => Promise<void>,
): Promise<string[]> {
  const lines: string[] = [];
  await main({ print: (line) => lines.push(line) });
  return lines;
}

Deno.test("edge_durable_object prints two words at its first alarm, and one at its second", async () => {
  assertEquals(await printed(durableObject), ["an alarm is set: true", "hello", "from", "Kinesis"]);
});

Deno.test("edge_workers_cron and edge_deno_cron go on at the next tick where the last one ended", async () => {
  assertEquals(await printed(workersCron), ["hello", "from", "Kinesis"]);
  assertEquals(await printed(denoCron), ["hello", "from", "Kinesis"]);
});

Deno.test("edge_lambda answers with what its slice did", async () => {
  assertEquals(await printed(lambda), [
    "hello",
    "Kinesis",
    "shardId-000000000000: 2 records",
    "outcome: caughtUp",
  ]);
});

Deno.test("edge_http refuses a guess, and runs one of two slices", async () => {
  const lines = await printed(http);
  assertEquals(lines[0], "without the secret: 401");
  assertEquals(lines.slice(1).toSorted(), ["200: caughtUp", "202: busy", "Kinesis", "hello"]);
});
