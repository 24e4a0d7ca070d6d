/**
 * How long a starting program takes to its first record: of a fresh application, which makes its lease table, and of one whose
 * leases exist and are free. Each start is a process of its own, and the time counts from its start. The emulator of this
 * package is served on loopback; a table takes it 100 ms. Settings are the defaults, and the records are there before.
 *
 * ```sh
 * deno task bench:first-record [--rounds N] [--shards N] [--smoke]
 * ```
 *
 * `--smoke` does one round, which shows that the program works and measures nothing.
 *
 * Ends with one line of JSON: medians in ms, until the first record and until each shard has given one. `loadMs` is a process
 * that loads the library and ends: what no start can do without.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { simulatedAws } from "../src/testing/mod.ts";
import { testCredentials } from "../tests/support/test_stream.ts";

/** What one start took, in ms. */
interface Start {
  readonly firstMs: number;
  readonly allMs: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    shards: { type: "string", default: "4" },
    smoke: { type: "boolean", default: false },
  },
});
const rounds = values.smoke ? 1 : Number(values.rounds);
const shardCount = Number(values.shards);
const WORKER = new URL("failover_worker.ts", import.meta.url).pathname;
const MOD = new URL("../mod.ts", import.meta.url).href;

const fresh: Start[] = [], again: Start[] = [], loadMs: number[] = [];
for (let round = 0; round < rounds; round++) await startTwice();
console.log(JSON.stringify({
  freshFirstMs: median(fresh.map((start) => start.firstMs)),
  freshAllMs: median(fresh.map((start) => start.allMs)),
  againFirstMs: median(again.map((start) => start.firstMs)),
  againAllMs: median(again.map((start) => start.allMs)),
  loadMs: median(loadMs),
  shards: shardCount,
}));

/** One emulator, on which an application starts, stops, and starts again. */
async function startTwice(): Promise<void> {
  const aws = simulatedAws({ streams: { words: shardCount } });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, aws.fetch);
  const url = `http://127.0.0.1:${server.addr.port}`;
  const putAll = () => {
    for (let i = 0; i < 16 * shardCount; i++) aws.stream("words").put(`${i}`);
  };
  try {
    loadMs.push(await load());
    putAll();
    fresh.push(await start(url));
    putAll();
    again.push(await start(url));
  } finally {
    aws.close();
    await server.shutdown();
  }
}

/** Starts a worker, and stops it in order when each shard has given a record. */
async function start(url: string): Promise<Start> {
  const options = {
    applicationName: "first-record",
    streamName: "words",
    region: "us-east-1",
    credentials: testCredentials,
    kinesisEndpoint: url,
    dynamoDBEndpoint: url,
    initialPositionInStream: "TRIM_HORIZON",
  };
  const startedMs = performance.now();
  const args = ["run", "-A", WORKER, JSON.stringify(options)];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const shards = new Set<string>();
  let firstMs = NaN, allMs = NaN;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const ms = performance.now() - startedMs;
    for (const shardId of text.split("\n")) if (shardId !== "") shards.add(shardId);
    if (Number.isNaN(firstMs)) firstMs = ms;
    if (shards.size < shardCount || !Number.isNaN(allMs)) continue;
    allMs = ms;
    child.kill("SIGTERM");
  }
  await child.status;
  return { firstMs, allMs };
}

/** A process that loads the library. */
async function load(): Promise<number> {
  const startedMs = performance.now();
  await new Deno.Command(Deno.execPath(), { args: ["eval", `import "${MOD}"`], stdout: "null" }).output();
  return performance.now() - startedMs;
}

function median(numbers: readonly number[]): number {
  return Math.round(numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN);
}
