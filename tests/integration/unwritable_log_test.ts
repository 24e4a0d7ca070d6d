/**
 * A full disk, or a reader of the log that is gone: the program works on, is as healthy as it is, and hands over its leases.
 */

import { assertEquals } from "@std/assert";
import { signedDynamoDB } from "../../src/aws/dynamodb.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import { realSystem } from "../../src/system.ts";
import { CliProcess } from "../support/cli_process.ts";
import { startDynalite, startKinesalite } from "../support/emulators.ts";
import { until } from "../support/fleet.ts";
import { withFolder } from "../support/folder.ts";
import { testCredentials, TestStream } from "../support/test_stream.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;
const KEYS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
/** Complains and reports as programs do, in the middle of its work. */
const WORDS = `
import { appendFileSync } from "node:fs";
export default (shardId) => ({
  async processRecords({ records }, context) {
    console.log(shardId, records.length);
    console.error("a complaint");
    for (const { data } of records) appendFileSync("seen.txt", new TextDecoder().decode(data) + "\\n");
    await context.checkpoint();
  },
  shardEnded: (context) => context.checkpoint(),
});`;

/** The same from a program of another language, whose stderr is passed on. */
const CHILD = `
import { createInterface } from "node:readline";
import { appendFileSync } from "node:fs";
const answer = (message) => process.stdout.write("\\n" + JSON.stringify(message) + "\\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { action, records = [] } = JSON.parse(line);
  if (action === "checkpoint") continue;
  process.stderr.write("a complaint\\n");
  for (const { data } of records) appendFileSync("seen.txt", atob(data) + "\\n");
  answer({ action: "status", responseFor: action });
}`;

for (
  const [what, printsTo, executable, level] of [
    ["a full disk", ">/dev/full 2>&1", "words.mjs", "debug"],
    ["a pipe that nobody reads", undefined, "node child.mjs", "warning"],
    ["a full disk, with programs", ">/dev/full 2>/dev/full", "node child.mjs", "warning"],
  ] as const
) {
  Deno.test({
    name: `a log on ${what} disturbs neither records, nor health, nor an orderly stop`,
    ignore: Deno.build.os !== "linux", // /dev/full
    fn: () =>
      withFolder({ "words.mjs": WORDS, "child.mjs": CHILD, "seen.txt": "" }, async (folder) => {
        await using kinesis = await startKinesalite();
        await using dynamodb = await startDynalite();
        const stream = await TestStream.create(kinesis.url, "words", 4);
        const port = freePort();
        const properties = {
          executableName: executable,
          applicationName: "app",
          streamName: "words",
          regionName: "us-east-1",
          kinesisEndpoint: kinesis.url,
          dynamoDBEndpoint: dynamodb.url,
          initialPositionInStream: "TRIM_HORIZON",
          retrievalMode: "POLLING",
          failoverTimeMillis: FAILOVER_MS,
          healthPort: port,
          logLevel: level,
        };
        await using cli = new CliProcess({
          deno: ["run", "-A", CLI],
          args: Object.entries(properties).flatMap(([key, value]) => ["--set", `${key}=${value}`]),
          cwd: folder,
          env: KEYS,
          ...(printsTo === undefined ? {} : { printsTo }),
        });
        if (printsTo === undefined) await cli.closeOutput();
        const texts = Array.from({ length: 40 }, (_, i) => `${i}`);
        await stream.put(texts);
        const seen = () => Deno.readTextFileSync(`${folder}/seen.txt`).trim().split("\n");
        await until("all records are seen", () => seen().length >= texts.length);
        assertEquals(seen().toSorted(), texts.toSorted());
        // Were renewals not heard of, they would be overdue by then.
        const untilMs = performance.now() + 3 * FAILOVER_MS;
        while (performance.now() < untilMs) {
          const health = await (await fetch(`http://127.0.0.1:${port}/health`)).text();
          assertEquals(health, '{"healthy":true,"ready":true,"faults":[]}');
          await realSystem.clock.sleep(100);
        }
        cli.kill("SIGTERM");
        assertEquals(await cli.exitCode(), 143);
        const leases = await leasesAt(dynamodb.url);
        assertEquals(leases.map(({ leaseOwner }) => leaseOwner), [
          undefined,
          undefined,
          undefined,
          undefined,
        ]);
      }),
  });
}

const FAILOVER_MS = 2000;

async function leasesAt(endpoint: string): Promise<readonly Lease[]> {
  const service = { region: "us-east-1", endpoint, credentials: testCredentials, system: realSystem };
  const dynamodb = signedDynamoDB(service);
  const { leases } = await new DynamoDBLeaseStore({ tableName: "app", dynamodb, system: realSystem }).list();
  return leases;
}

/** A port that nobody listens on at the moment. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
