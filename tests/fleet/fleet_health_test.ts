/** What the health of whole workers says of their fleet: in memory, with a clock under the test's hand. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { StreamSummary } from "../../src/aws/kinesis.ts";
import { newClientVersion } from "../../src/lease/table_format.ts";
import { livenessOf } from "../../src/observe/liveness.ts";
import { Totals } from "../../src/observe/totals.ts";
import { healthOf } from "../../src/observe/verdict.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { rangeOf } from "../lease/fixtures.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { ScriptedKinesis, serviceError, shardWith } from "../support/scripted_kinesis.ts";

/** A stream of four shards. */
class FourShards extends ScriptedKinesis {
  isListingRefused = false;

  constructor() {
    super();
    this.shards = [0, 1, 2, 3].map((i) => shardWith(`s-${i}`, { hashKeyRange: rangeOf(i, i + 1, 4) }));
  }

  override describeStreamSummary({ streamName } = { streamName: "words" }): Promise<StreamSummary> {
    return Promise.resolve({
      streamName,
      streamArn: undefined,
      streamStatus: "ACTIVE",
      streamCreationEpochS: 2,
      openShardCount: 4,
    });
  }

  override listShards(): Promise<readonly Shard[]> {
    return this.isListingRefused ? Promise.reject(serviceError("AccessDeniedException")) : super.listShards();
  }
}

/** Workers of one fleet, each with its totals. */
class HealthBed extends MemoryBed implements AsyncDisposable {
  readonly kinesis = new FourShards();
  readonly begun = new Set<string>();
  readonly workers: Totals[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  start(workerIdentifier: string, more: Partial<WorkerOptions> = {}): void {
    const totals = new Totals(this.clock);
    this.workers.push(totals);
    const worker = new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      workerIdentifier,
      kinesis: this.kinesis,
      leaseStore: this.store,
      coordinatorStore: this.coordinator,
      system: this.system,
      initialPositionInStream: "TRIM_HORIZON",
      processor: (shardId) => ({
        initialize: () => void this.begun.add(shardId),
        processRecords: (_, context) => context.checkpoint(),
        shardEnded: (context) => context.checkpoint(),
      }),
      onEvent: totals.listener,
      ...more,
    });
    this.#running.push(worker.run(this.#stop.signal));
  }

  /** Which faults each worker's `/health` shows. */
  faults(): readonly (readonly string[])[] {
    return this.workers.map((totals) => healthOf(totals.snapshot()).faults.map(({ code }) => code));
  }

  /** Whether no worker needs to be restarted. */
  get areAllAlive(): boolean {
    return this.workers.every((totals) => livenessOf(totals.snapshot()).alive);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    let isOver = false;
    const all = Promise.allSettled(this.#running).finally(() => isOver = true);
    while (!isOver) await this.clock.advance(100);
    await all;
  }
}

for (const fleet of [["a"], ["a", "b", "c"]]) {
  Deno.test(`KinesisWorker is unhealthy at each look while ListShards is refused, and alive: ${fleet.length} workers`, async () => {
    await using bed = new HealthBed();
    bed.kinesis.isListingRefused = true;
    for (const id of fleet) bed.start(id);
    await bed.clock.advance(15_000);
    for (let look = 0; look < 60; look++) {
      await bed.clock.advance(1000);
      assert(
        bed.faults().some((faults) => faults.length > 0),
        `look ${look}: ${JSON.stringify(bed.faults())}`,
      );
      assert(bed.areAllAlive);
    }
    assert(bed.faults().flat().includes("shardsNotListed"));
    bed.kinesis.isListingRefused = false;
    await bed.clock.advance(90_000);
    assertEquals(bed.faults().flat(), []);
    assertEquals(bed.begun.size, 4);
  });
}

Deno.test("KinesisWorker reads all shards of a stream that was created anew with more, and says what stays odd", async () => {
  await using bed = new HealthBed();
  await bed.coordinator.createMigration("leaseTable", newClientVersion("before", 0));
  for (const i of [0, 1]) {
    await bed.store.create({
      leaseKey: `s-${i}`,
      shardId: `s-${i}`,
      streamIdentifier: undefined,
      checkpoint: positionAt("TRIM_HORIZON"),
      parentShardIds: [],
      hashKeyRange: rangeOf(i, i + 1, 2),
    });
  }
  bed.start("a");
  await bed.clock.advance(40_000);
  assertEquals([...bed.begun].toSorted(), ["s-0", "s-1", "s-2", "s-3"]);
  assertEquals(bed.faults(), [["leaseRangeDiffers"]]);
});

Deno.test("KinesisWorker is unhealthy as leader while rows of its table cannot be read, and not the others", async () => {
  await using bed = new HealthBed();
  await bed.coordinator.createMigration("leaseTable", newClientVersion("before", 0));
  for (let i = 0; i < 4; i++) {
    await bed.table.put({ leaseKey: { S: `s-${i}` }, leaseCounter: { S: "?" } }, {});
  }
  bed.start("a");
  bed.start("b");
  await bed.clock.advance(45_000);
  assertEquals(bed.begun.size, 0);
  const [leaders, others] = [true, false].map((isLeader) =>
    bed.workers.flatMap((totals, i) => totals.snapshot().worker.leader === isLeader ? [bed.faults()[i]] : [])
  );
  assertEquals([leaders, others], [[["hashKeysUncovered", "leaseUnreadable"]], [[]]]);
  assert(bed.areAllAlive);
  for (let i = 0; i < 4; i++) await bed.table.delete(`s-${i}`, {});
  await bed.clock.advance(30_000);
  assertEquals([bed.faults(), bed.begun.size], [[[], []], 4]);
});

Deno.test("KinesisWorker is unhealthy as leader while no worker may hold all leases", async () => {
  await using bed = new HealthBed();
  bed.start("a", { maxLeasesForWorker: 3 });
  await bed.clock.advance(15_000);
  assertEquals([bed.faults(), bed.begun.size], [[[]], 3]);
  await bed.clock.advance(15_000);
  assertEquals(bed.faults(), [["leaseUnowned"]]);
  bed.start("b");
  await bed.clock.advance(35_000);
  assertEquals([bed.faults(), bed.begun.size], [[[], []], 4]);
});

Deno.test("KinesisWorker forgets its faults as leader once another is seen to lead well, and not before", async () => {
  await using bed = new HealthBed();
  let isBlind = false;
  const blind = new MemoryLeaseStore(bed.table);
  const list = blind.list.bind(blind), listSmall = blind.listSmall.bind(blind);
  const refused = () => Promise.reject(new Error("no Scan"));
  blind.list = (signal) => isBlind ? refused() : list(signal);
  blind.listSmall = (signal) => isBlind ? refused() : listSmall(signal);
  bed.start("blind", { leaseStore: blind });
  await bed.clock.advance(5000);
  isBlind = true;
  await bed.clock.advance(20_000);
  assertEquals(bed.faults(), [["passFailing"]]);
  bed.start("able");
  await bed.clock.advance(10_000);
  assertEquals(bed.faults()[0], ["passFailing"], "the other has led for less than twice its lock's time");
  await bed.clock.advance(30_000);
  assertEquals([bed.faults(), bed.begun.size], [[[], []], 4]);
  isBlind = false;
});

Deno.test("KinesisWorker ends when one of its loops does, which a restart of the process mends", async () => {
  const bed = new MemoryBed();
  const totals = new Totals(bed.clock);
  const { clock } = bed;
  let isBroken = false;
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms, signal) =>
    isBroken && ms === 777 ? Promise.reject(new Error("the timer is broken")) : sleep(ms, signal);
  const worker = new KinesisWorker({
    applicationName: "app",
    streamName: "words",
    kinesis: new FourShards(),
    leaseStore: bed.store,
    coordinatorStore: bed.coordinator,
    system: bed.system,
    leaseCleanupIntervalMs: 777,
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    onEvent: totals.listener,
  });
  const running = worker.run();
  const rejected = assertRejects(() => running, Error, "the timer is broken");
  await clock.advance(60_000);
  assertEquals(livenessOf(totals.snapshot()), { alive: true, faults: [] });
  isBroken = true;
  await clock.advance(60_000);
  await rejected;
  const [fault] = livenessOf(totals.snapshot()).faults;
  assertEquals(fault?.code, "loopEnded");
  assertStringIncludes(fault?.text ?? "", "the timer is broken");
});
