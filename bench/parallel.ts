/**
 * What records of one shard gain when they are processed side by side: a handler that waits 20 ms for each record, 1,000 keys
 * that take turns, once one record after the other and once with `concurrency: { perShard: 100 }`, order by key.
 *
 * Both are whole workers on a shard and a lease table in this process. The handler's wait is a timer in both. CPU time is that of
 * the process during the turn, so it has the worker's own loops in it. Ends with one line of JSON: `speedup` is the records a
 * second over those of one at a time, `cpuRatio` the CPU time of a record over that of one at a time. Both are medians.
 *
 * ```sh
 * deno task bench:parallel [--smoke]
 * ```
 *
 * `--smoke` runs a few records, which shows that the program works and measures nothing.
 *
 * @module
 */

import { parseArgs } from "node:util";
import process from "node:process";
import type { WorkerOptions } from "../src/options/options.ts";
import { MemoryCoordinatorStore } from "../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../src/store/memory_lease_store.ts";
import { MemoryTable } from "../src/store/memory_table.ts";
import { KinesisWorker } from "../src/worker/worker.ts";
import { cpuPerMillion, median, perSecond } from "./figures.ts";
import type { Turn } from "./meter.ts";
import { pacedStream } from "./paced_stream.ts";

/** What the handler waits for each record, in ms. */
const WORK_MS = 20;
const KEYS = 1000;
const PER_SHARD = 100;

const { values } = parseArgs({ options: { smoke: { type: "boolean", default: false } } });
// One at a time takes 20 ms for each record; both turns take some seconds.
const sizes = values.smoke
  ? { rounds: 1, warmUp: 5, single: 20, parallel: 400 }
  : { rounds: 3, warmUp: 50, single: 300, parallel: 30_000 };

/** @param warmUp Records that are not measured: JIT, and the worker's start. */
async function turnOf(records: number, warmUp: number, options: Partial<WorkerOptions>): Promise<Turn> {
  const stop = new AbortController();
  const table = new MemoryTable("bench", "leaseKey");
  let done = 0, startMs = 0;
  let startCpu = process.cpuUsage();
  let turn: Turn | undefined;
  const count = () => {
    done++;
    if (done === warmUp) {
      startMs = performance.now();
      startCpu = process.cpuUsage();
    }
    if (done !== warmUp + records) return;
    const { user, system } = process.cpuUsage(startCpu);
    const seconds = (performance.now() - startMs) / 1000;
    turn = { count: records, seconds, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
    stop.abort();
  };
  const worker = new KinesisWorker({
    log: false,
    applicationName: "bench",
    streamName: "bench",
    kinesis: pacedStream(warmUp + records, KEYS),
    leaseStore: new MemoryLeaseStore(table),
    coordinatorStore: new MemoryCoordinatorStore(table),
    initialPositionInStream: "TRIM_HORIZON",
    failoverTimeMs: 1000,
    maxReadsPerSecond: Infinity,
    processor: () => ({
      checkpoints: "auto",
      async processRecords({ records }) {
        for (const _ of records) {
          await new Promise((resolve) => setTimeout(resolve, WORK_MS));
          count();
        }
      },
      shardEnded: (context) => context.checkpoint(),
    }),
    ...options,
  });
  await worker.run(stop.signal);
  if (turn === undefined) throw new Error("The worker stopped before its turn was over");
  return turn;
}

function show(name: string, turn: Turn): void {
  const cpuUs = Math.round(cpuPerMillion(turn));
  console.log(`${name.padEnd(16)} ${perSecond(turn).toFixed(1)} records/s, ${cpuUs} µs of CPU for each`);
}

const rounds: { readonly single: Turn; readonly parallel: Turn }[] = [];
for (let round = 1; round <= sizes.rounds; round++) {
  const single = await turnOf(sizes.single, sizes.warmUp, {});
  show("one at a time", single);
  const parallel = await turnOf(sizes.parallel, 10 * sizes.warmUp, {
    concurrency: { perShard: PER_SHARD, order: "key" },
    batch: { size: 1 },
  });
  show(`${PER_SHARD} at a time`, parallel);
  rounds.push({ single, parallel });
}
const of = (figure: (round: typeof rounds[number]) => number) =>
  Number(median(rounds.map(figure)).toFixed(3));
console.log(JSON.stringify({
  speedup: of(({ single, parallel }) => perSecond(parallel) / perSecond(single)),
  cpuRatio: of(({ single, parallel }) => cpuPerMillion(parallel) / cpuPerMillion(single)),
}));
