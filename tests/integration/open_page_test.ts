/** The command line's page, open in a browser: of the whole fleet, and in nobody's way when the program stops. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { CliProcess } from "../support/cli_process.ts";
import { withFolder } from "../support/folder.ts";
import { servedSimulated } from "../support/simulated.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

const WORDS = `
export default () => ({
  processRecords: (_, context) => context.checkpoint(),
  shardEnded: (context) => context.checkpoint(),
});`;

Deno.test("cli.ts with healthPort shows its fleet, and stops in order while browsers have the page open", async () => {
  await using aws = servedSimulated({ streams: { words: 2 } });
  await withFolder({
    "words.mjs": WORDS,
    "app.properties": `executableName = words.mjs
applicationName = app
streamName = words
regionName = us-east-1
kinesisEndpoint = ${aws.url}
dynamoDBEndpoint = ${aws.url}
retrievalMode = POLLING
healthPort = 0
healthToken = a-token-of-16-or-more
healthShardMetrics = false
`,
  }, async (folder) => {
    await using program = new CliProcess({
      deno: ["run", "-A", "--no-check", CLI],
      args: ["app.properties"],
      cwd: folder,
      env: { AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" },
    });
    await program.printed(/shardId-000000000001: lease gained/);
    const [, url] = /Health is served at (\S+)/.exec(program.output) ?? [];
    // As a browser that was asked for a password sends it.
    const headers = { authorization: `Basic ${btoa("me:a-token-of-16-or-more")}` };
    const refused = await fetch(`${url}/events`);
    assertEquals([refused.status, await refused.text()], [401, "A token is needed\n"]);
    const page = await (await fetch(`${url}/`, { headers })).text();
    assertMatch(page, /shardId-00000000000<\/i>1/);
    assert(!page.includes("The lease table is not read"), "the fleet is not shown");
    const metrics = await (await fetch(`${url}/metrics`, { headers })).text();
    assertMatch(metrics, /^kclite_leases_held 2$/m);
    assert(!metrics.includes("kclite_shard_last_progress"), "shards are not left out");
    const open = await Promise.all([1, 2, 3].map(() => fetch(`${url}/events`, { headers })));
    const readers = open.map(({ body }) => body?.getReader());
    const [reader] = readers;
    assert(reader !== undefined);
    const { value } = await reader.read();
    assertMatch(new TextDecoder().decode(value), /^retry: 3000\ndata: \{"parts":\{/);
    const startMs = performance.now();
    program.kill("SIGTERM");
    assertEquals(await program.exitCode(), 143);
    const ms = performance.now() - startMs;
    assert(ms < 10_000, `it took ${ms} ms to stop`);
    for (const each of readers) await drained(each);
    assertMatch(program.output, /lease released[^]*Stopped/);
    assert(!/(?:Abort|Timeout|Type)Error/.test(program.output), program.output);
  });
});

/** Reads to the end, or until the connection is cut. */
async function drained(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  try {
    while (reader !== undefined && !(await reader.read()).done);
  } catch (error) {
    assert(error instanceof TypeError, `${error}`);
  }
}
