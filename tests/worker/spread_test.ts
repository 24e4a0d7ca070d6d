/** How fast leases are spread when workers join one after the other: whole workers, in memory. */

import { assertEquals } from "@std/assert";
import type { StreamSummary } from "../../src/aws/kinesis.ts";
import type { GetRecordsOutput } from "../../src/aws/kinesis_wire.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { assign, renew } from "../../src/lease/lease_write.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
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
      log: false,
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

/** Another program on the same table: it renews the leases that it took, and reports nothing. */
class StrangeProgram {
  readonly #bed: SpreadBed;
  /** Counters that it wrote itself, by lease: it looks at nothing else. */
  readonly #held = new Map<string, Lease>();

  constructor(bed: SpreadBed) {
    this.#bed = bed;
  }

  /** Makes the leases of a fleet of KCL 3 and takes them. */
  async take(): Promise<void> {
    await this.#bed.coordinator.createMigration("leaseTable", {
      key: "Migration3.0",
      value: "CLIENT_VERSION_3X",
      modifiedBy: "stranger",
      modifiedEpochMs: this.#bed.clock.epochMs(),
      history: [],
    });
    const quarter = 2n ** 126n;
    for (const n of [0n, 1n, 2n, 3n]) {
      const hashKeyRange = {
        startingHashKey: `${n * quarter}`,
        endingHashKey: `${(n + 1n) * quarter - 1n}`,
      };
      const lease = await this.#bed.lease(`shard-${n}`, "stranger", { hashKeyRange });
      this.#held.set(lease.leaseKey, { ...lease, throughputKBps: 100 });
    }
  }

  /** One round of renewals, on the condition of the counter alone, as in KCL 1 and 2. */
  async renew(): Promise<void> {
    for (const [leaseKey, lease] of this.#held) {
      const write = renew(lease, lease.throughputKBps);
      const outcome = await this.#bed.store.apply({ ...write, when: { leaseCounter: lease.leaseCounter } });
      if (outcome.applied) this.#held.set(leaseKey, outcome.lease);
      else this.#held.delete(leaseKey);
    }
  }
}

for (const strategy of ["LEASE_COUNT_BASED", "WORKER_UTILIZATION_AWARE"] as const) {
  Deno.test(`KinesisWorker has its part beside a program that reports nothing: ${strategy}`, async () => {
    await using bed = new SpreadBed(50_000);
    const stranger = new StrangeProgram(bed);
    await stranger.take();
    bed.start("a", { leaseAssignmentStrategy: strategy });
    const passed = async (seconds: number) => {
      for (let s = 0; s < seconds; s += 3) {
        await bed.clock.advance(3000);
        await stranger.renew();
      }
      return await bed.counts();
    };
    assertEquals(
      await passed(69),
      { a: 2, stranger: 2 },
      "a handoff that nobody answers is overdue after 40 s",
    );
    assertEquals(await passed(90), { a: 2, stranger: 2 });
    bed.start("b", { leaseAssignmentStrategy: strategy });
    assertEquals((await passed(69)).b, 1);
  });
}

/** A worker that has been alone for a minute, and how often it has looked since. */
async function lone(more: Partial<WorkerOptions> = {}) {
  const bed = new SpreadBed(0);
  const { list, listSmall, leaseKeysOwnedBy } = bed.store;
  const asked = { scans: 0, queries: 0 };
  bed.store.listSmall = (...call) => {
    asked.scans++;
    return listSmall.apply(bed.store, call);
  };
  bed.store.list = (...call) => {
    asked.scans++;
    return list.apply(bed.store, call);
  };
  bed.store.leaseKeysOwnedBy = (...call) => {
    asked.queries++;
    return leaseKeysOwnedBy.apply(bed.store, call);
  };
  const quick = { leaseDiscoveryIntervalMs: 1000 };
  bed.start("a", { ...quick, ...more });
  await bed.clock.advance(61_000);
  asked.scans = asked.queries = 0;
  return { bed, asked, join: () => bed.start("b", { ...quick, ...more }) };
}

Deno.test("KinesisWorker that is alone looks at the table every failover time, and asks the index once a minute", async () => {
  const { bed, asked } = await lone();
  await using _ = bed;
  await bed.clock.advance(120_000);
  assertEquals([asked.scans <= 13, asked.queries <= 3], [true, true], JSON.stringify(asked));
  assertEquals(asked.scans >= 10, true, "and it goes on looking");
});

Deno.test("KinesisWorker that is alone looks often where its store has no rings", async () => {
  const { bed, asked } = await lone();
  await using _ = bed;
  Object.assign(bed.coordinator, { ringLock: undefined });
  await bed.clock.advance(60_000);
  assertEquals(asked.scans >= 23, true, JSON.stringify(asked));
});

Deno.test("KinesisWorker that joins one that is alone rings, and has its part within three seconds", async () => {
  for (let phase = 0; phase < 10; phase += 3) {
    const { bed, join } = await lone();
    await using _ = bed;
    await bed.clock.advance(1000 * phase);
    join();
    await bed.clock.advance(3100);
    assertEquals(await bed.counts(), { a: 2, b: 2 }, `after ${phase} s`);
  }
});

Deno.test("KinesisWorker whose ring is lost has its part when the other looks by itself", async () => {
  const { bed, join } = await lone();
  await using _ = bed;
  bed.coordinator.ringLock = () => Promise.resolve(true);
  join();
  await bed.clock.advance(14_000);
  assertEquals(await bed.counts(), { a: 2, b: 2 });
});

Deno.test("KinesisWorker that is alone finds a worker that reports and does not ring, such as one of Java", async () => {
  const { bed } = await lone();
  await using _ = bed;
  await bed.coordinator.writeWorkerMetrics("leaseTable", {
    workerId: "java",
    lastUpdateEpochS: Math.floor(bed.clock.epochMs() / 1000),
    stats: {},
    operatingRange: {},
    supportCode: 1,
    supportEpochS: undefined,
  });
  await bed.clock.advance(11_000);
  const asked = (await bed.store.list()).leases.filter(({ leaseOwner }) => leaseOwner === "java");
  assertEquals(asked.length, 2);
});

Deno.test("KinesisWorker that is rung by one that dies at once keeps its leases, and rests again", async () => {
  const { bed, asked } = await lone();
  await using _ = bed;
  assertEquals(await bed.coordinator.ringLock("leaseTable", "a", { ring: "once" }), true);
  await bed.clock.advance(2100);
  assertEquals(asked.scans > 0, true, "it has looked");
  await bed.clock.advance(28_000);
  asked.scans = 0;
  await bed.clock.advance(60_000);
  assertEquals([await bed.counts(), asked.scans <= 7], [{ a: 4 }, true], JSON.stringify(asked));
});

/** Two workers that have shared four shards for a while, and what they have asked for since. */
async function pair() {
  const bed = new SpreadBed(0);
  const asked = { looks: 0, scans: 0, queries: 0, locks: 0 };
  const { store, coordinator } = bed;
  const { list, listSmall, leaseKeysOwnedBy } = store;
  const { readLock, watchLock } = coordinator;
  Object.assign(store, {
    list: (signal?: AbortSignal) => (asked.scans++, list.call(store, signal)),
    listSmall: (signal?: AbortSignal) => (asked.looks++, listSmall.call(store, signal)),
    leaseKeysOwnedBy: (id: string, signal?: AbortSignal) => (
      asked.queries++, leaseKeysOwnedBy.call(store, id, signal)
    ),
  });
  Object.assign(coordinator, {
    readLock: (place: "leaseTable", signal?: AbortSignal) => (
      asked.locks++, readLock.call(coordinator, place, signal)
    ),
    watchLock: (place: "leaseTable", signal?: AbortSignal) => (
      asked.locks++, watchLock.call(coordinator, place, signal)
    ),
  });
  const start = (id: string) => bed.start(id, { leaseDiscoveryIntervalMs: 1000 });
  start("a");
  await bed.clock.advance(3000);
  start("b");
  await bed.clock.advance(30_000);
  assertEquals(await bed.counts(), { a: 2, b: 2 });
  Object.assign(asked, { looks: 0, scans: 0, queries: 0, locks: 0 });
  return { bed, asked, start };
}

Deno.test("KinesisWorker with a small table makes one look for all every 1.3 s, and asks for nothing else", async () => {
  const { bed, asked } = await pair();
  await using _ = bed;
  await bed.clock.advance(130_000);
  assertEquals(asked, { looks: 200, scans: 0, queries: 0, locks: 0 });
});

Deno.test("KinesisWorker with a small table gives one that joins its part within four seconds", async () => {
  for (let phase = 0; phase < 1300; phase += 400) {
    const { bed, start } = await pair();
    await using _ = bed;
    await bed.clock.advance(phase);
    start("c");
    await bed.clock.advance(4000);
    const { c } = await bed.counts();
    assertEquals(c, 1, `after ${phase} ms`);
  }
});

Deno.test("KinesisWorker with a small table takes over from one that stops within 1.3 s", async () => {
  for (const leaver of ["a", "b"]) {
    const { bed } = await pair();
    await using _ = bed;
    const before = await bed.counts();
    const held = (await bed.store.list()).leases.filter(({ leaseOwner }) => leaseOwner === leaver);
    const stayer = leaver === "a" ? "b" : "a";
    for (const lease of held) await bed.store.apply(assign(lease, stayer));
    const gained = () =>
      bed.clock.advance(1400).then(() => Promise.all(held.map(({ leaseKey }) => bed.read(leaseKey))));
    const counters = (await Promise.all(held.map(({ leaseKey }) => bed.read(leaseKey)))).map((l) =>
      l.leaseCounter
    );
    const after = (await gained()).map((lease) => lease.leaseCounter);
    assertEquals([before[leaver], after.every((counter, i) => counter > (counters[i] ?? 0))], [2, true]);
  }
});

Deno.test("KinesisWorker asks the index and the lock again as soon as its table is no small one any more", async () => {
  const { bed, asked, start } = await pair();
  await using _ = bed;
  bed.store.listSmall = () => Promise.resolve(undefined);
  await bed.clock.advance(3000);
  Object.assign(asked, { looks: 0, scans: 0, queries: 0, locks: 0 });
  await bed.clock.advance(60_000);
  assertEquals([asked.queries, asked.scans >= 23, asked.locks >= 55, asked.looks], [120, true, true, 0]);
  start("c");
  await bed.clock.advance(6000);
  assertEquals((await bed.counts()).c, 1);
});
