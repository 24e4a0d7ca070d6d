/**
 * What is measured of kclite, each for one turn: the floor below it, its Kinesis client alone, and a whole worker.
 *
 * @module
 */

import { signedKinesis } from "../src/aws/kinesis.ts";
import { MemoryCoordinatorStore } from "../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../src/store/memory_lease_store.ts";
import { MemoryTable } from "../src/store/memory_table.ts";
import { realSystem } from "../src/system.ts";
import { KinesisWorker } from "../src/worker/worker.ts";
import { readFloorPage } from "./floor.ts";
import { FULL_TURN, Meter, type Turn, type TurnSize } from "./meter.ts";

const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };

/** The floor: one page, then the next. */
export async function floorTurn(url: string, size: TurnSize = FULL_TURN): Promise<Turn> {
  const meter = new Meter(size);
  for (let iterator = "page-0";;) {
    const { payloads, nextShardIterator } = await readFloorPage(url, iterator);
    const turn = meter.page(payloads);
    if (turn !== undefined) return turn;
    iterator = nextShardIterator;
  }
}

/** The signed client: one page, then the next. */
export async function clientTurn(url: string): Promise<Turn> {
  const meter = new Meter();
  const kinesis = signedKinesis({ region: "us-east-1", endpoint: url, credentials, system: realSystem });
  const stream = { streamName: "bench", streamArn: undefined };
  for (let iterator = "page-0";;) {
    const { records, nextShardIterator } = await kinesis.getRecords(stream, iterator, 10_000);
    const turn = meter.page(records.map(({ data }) => data));
    if (turn !== undefined) return turn;
    if (nextShardIterator === undefined) throw new Error("The canned shard has no end, but one was told");
    iterator = nextShardIterator;
  }
}

/** A whole worker, which reads ahead of its processor; leases in memory, no limits of its own. */
export async function workerTurn(url: string, size: TurnSize = FULL_TURN): Promise<Turn> {
  const meter = new Meter(size);
  const stop = new AbortController();
  const table = new MemoryTable("bench", "leaseKey");
  let turn: Turn | undefined;
  const worker = new KinesisWorker({
    log: false,
    applicationName: "bench",
    streamName: "bench",
    region: "us-east-1",
    credentials,
    kinesisEndpoint: url,
    leaseStore: new MemoryLeaseStore(table),
    coordinatorStore: new MemoryCoordinatorStore(table),
    initialPositionInStream: "TRIM_HORIZON",
    failoverTimeMs: 1000,
    maxReadsPerSecond: Infinity,
    maxReadBytesPerSecond: Infinity,
    processor: () => ({
      async processRecords({ records }, context) {
        turn ??= meter.page(records.map(({ data }) => data));
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
