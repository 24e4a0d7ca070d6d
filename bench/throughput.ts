/**
 * How fast one shard is read: a whole worker (leases in memory, the signed Kinesis client, pages decoded and delivered to a
 * processor that touches each record) beside the floor of `floor.ts`, on the same pages from the same server.
 *
 * The two take turns in one process, so that whatever else the machine does hits both alike; the figures are medians over
 * the rounds. Ends with one line of JSON. `floorRatio` is the worker's records a second over the floor's: 1 = nothing lost.
 *
 * @module
 */

import { KinesisWorker } from "../src/worker/worker.ts";
import { MemoryCoordinatorStore } from "../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../src/store/memory_lease_store.ts";
import { MemoryTable } from "../src/store/memory_table.ts";
import { readFloorPage } from "./floor.ts";

const ROUNDS = 5;
/** Pages of a turn that are measured, after some that are not: connections, JIT and the worker's start. */
const PAGES = 100;
const WARM_UP_PAGES = 10;

/** What one turn took. */
interface Turn {
  readonly records: number;
  readonly seconds: number;
  /** User and system time of the whole process, all threads. */
  readonly cpuSeconds: number;
}

/** Measures from the end of the warm-up to the last page. */
class Meter {
  #pages = 0;
  #records = 0;
  #startMs = 0;
  #startCpu = process.cpuUsage();
  /** Bytes of records touched, so that no engine may leave the touching out. */
  #touched = 0;

  /** Counts a page. @returns The turn once it is over. */
  page(payloads: Iterable<Uint8Array>): Turn | undefined {
    let records = 0;
    for (const payload of payloads) {
      this.#touched += payload[0] ?? 0;
      records++;
    }
    this.#pages++;
    if (this.#pages > WARM_UP_PAGES) this.#records += records;
    if (this.#pages === WARM_UP_PAGES) {
      this.#startMs = performance.now();
      this.#startCpu = process.cpuUsage();
    }
    if (this.#pages < WARM_UP_PAGES + PAGES) return undefined;
    const cpu = process.cpuUsage(this.#startCpu);
    return {
      records: this.#records,
      seconds: (performance.now() - this.#startMs) / 1000,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
    };
  }
}

async function floorTurn(url: string): Promise<Turn> {
  const meter = new Meter();
  for (let iterator = "page-0";;) {
    const { payloads, nextShardIterator } = await readFloorPage(url, iterator);
    const turn = meter.page(payloads);
    if (turn !== undefined) return turn;
    iterator = nextShardIterator;
  }
}

async function workerTurn(url: string): Promise<Turn> {
  const meter = new Meter();
  const stop = new AbortController();
  const table = new MemoryTable("bench", "leaseKey");
  let turn: Turn | undefined;
  const worker = new KinesisWorker({
    applicationName: "bench",
    streamName: "bench",
    region: "us-east-1",
    credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
    kinesisEndpoint: url,
    leaseStore: new MemoryLeaseStore(table),
    coordinatorStore: new MemoryCoordinatorStore(table),
    initialPositionInStream: "TRIM_HORIZON",
    failoverTimeMs: 1000,
    maxReadsPerSecond: Infinity,
    maxReadBytesPerSecond: Infinity,
    processor: () => ({
      async processRecords({ records }, context) {
        turn ??= meter.page(records.values().map(({ data }) => data));
        if (turn === undefined) return;
        await context.checkpoint();
        stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
  if (turn === undefined) throw new Error("The worker stopped before its turn was over");
  return turn;
}

/** Starts the canned server; `stop` ends it. */
async function startServer(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net=127.0.0.1",
      new URL("./canned_server.ts", import.meta.url).pathname,
    ],
    stdout: "piped",
  }).spawn();
  const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await lines.read();
  if (value === undefined) throw new Error("The canned server did not start");
  return {
    url: JSON.parse(value).url,
    async stop() {
      server.kill("SIGKILL");
      await lines.cancel();
      await server.status;
    },
  };
}

function perSecond({ records, seconds }: Turn): number {
  return records / seconds;
}

function perCpuSecond({ records, cpuSeconds }: Turn): number {
  return records / cpuSeconds;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function show(name: string, turn: Turn): void {
  const figures = [perSecond(turn), perCpuSecond(turn)].map((value) =>
    Math.round(value).toLocaleString("en")
  );
  console.log(`${name.padEnd(8)} ${figures[0]} records/s, ${figures[1]} records per CPU second`);
}

const server = await startServer();
try {
  const rounds: { readonly floor: Turn; readonly worker: Turn }[] = [];
  let rssMiB = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    // Who goes first alternates too.
    const [first, second] = round % 2 === 1 ? [floorTurn, workerTurn] : [workerTurn, floorTurn];
    const [a, b] = [await first(server.url), await second(server.url)];
    const turns = first === floorTurn ? { floor: a, worker: b } : { floor: b, worker: a };
    rounds.push(turns);
    rssMiB = Math.max(rssMiB, Deno.memoryUsage().rss / 2 ** 20);
    show("floor", turns.floor);
    show("worker", turns.worker);
  }
  const of = (figure: (round: typeof rounds[number]) => number) => median(rounds.map(figure));
  console.log(JSON.stringify({
    floorRatio: Number(of(({ floor, worker }) => perSecond(worker) / perSecond(floor)).toFixed(3)),
    recordsPerSecond: Math.round(of(({ worker }) => perSecond(worker))),
    recordsPerCpuSecond: Math.round(of(({ worker }) => perCpuSecond(worker))),
    rssMiB: Math.round(rssMiB),
  }));
} finally {
  await server.stop();
}
