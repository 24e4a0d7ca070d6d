/**
 * What is measured, each for one turn: floors, kclite's Kinesis client alone, and a whole worker in its ways of reading.
 *
 * @module
 */

import process from "node:process";
import { cborKinesis } from "../src/aws/cbor_kinesis.ts";
import { type Kinesis, signedKinesis } from "../src/aws/kinesis.ts";
import type { RecordProcessorFactory } from "../src/consumer/record_processor.ts";
import type { WorkerEventListener } from "../src/events.ts";
import { childStarter } from "../src/host/child_starter.ts";
import { multiLangProcessor } from "../src/multilang/multilang_processor.ts";
import { MemoryCoordinatorStore } from "../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../src/store/memory_lease_store.ts";
import { MemoryTable } from "../src/store/memory_table.ts";
import { realSystem } from "../src/system.ts";
import { KinesisWorker } from "../src/worker/worker.ts";
import { iteratorText, type WireFormat } from "./canned_page.ts";
import { floorOfBytes, floorOfCalls, floorOfFanOut, floorTurn } from "./floor.ts";
import { Meter, type Turn, type TurnSize } from "./meter.ts";

/** What a reader is started with. */
export interface ReaderOptions {
  /** The canned server. */
  readonly url: string;
  readonly streamName: string;
  readonly wireFormat: WireFormat;
  readonly size: TurnSize;
  /** A DynamoDB, for whoever keeps leases there. */
  readonly tableUrl?: string;
}

/** Makes one turn. */
export type Reader = (options: ReaderOptions) => Promise<Turn>;

const clientOptions = {
  region: "us-east-1",
  credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
} as const;

/** Our own, by name. */
export const READERS: Readonly<Record<string, Reader>> = {
  "floor": floorTurn,
  "floor of bytes": floorOfBytes,
  "floor of calls": floorOfCalls,
  "floor of fan-out": floorOfFanOut,
  "client": clientTurn,
  "calls": callsTurn,
  "worker": (options) => workerTurn(options, {}),
  "fan-out": (options) => workerTurn(options, { retrievalMode: "FANOUT" }),
  "multilang": multiLangTurn,
  "catch-up": catchUpTurn,
};

/** The signed client: one page, then the next. */
async function clientTurn(options: ReaderOptions): Promise<Turn> {
  const meter = new Meter(options.size);
  return await readWith(options, (payloads) => meter.page(payloads));
}

/** The same, where each answer is empty: what a call costs. */
async function callsTurn(options: ReaderOptions): Promise<Turn> {
  const meter = new Meter(options.size);
  return await readWith(options, () => meter.add(1));
}

async function readWith(
  { url, streamName, wireFormat }: ReaderOptions,
  count: (payloads: readonly Uint8Array[]) => Turn | undefined,
): Promise<Turn> {
  const service = { ...clientOptions, endpoint: url, system: realSystem };
  const json = signedKinesis(service);
  const kinesis: Kinesis = wireFormat === "json" ? json : cborKinesis(json, service);
  const stream = { streamName, streamArn: undefined };
  for (let iterator = iteratorText({ streamName, shard: 0, page: 0 });;) {
    const { records, nextShardIterator } = await kinesis.getRecords(stream, iterator, 10_000);
    const turn = count(records.map(({ data }) => data));
    if (turn !== undefined) return turn;
    if (nextShardIterator === undefined) throw new Error("The canned shard has no end, but one was reported");
    iterator = nextShardIterator;
  }
}

/** What differs from reader to reader. */
interface WorkerChanges {
  readonly retrievalMode?: "FANOUT";
  readonly processor?: RecordProcessorFactory;
  readonly onEvent?: WorkerEventListener;
  /** With the default limits of calls and bytes. */
  readonly isPaced?: boolean;
}

/** Leases in memory, no limits of its own. */
function workerOf({ url, streamName, wireFormat }: ReaderOptions, changes: WorkerChanges): KinesisWorker {
  const table = new MemoryTable("bench", "leaseKey");
  const { retrievalMode, processor, onEvent, isPaced = false } = changes;
  return new KinesisWorker({
    ...clientOptions,
    log: false,
    applicationName: "bench",
    streamName,
    kinesisEndpoint: url,
    wireFormat,
    leaseStore: new MemoryLeaseStore(table),
    coordinatorStore: new MemoryCoordinatorStore(table),
    initialPositionInStream: "TRIM_HORIZON",
    ...(retrievalMode === undefined ? {} : { retrievalMode, consumerName: "bench" }),
    ...(isPaced ? {} : { maxReadsPerSecond: Infinity, maxReadBytesPerSecond: Infinity }),
    onEvent,
    processor: processor ?? (() => ({
      processRecords() {},
      shardEnded: (context) => context.checkpoint(),
    })),
  });
}

/** A whole worker, which reads ahead of its processor. */
async function workerTurn(options: ReaderOptions, changes: WorkerChanges): Promise<Turn> {
  const meter = new Meter(options.size);
  const { promise, resolve } = awaited();
  const processor: RecordProcessorFactory = () => ({
    processRecords({ records }) {
      const turn = meter.page(records.map(({ data }) => data));
      if (turn !== undefined) resolve(turn);
    },
    shardEnded: (context) => context.checkpoint(),
  });
  return await whileRunning(workerOf(options, { ...changes, processor }), promise);
}

/** A worker whose records go to child processes, which answer without looking. Their CPU time does not count. */
async function multiLangTurn(options: ReaderOptions): Promise<Turn> {
  const meter = new Meter(options.size);
  const { promise, resolve } = awaited();
  const starter = childStarter();
  const child = new URL("./multilang_child.ts", import.meta.url).pathname;
  const worker = workerOf(options, {
    processor: multiLangProcessor({
      executableName: `${process.execPath} run --no-config --no-lock -q ${child}`,
      spawn: starter.spawn,
      clock: realSystem.clock,
    }),
    onEvent(event) {
      if (event.type !== "batchProcessed") return;
      const turn = meter.add(event.records);
      if (turn !== undefined) resolve(turn);
    },
  });
  try {
    return await whileRunning(worker, promise);
  } finally {
    starter[Symbol.dispose]();
  }
}

/** All options at their defaults, for `count` ms: what is looked at is the memory at the peak. */
async function catchUpTurn(options: ReaderOptions): Promise<Turn> {
  const startMs = performance.now();
  let count = 0;
  const worker = workerOf(options, {
    isPaced: true,
    onEvent(event) {
      if (event.type === "batchProcessed") count += event.records;
    },
  });
  const turn = realSystem.clock.sleep(options.size.count).then((): Turn => {
    const { user, system } = process.cpuUsage();
    const seconds = (performance.now() - startMs) / 1000;
    return { count, seconds, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
  });
  return await whileRunning(worker, turn);
}

/** A turn that something else ends. Node.js 20 has neither `Promise.withResolvers` nor `using`. */
function awaited(): { readonly promise: Promise<Turn>; readonly resolve: (turn: Turn) => void } {
  let resolve: (turn: Turn) => void = () => {};
  const promise = new Promise<Turn>((done) => resolve = done);
  return { promise, resolve };
}

async function whileRunning(worker: KinesisWorker, turn: Promise<Turn>): Promise<Turn> {
  const stop = new AbortController();
  const running = worker.run(stop.signal);
  const ended = running.then(() => {
    throw new Error("The worker stopped before its turn was over");
  });
  try {
    return await Promise.race([turn, ended]);
  } finally {
    stop.abort();
    await running;
  }
}
