/**
 * What the fleet page costs: its size with 300 shards, and the scans of the lease table, counted at an
 * emulator, with three browsers that have it open and with none.
 *
 * ```sh
 * deno task bench:page [--smoke]
 * ```
 *
 * Ends with one line of JSON. It takes two minutes; with `--smoke` some seconds, on a clock that runs fast.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { fleetOf, healthApp, Totals } from "../src/health/mod.ts";
import { serve } from "../src/host/serve.ts";
import { signedDynamoDB } from "../src/aws/dynamodb.ts";
import { assign } from "../src/lease/lease_write.ts";
import { DynamoDBLeaseStore } from "../src/store/dynamodb_lease_store.ts";
import { MAX_HASH_KEY } from "../src/stream/hash_key.ts";
import { positionAt } from "../src/stream/sequence_number.ts";
import { realClock } from "../src/system.ts";
import { simulatedAws } from "../src/testing/mod.ts";
import { fastClock } from "../tests/support/fast_clock.ts";

const SHARDS = 300;
const WORKERS = 12;
const BROWSERS = 3;
const MINUTE_MS = 60_000;

const { values } = parseArgs({ options: { smoke: { type: "boolean", default: false } } });
const clock = values.smoke ? fastClock(40) : realClock;

let scans = 0;
const aws = simulatedAws({ changeMs: 0, system: { clock, random: () => Math.random() } });
await using emulator = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
  if (request.headers.get("x-amz-target")?.endsWith(".Scan")) scans++;
  return aws.fetch(request);
});
const options = {
  applicationName: "app",
  streamName: "words",
  region: "us-east-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  dynamoDBEndpoint: `http://127.0.0.1:${emulator.addr.port}`,
  system: {
    clock,
    random: () => Math.random(),
    fetch: (...args: Parameters<typeof fetch>) => fetch(...args),
  },
};
await fillTable();

await using fleet = fleetOf(options);
const server = await serve(healthApp(totalsOfOne(), { fleet }).fetch, { port: 0, setting: "port" });
const page = await (await fetch(server.url)).text();
const pageBytes = new TextEncoder().encode(page).length;
const shown = [...page.matchAll(/<tr id="s/g)].length;
console.log(`${SHARDS} shards: ${pageBytes} bytes, ${shown} of them on the first page`);

const browsers = await Promise.all(Array.from({ length: BROWSERS }, async () => {
  const { body } = await fetch(`${server.url}/events`);
  return readAll(body);
}));
const watched = await scansInAMinute();
const bytes = await Promise.all(browsers.map(({ leave }) => leave()));
console.log(
  `${BROWSERS} browsers: ${watched} scans a minute, ${
    Math.round((bytes[0] ?? 0) / 1024)
  } KiB to each of them`,
);
const unwatched = await scansInAMinute();
console.log(`no browser: ${unwatched} scans a minute`);
await server.close();
aws.close();
console.log(JSON.stringify({
  pageBytes300Shards: pageBytes,
  scansPerMinuteWatched: watched,
  scansPerMinuteUnwatched: unwatched,
}));

async function scansInAMinute(): Promise<number> {
  const before = scans;
  await clock.sleep(MINUTE_MS);
  return scans - before;
}

/** Takes what comes, as a browser does, and counts it. */
function readAll(body: ReadableStream<Uint8Array> | null): { readonly leave: () => Promise<number> } {
  const reader = body?.getReader();
  const reading = (async () => {
    let bytes = 0;
    for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
      bytes += read.value.length;
    }
    return bytes;
  })();
  return {
    async leave() {
      await reader?.cancel();
      return await reading;
    },
  };
}

/** The worker that shows the page holds a part of the shards. */
function totalsOfOne(): Totals {
  const totals = new Totals(clock);
  const workerId = workerOf(0);
  totals.listener({
    type: "workerStarting",
    applicationName: "app",
    streamName: "words",
    tableName: "app",
    workerId,
  });
  totals.listener({ type: "workerReady", workerId });
  for (let n = 0; n < SHARDS; n += WORKERS) {
    const key = { leaseKey: shardOf(n), shardId: shardOf(n) };
    totals.listener({ type: "leaseGained", ...key, workerId, checkpoint: positionAt(`${n + 1}`) });
    totals.listener({ type: "phaseChanged", ...key, phase: "processing" });
    totals.listener({ type: "pageFetched", ...key, records: 0, bytes: 0, millisBehindLatest: 40, ms: 5 });
  }
  return totals;
}

async function fillTable(): Promise<void> {
  const { applicationName: tableName, system } = options;
  const dynamodb = signedDynamoDB({ ...options, endpoint: options.dynamoDBEndpoint });
  const store = new DynamoDBLeaseStore({ dynamodb, tableName, system });
  await store.ensureTable();
  const step = (MAX_HASH_KEY + 1n) / BigInt(SHARDS);
  for (let n = 0; n < SHARDS; n++) {
    const start = step * BigInt(n);
    const end = n === SHARDS - 1 ? MAX_HASH_KEY : start + step - 1n;
    await store.create({
      leaseKey: shardOf(n),
      shardId: shardOf(n),
      streamIdentifier: undefined,
      checkpoint: positionAt(`4966${"0".repeat(40)}${`${n}`.padStart(12, "0")}`),
      parentShardIds: [],
      hashKeyRange: { startingHashKey: `${start}`, endingHashKey: `${end}` },
    });
    const lease = await store.get(shardOf(n));
    if (lease !== undefined) await store.apply(assign(lease, workerOf(n % WORKERS)));
  }
}

function shardOf(n: number): string {
  return `shardId-${`${n}`.padStart(12, "0")}`;
}

function workerOf(n: number): string {
  return `orders-7f9c6d5b4-${n.toString(36).padStart(5, "x")}`;
}
