/**
 * A program that uses the library and says nothing of a log: what it prints.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { runCommand } from "../support/command.ts";
import { withFolder } from "../support/folder.ts";

const ROOT = new URL("../../", import.meta.url);

/** Reads 150 records, of which the first batch throws once, and ends when all were delivered. */
const PROGRAM = `
import { KinesisWorker, logTo } from "${new URL("mod.ts", ROOT)}";
import { simulatedAws } from "${new URL("src/testing/mod.ts", ROOT)}";
const aws = simulatedAws({ streams: { words: 1 }, isReadLimited: false });
for (let i = 0; i < 150; i++) aws.stream("words").put(String(i));
const stop = new AbortController();
let calls = 0, delivered = 0, stored = 0;
const worker = new KinesisWorker({
  applicationName: "app",
  streamName: "words",
  region: "us-east-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  system: aws.system,
  initialPositionInStream: "TRIM_HORIZON",
  maxRecords: 50,
  processor: () => ({
    async processRecords({ records }, context) {
      delivered += records.length;
      if (delivered >= 150) stop.abort();
      if (calls++ === 0) throw new Error("no database");
      stored += records.length;
      await context.checkpoint();
    },
    shardEnded: (context) => context.checkpoint(),
  }),
  ...(OPTIONS),
});
await worker.run(stop.signal);
console.log(stored);
aws.close();
`;

async function run(options: string): Promise<{ readonly stdout: string; readonly lines: readonly string[] }> {
  return await withFolder({ "main.ts": PROGRAM.replace("OPTIONS", options) }, async (folder) => {
    const { code, stdout, stderr } = await runCommand(Deno.execPath(), [
      "run",
      "--quiet",
      "--no-check",
      "-A",
      `--config=${new URL("deno.json", ROOT).pathname}`,
      `${folder}/main.ts`,
    ]);
    assertEquals(code, 0, stderr);
    return { stdout, lines: stderr.trim().split("\n").filter((line) => line !== "") };
  });
}

Deno.test("a program without onEvent hears at start of the rule that skips, and of each batch that was skipped", async () => {
  const { stdout, lines } = await run("{}");
  assertEquals([stdout, lines.length], ["100\n", 2], lines.join("\n"));
  assertMatch(
    `${lines[0]}`,
    / WARNING When processRecords throws, its records are SKIPPED.*with "retry" the batch comes again/,
  );
  assertMatch(
    `${lines[1]}`,
    / ERROR {3}shardId-000000000000: processRecords failed on 50 records from \d+ to \d+, they are SKIPPED: no database at main.ts/,
  );
});

Deno.test("a program's onEvent does not silence the log; log: false does, and logTo() replaces it", async () => {
  assertEquals((await run("{ onEvent() {} }")).lines.length, 2);
  assertEquals((await run("{ log: false }")).lines, []);
  const { lines } = await run("{ log: logTo(console.error, { level: 'error', format: 'json' }) }");
  const [{ time, message, ...skipped }] = lines.map((line) => JSON.parse(line));
  assertEquals(skipped, {
    level: "error",
    type: "batchFailed",
    leaseKey: "shardId-000000000000",
    stream: "words",
    errorClass: "Error",
  });
  assertMatch(`${time} ${message}`, /^\d{4}-.*Z shardId-000000000000: processRecords failed on 50 records/);
});
