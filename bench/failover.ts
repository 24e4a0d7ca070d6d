/**
 * How long a shard goes unread when its worker stops in order, is killed, or is killed while it leads: real processes on the
 * emulators, default settings. The time is from the signal to the first batch that another worker processes, for the
 * slowest of the shards concerned. And how long a worker that joins waits for its share, from the start of its process.
 *
 * ```sh
 * deno task bench:failover [--rounds N] [--workers N] [--shards N] [--java] [--smoke]
 * ```
 *
 * `--java` measures the Java KCL by the same program, all of whose options are its defaults, on the emulator of this package. That takes a
 * quarter of an hour.
 *
 * `--smoke` stops one of two workers in order and kills none, which shows that the program works and measures nothing.
 *
 * Ends with one line of JSON: medians in ms.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { signedDynamoDB } from "../src/aws/dynamodb.ts";
import { DynamoDBCoordinatorStore } from "../src/store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../src/store/dynamodb_lease_store.ts";
import { realSystem } from "../src/system.ts";
import { benchWorker, buildWorker, versions } from "../tests/interop/java/bed.ts";
import { startEmulator } from "../tests/interop/java/dynamodb.ts";
import { canRun } from "../tests/support/command.ts";
import { startDynalite, startKinesalite } from "../tests/support/emulators.ts";
import { testCredentials, TestStream } from "../tests/support/test_stream.ts";

/** One worker process, and when it last processed a batch of each shard. */
interface WorkerProcess {
  readonly workerId: string;
  readonly child: Deno.ChildProcess;
  readonly lastBatchMs: Map<string, number>;
  readonly reading: Promise<void>;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    workers: { type: "string", default: "3" },
    shards: { type: "string", default: "6" },
    java: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false },
  },
});
const [failoverTimeMs, workerCount, shardCount] = values.smoke
  ? [1000, 2, 2]
  : [10_000, Number(values.workers), Number(values.shards)];
/**
 * For how long a fleet is left alone before a worker of it ends. A leader has then seen that all work: a worker that dies within
 * a second of its first lease is taken for one that is slow to find it, and is given more for a while.
 */
const settledMs = values.smoke ? 0 : 5000;
/** What each worker has at least. */
const share = Math.floor(shardCount / workerCount);
/** What is waited for at most. Java takes minutes, and reads a shard every 1.5 s; it spreads leases by load, so not always evenly. */
const [patienceMs, readWithinMs, leastShare] = values.java ? [600_000, 5000, 1] : [200_000, 1500, share];
if (values.java && values.smoke) {
  throw new RangeError("Cannot measure Java: expected --smoke or --java: got both");
}
if (values.java) {
  if (!await canRun("java", "-version") || !await canRun("mvn")) {
    console.log("the Java KCL is skipped: there is no java or no mvn on the PATH");
    Deno.exit(0);
  }
  await buildWorker(versions.kcl);
}
await using kinesis = values.java ? startEmulator() : await startKinesalite();
await using dynalite = values.java ? undefined : await startDynalite();
const dynamoDBUrl = dynalite?.url ?? kinesis.url;
const stream = await TestStream.create(kinesis.url, "words", shardCount);
const options = {
  applicationName: "failover",
  streamName: "words",
  region: "us-east-1",
  credentials: testCredentials,
  kinesisEndpoint: kinesis.url,
  dynamoDBEndpoint: dynamoDBUrl,
  initialPositionInStream: "TRIM_HORIZON",
  idleTimeBetweenReadsMs: 200,
  failoverTimeMs,
};
const dynamodb = signedDynamoDB({
  region: "us-east-1",
  endpoint: dynamoDBUrl,
  credentials: testCredentials,
  system: realSystem,
});
const table = { dynamodb, tableName: "failover", applicationName: "failover", system: realSystem };
const leases = new DynamoDBLeaseStore(table);
const coordinator = new DynamoDBCoordinatorStore(table);

let started = 0;
const workers: WorkerProcess[] = [];
const stop = new AbortController();
const producing = produce(stop.signal);
const startedMs = performance.now();
workers.push(startWorker());
await until(
  "a fresh application reads",
  () => workers.some(({ lastBatchMs }) => lastBatchMs.size > 0),
  patienceMs,
);
const freshMs = Math.round(performance.now() - startedMs);
console.log(`the first record of a fresh application is read after ${freshMs} ms`);
while (workers.length < workerCount) workers.push(startWorker());

const results: Record<"cleanStopMs" | "killMs" | "killLeaderMs" | "joinMs", number[]> = {
  cleanStopMs: [],
  killMs: [],
  killLeaderMs: [],
  joinMs: [],
};
for (let round = 0; round < Number(values.rounds); round++) {
  results.cleanStopMs.push(await measure("SIGTERM", false));
  if (values.smoke) break;
  results.killMs.push(await measure("SIGKILL", false));
  results.killLeaderMs.push(await measure("SIGKILL", true));
}
stop.abort();
await producing;
await Promise.all(workers.map((worker) => end(worker, "SIGTERM")));
const median = (numbers: readonly number[]) =>
  Math.round(numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN);
console.log(JSON.stringify({
  worker: values.java ? `Java KCL ${versions.kcl}` : "kclite",
  freshMs,
  cleanStopMs: median(results.cleanStopMs),
  killMs: median(results.killMs),
  killLeaderMs: median(results.killLeaderMs),
  joinMs: median(results.joinMs),
  failoverTimeMs,
  workers: workerCount,
  shards: shardCount,
}));

/** Ends one worker and waits until others read all of its shards; then replaces it. */
async function measure(signal: Deno.Signal, isLeader: boolean): Promise<number> {
  await balanced();
  await realSystem.clock.sleep(settledMs);
  const leader = (await coordinator.readLock("leaseTable"))?.ownerName;
  const victim = workers.find((worker) => (worker.workerId === leader) === isLeader);
  if (victim === undefined) throw new Error(`no worker that ${isLeader ? "leads" : "does not lead"}`);
  const shards = (await leases.list()).leases.filter((lease) => lease.leaseOwner === victim.workerId)
    .map((lease) => lease.shardId);
  workers.splice(workers.indexOf(victim), 1);
  const atMs = performance.now();
  const ending = end(victim, signal);
  const readAgainMs = (shardId: string) =>
    Math.min(...workers.map((worker) => worker.lastBatchMs.get(shardId) ?? 0).filter((ms) => ms > atMs));
  await until(
    "its shards are read again",
    () => shards.every((shardId) => readAgainMs(shardId) < Infinity),
    patienceMs,
  );
  const tookMs = Math.max(...shards.map(readAgainMs)) - atMs;
  await ending;
  console.log(
    `${signal}${isLeader ? " to the leader" : ""}: ${shards.length} shards read again after ${
      Math.round(tookMs)
    } ms`,
  );
  results.joinMs.push(await join());
  return tookMs;
}

/** Starts another worker, and waits until it reads its share. */
async function join(): Promise<number> {
  const atMs = performance.now();
  const worker = startWorker();
  workers.push(worker);
  await until("the worker that joins has its share", () => worker.lastBatchMs.size >= leastShare, patienceMs);
  const tookMs = performance.now() - atMs;
  console.log(`a worker that joins reads ${leastShare} shards after ${Math.round(tookMs)} ms`);
  return tookMs;
}

/** Waits until the leases are spread evenly, no handoff is under way, and every shard has just been read by its owner. */
async function balanced(): Promise<void> {
  await until("the fleet is balanced", async () => {
    const { leases: all } = await leases.list();
    const nowMs = performance.now();
    return all.length === shardCount && all.every((lease) => lease.checkpointOwner === undefined) &&
      workers.every((worker) => {
        const own = all.filter((lease) => lease.leaseOwner === worker.workerId);
        const isRead = (shardId: string) => nowMs - (worker.lastBatchMs.get(shardId) ?? 0) < readWithinMs;
        return own.length >= leastShare && own.every((lease) => isRead(lease.shardId));
      });
  }, patienceMs);
}

function startWorker(): WorkerProcess {
  const workerId = `worker-${++started}`;
  const { command, args } = values.java
    ? benchWorker(
      { endpoint: kinesis.url, stream: "words", application: "failover", workerId, told: "true" },
      {
        isCbor: false,
      },
    )
    : {
      command: Deno.execPath(),
      args: [
        "run",
        "-A",
        new URL("failover_worker.ts", import.meta.url).pathname,
        JSON.stringify({ ...options, workerIdentifier: workerId }),
      ],
    };
  const child = new Deno.Command(command, { args: [...args], stdout: "piped" }).spawn();
  const lastBatchMs = new Map<string, number>();
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      for (const shardId of text.split("\n")) if (shardId !== "") lastBatchMs.set(shardId, performance.now());
    }
  })();
  return { workerId, child, lastBatchMs, reading };
}

async function end({ child, reading }: WorkerProcess, signal: Deno.Signal): Promise<void> {
  child.kill(signal);
  await Promise.all([child.status, reading]);
}

/** A few records for every shard, five times a second. */
async function produce(signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    await stream.put(Array.from({ length: 8 * shardCount }, (_, i) => `${n}-${i}`));
    await realSystem.clock.sleep(200);
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const startedMs = performance.now();
  while (!await holds()) {
    if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await realSystem.clock.sleep(20);
  }
}
