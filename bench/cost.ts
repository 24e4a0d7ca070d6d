/**
 * What leasing and polling cost: the DynamoDB requests of a small fleet at default settings, by operation, and its GetRecords,
 * for a stream without records and for one whose every shard is checkpointed once a second. In one process on the
 * emulators; start and stop are left out.
 *
 * ```sh
 * deno task bench:cost [--workers N] [--shards N] [--seconds N] [--idle-only] [--idle-pacing adaptive|fixed] [--smoke]
 * ```
 *
 * `--idle-only` leaves the busy stream out. `--smoke` runs one worker for a second, which shows that the program works and measures nothing.
 *
 * Ends with one line of JSON: requests per shard and hour; `getRecords` apart, for they go to Kinesis.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { KinesisWorker, type WorkerEvent } from "../mod.ts";
import { realSystem } from "../src/system.ts";
import { startDynalite, startKinesalite } from "../tests/support/emulators.ts";
import { testCredentials, TestStream } from "../tests/support/test_stream.ts";

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

/** Runs a fleet and counts. @returns requests per hour of the whole fleet, by operation. */
async function requestsPerHour(isBusy: boolean): Promise<Map<string, number>> {
  await using kinesis = await startKinesalite({ shardLimit: 10 + shardCount });
  await using dynamoDB = await startDynalite();
  const stream = await TestStream.create(kinesis.url, "words", shardCount);
  const counts = new Map<string, number>();
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
  return new Map([...counts].map(([operation, count]) => [operation, count * 3600 / seconds]));
}

const perShard = (count: number) => Math.round(count / shardCount);
const getRecords = (counts: ReadonlyMap<string, number>) => counts.get(GET_RECORDS) ?? 0;
const dynamoDB = (counts: ReadonlyMap<string, number>) =>
  [...counts.values()].reduce((sum, count) => sum + count, 0) - getRecords(counts);
const idle = await requestsPerHour(false);
const busy = values["idle-only"] ? new Map<string, number>() : await requestsPerHour(true);
console.log(`${workerCount} workers, ${shardCount} shards; requests an hour, by operation:`);
for (const operation of new Set([...idle.keys(), ...busy.keys()])) {
  const [a, b] = [idle, busy].map((counts) => Math.round(counts.get(operation) ?? 0));
  console.log(`${operation.padEnd(14)} ${`${a}`.padStart(8)} idle ${`${b}`.padStart(8)} busy`);
}
console.log(JSON.stringify({
  idlePerShardHour: perShard(dynamoDB(idle)),
  busyPerShardHour: perShard(dynamoDB(busy)),
  idleGetRecordsPerShardHour: perShard(getRecords(idle)),
  busyGetRecordsPerShardHour: perShard(getRecords(busy)),
  idlePacing,
  workers: workerCount,
  shards: shardCount,
}));
