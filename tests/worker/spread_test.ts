/** How fast leases are spread when workers join one after the other: whole workers, in memory. */

import { assertEquals } from "@std/assert";
import type { GetRecordsOutput, StreamSummary } from "../../src/aws/kinesis.ts";
import type { WorkerOptions } from "../../src/worker/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { recordWith } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { output, ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

/** Four shards, each with `bytesPerRead` in every read. */
class SteadyKinesis extends ScriptedKinesis {
  readonly #bytesPerRead: number;
  #last = 0;

  constructor(bytesPerRead: number) {
    super();
    this.#bytesPerRead = bytesPerRead;
    const quarter = 2n ** 126n;
    this.shards = [0n, 1n, 2n, 3n].map((n) =>
      shardWith(`shard-${n}`, {
        hashKeyRange: { startingHashKey: `${n * quarter}`, endingHashKey: `${(n + 1n) * quarter - 1n}` },
      })
    );
  }

  override describeStreamSummary(): Promise<StreamSummary> {
    const streamArn = "arn:aws:kinesis:eu-central-1:123456789012:stream/words";
    return Promise.resolve({
      streamName: "words",
      streamArn,
      streamStatus: "ACTIVE",
      streamCreationEpochS: 0,
      openShardCount: 4,
    });
  }

  override getRecords(): Promise<GetRecordsOutput> {
    if (this.#bytesPerRead === 0) return Promise.resolve(output([]));
    const record = recordWith(++this.#last, "x".repeat(this.#bytesPerRead));
    return Promise.resolve({ ...output([]), records: [record], bytes: this.#bytesPerRead });
  }
}

class SpreadBed extends MemoryBed implements AsyncDisposable {
  readonly #kinesis: SteadyKinesis;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(bytesPerRead: number) {
    super();
    this.#kinesis = new SteadyKinesis(bytesPerRead);
  }

  start(workerIdentifier: string, more: Partial<WorkerOptions> = {}): void {
    const worker = new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      workerIdentifier,
      kinesis: this.#kinesis,
      leaseStore: this.store,
      coordinatorStore: this.coordinator,
      system: this.system,
      initialPositionInStream: "TRIM_HORIZON",
      idleTimeBetweenReadsMs: 5000,
      leaseDiscoveryIntervalMs: 2000,
      processor: () => ({
        processRecords: (_, context) => context.checkpoint(),
        shardEnded: (context) => context.checkpoint(),
      }),
      ...more,
    });
    this.#running.push(worker.run(this.#stop.signal));
  }

  /** How many leases each worker has for itself, by name. */
  async counts(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { leaseOwner, checkpointOwner } of (await this.store.list()).leases) {
      const owner = checkpointOwner === undefined ? `${leaseOwner}` : "in a handoff";
      counts[owner] = (counts[owner] ?? 0) + 1;
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    let isOver = false;
    const all = Promise.all(this.#running).finally(() => isOver = true);
    while (!isOver) await this.clock.advance(100);
    await all;
  }
}

const busy = () => Promise.resolve(80);

/** What measures, and what the shards bring. */
const fleets: readonly {
  readonly name: string;
  readonly bytesPerRead: number;
  readonly first: Partial<WorkerOptions>;
  readonly second: Partial<WorkerOptions>;
}[] = [
  { name: "an idle stream", bytesPerRead: 0, first: {}, second: {} },
  { name: "a stream with traffic", bytesPerRead: 50_000, first: {}, second: {} },
  {
    name: "workers that measure the same busy host",
    bytesPerRead: 50_000,
    first: { cpuUtilization: busy },
    second: { cpuUtilization: busy },
  },
  {
    name: "a newcomer that measures nothing yet",
    bytesPerRead: 50_000,
    first: { cpuUtilization: busy },
    second: {},
  },
  {
    name: "leases that are counted",
    bytesPerRead: 50_000,
    first: { leaseAssignmentStrategy: "LEASE_COUNT_BASED", isGracefulLeaseHandoffEnabled: false },
    second: { leaseAssignmentStrategy: "LEASE_COUNT_BASED" },
  },
];

for (const { name, bytesPerRead, first, second } of fleets) {
  Deno.test(`KinesisWorker that joins later has its part within four passes: ${name}`, async () => {
    await using bed = new SpreadBed(bytesPerRead);
    bed.start("a", first);
    await bed.clock.advance(35_000);
    assertEquals(await bed.counts(), { a: 4 });
    bed.start("b", second);
    await bed.clock.advance(10_000); // passes are 2.5 s apart
    assertEquals(await bed.counts(), { a: 2, b: 2 });
    await bed.clock.advance(65_000); // the load is looked at once a minute
    assertEquals(await bed.counts(), { a: 2, b: 2 });
  });
}

Deno.test("KinesisWorker that is busier than the others gives leases away, as it measures itself", async () => {
  await using bed = new SpreadBed(50_000);
  let percent = 20;
  bed.start("a", { cpuUtilization: () => Promise.resolve(percent) });
  bed.start("b", { cpuUtilization: () => Promise.resolve(20) });
  await bed.clock.advance(35_000);
  assertEquals(await bed.counts(), { a: 2, b: 2 });
  percent = 95;
  await bed.clock.advance(100_000);
  assertEquals(await bed.counts(), { a: 1, b: 3 });
});
