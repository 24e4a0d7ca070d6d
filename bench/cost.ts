/**
 * What leasing and polling cost: the DynamoDB requests of a small fleet at default settings and their capacity units, by
 * operation, and its GetRecords, for a stream without records and for one whose every shard is checkpointed once a second. In one process on the
 * emulators; start and stop are left out.
 *
 * ```sh
 * deno task bench:cost [--workers N] [--shards N] [--seconds N] [--idle-only] [--idle-pacing adaptive|fixed] [--smoke]
 * ```
 *
 * `--idle-only` leaves the busy stream out. `--smoke` runs one worker for a second, which shows that the program works and measures nothing.
 *
 * Ends with one line of JSON: requests per shard and hour, `getRecords` apart, for they go to Kinesis; and the read and write
 * units of the idle fleet, per shard and hour too. Units are those that the emulator names in its answers.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { KinesisWorker, type WorkerEvent } from "../mod.ts";
import { realSystem } from "../src/system.ts";
import { startDynalite, startKinesalite } from "../tests/support/emulators.ts";
import { testCredentials, TestStream } from "../tests/support/test_stream.ts";
import { type CapacityUnits, meteredFetch } from "./capacity.ts";

const GET_RECORDS = "GetRecords";
const { values } = parseArgs({
  options: {
    "workers": { type: "string", default: "2" },
    "shards": { type: "string", default: "8" },
    "seconds": { type: "string", default: "60" },
    "idle-only": { type: "boolean", default: false },
    "idle-pacing": { type: "string", default: "adaptive" },
    "smoke": { type: "boolean", default: false },
  },
});
const [workerCount, shardCount, settleMs] = values.smoke
  ? [1, 1, 500]
  : [Number(values.workers), Number(values.shards), 30_000];
const seconds = values.smoke ? 1 : Number(values.seconds);
const idlePacing = values["idle-pacing"] as "adaptive" | "fixed"; // the worker refuses anything else
const { clock } = realSystem;

/** What a fleet asks for in an hour, by operation. */
interface Demand {
  readonly requests: ReadonlyMap<string, number>;
  readonly units: ReadonlyMap<string, number>;
}

/** Runs a fleet and counts. */
async function demandOf(isBusy: boolean): Promise<Demand> {
  await using kinesis = await startKinesalite({ shardLimit: 10 + shardCount });
  await using dynamoDB = await startDynalite();
  const stream = await TestStream.create(kinesis.url, "words", shardCount);
  const counts = new Map<string, number>();
  const units: CapacityUnits = new Map();
  let isCounting = false;
  const onEvent = (event: WorkerEvent) => {
    if (!isCounting || event.type !== "requestSent") return;
    if (event.service !== "dynamodb" && event.operation !== GET_RECORDS) return;
    counts.set(event.operation, (counts.get(event.operation) ?? 0) + 1);
  };
  const stop = new AbortController();
  const workers = Array.from({ length: workerCount }, (_, i) =>
    new KinesisWorker({
      log: false,
      applicationName: "cost",
      streamName: "words",
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: kinesis.url,
      dynamoDBEndpoint: dynamoDB.url,
      initialPositionInStream: "TRIM_HORIZON",
      workerIdentifier: `worker-${i}`,
      idlePacing,
      onEvent,
      fetch: meteredFetch(units, () => isCounting),
      processor: () => ({
        processRecords: (_batch, context) => context.checkpoint(),
        shardEnded: (context) => context.checkpoint(),
      }),
    }).run(stop.signal));
  await clock.sleep(settleMs); // until leases are spread, and a worker that is alone rests
  isCounting = true;
  for (let second = 0; second < seconds; second++) {
    if (isBusy) await stream.put(Array.from({ length: 8 * shardCount }, (_, i) => `${second}-${i}`));
    await clock.sleep(1000);
  }
  isCounting = false;
  stop.abort();
  await Promise.all(workers);
  const anHour = (sums: ReadonlyMap<string, number>) =>
    new Map([...sums].map(([operation, sum]) => [operation, sum * 3600 / seconds]));
  return { requests: anHour(counts), units: anHour(units) };
}

const none: Demand = { requests: new Map(), units: new Map() };
const isWrite = (operation: string) => /^(Put|Update|Delete)Item$/.test(operation);
const sumOf = (sums: ReadonlyMap<string, number>, isWanted: (operation: string) => boolean) =>
  [...sums].reduce((sum, [operation, more]) => isWanted(operation) ? sum + more : sum, 0);
const perShard = (count: number) => Math.round(count / shardCount);
const getRecords = ({ requests }: Demand) => perShard(requests.get(GET_RECORDS) ?? 0);
const dynamoDB = ({ requests }: Demand) =>
  perShard(sumOf(requests, (operation) => operation !== GET_RECORDS));
const idle = await demandOf(false);
const busy = values["idle-only"] ? none : await demandOf(true);
console.log(`${workerCount} workers, ${shardCount} shards; an hour, by operation:`);
for (const operation of new Set([...idle.requests.keys(), ...busy.requests.keys()])) {
  const cell = (sums: ReadonlyMap<string, number>) => `${Math.round(sums.get(operation) ?? 0)}`.padStart(8);
  const cells = [idle, busy].map(({ requests, units }) => `${cell(requests)} (${cell(units).trim()} units)`);
  console.log(`${operation.padEnd(14)} ${cells[0]} idle ${cells[1]} busy`);
}
console.log(JSON.stringify({
  idlePerShardHour: dynamoDB(idle),
  busyPerShardHour: dynamoDB(busy),
  idleReadUnitsPerShardHour: perShard(sumOf(idle.units, (operation) => !isWrite(operation))),
  idleWriteUnitsPerShardHour: perShard(sumOf(idle.units, isWrite)),
  idleGetRecordsPerShardHour: getRecords(idle),
  busyGetRecordsPerShardHour: getRecords(busy),
  idlePacing,
  workers: workerCount,
  shards: shardCount,
}));
