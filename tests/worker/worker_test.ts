/** One worker in memory, from its start to its end. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { StreamSummary } from "../../src/aws/kinesis.ts";
import type { RecordProcessor } from "../../src/consumer/record_processor.ts";
import { newClientVersion } from "../../src/lease/table_format.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { aggregate } from "../support/kpl.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { eventWith, ScriptedConsumers } from "../support/scripted_consumers.ts";
import { output, ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";
import { kinesisRecord } from "../../src/stream/record.ts";

const streamArn = "arn:aws:kinesis:us-east-1:123456789012:stream/words";

class ActiveKinesis extends ScriptedKinesis {
  isHanging = false;

  override describeStreamSummary(_stream?: unknown, signal?: AbortSignal): Promise<StreamSummary> {
    if (this.isHanging) return hanging(signal);
    const summary = { streamName: "words", streamArn, streamCreationEpochS: 1, openShardCount: 1 };
    return Promise.resolve({ ...summary, streamStatus: "ACTIVE" });
  }
}

/** Never answers. */
function hanging(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) =>
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}

/** A worker on a stream of one shard; its processor checkpoints each batch unless the test gives another. */
class WorkerBed extends MemoryBed {
  readonly kinesis: ActiveKinesis = new ActiveKinesis();
  readonly consumers: ScriptedConsumers = new ScriptedConsumers(this.clock);
  readonly delivered: string[] = [];
  readonly stop: AbortController = new AbortController();

  constructor() {
    super();
    this.kinesis.shards = [shardWith("s-0")];
  }

  /** Makes the table one of a fleet that is under way: leases in it are no sign of KCL 2.x then. */
  async inFleet(): Promise<void> {
    await this.coordinator.createMigration("leaseTable", newClientVersion("other", 0));
  }

  worker(more: Partial<WorkerOptions> = {}): KinesisWorker {
    return new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      workerIdentifier: "me",
      initialPositionInStream: "TRIM_HORIZON",
      kinesis: this.kinesis,
      kinesisConsumers: this.consumers,
      leaseStore: this.store,
      coordinatorStore: this.coordinator,
      system: this.system,
      maxInitializationAttempts: 1,
      onEvent: this.emit,
      log: false,
      processor: () => this.processor(),
      ...more,
    });
  }

  processor(more: Partial<RecordProcessor> = {}): RecordProcessor {
    return {
      processRecords: async ({ records }, context) => {
        this.delivered.push(...records.map(({ sequenceNumber }) => sequenceNumber));
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
      ...more,
    };
  }

  run(more: Partial<WorkerOptions> = {}): Promise<void> {
    const running = this.worker(more).run(this.stop.signal);
    running.catch(() => {}); // until the test looks
    return running;
  }

  /** Stops the worker. @returns how long it took, in ms. */
  async stopped(running: Promise<void>): Promise<number> {
    const startedMs = this.clock.monotonicMs();
    this.stop.abort();
    await this.settled(running);
    return this.clock.monotonicMs() - startedMs;
  }

  /** Lets time pass until the promise settles. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    promise.then(() => isOver = true, () => isOver = true);
    for (let i = 0; i < 1200 && !isOver; i++) await this.clock.advance(50);
    assert(isOver, "nothing happens any more");
    return await promise;
  }

  /** Lets time pass until something is so. @returns how long it took, in ms. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<number> {
    const startedMs = this.clock.monotonicMs();
    for (let i = 0; i < 1200 && !await isSo(); i++) await this.clock.advance(50);
    assert(await isSo(), "it never comes");
    return this.clock.monotonicMs() - startedMs;
  }
}

const child = (shardId: string) => ({
  shardId,
  parentShards: ["s-0"],
  hashKeyRange: shardWith(shardId).hashKeyRange,
});

Deno.test("KinesisWorker delivers, checkpoints, and leaves a free lease behind when it is stopped", async () => {
  const bed = new WorkerBed();
  bed.kinesis.script.push(output([1, 2]));
  const running = bed.run();
  await bed.until(() => bed.delivered.length === 2);
  assert(await bed.stopped(running) < 1000);
  const { checkpoint, leaseOwner } = await bed.read("s-0");
  assertEquals([checkpoint, leaseOwner], [positionAt("2"), undefined]);
  assertEquals((await bed.store.list()).workers, [], "its metrics item is gone");
  assertEquals(await bed.coordinator.readLock("leaseTable"), undefined, "so is its lock");
  assertEquals(eventsOf(bed.events, "workerStopped").map(({ error }) => error), [undefined]);
});

Deno.test("KinesisWorker runs once", async () => {
  const bed = new WorkerBed();
  const worker = bed.worker();
  const running = worker.run(bed.stop.signal);
  await assertRejects(() => worker.run(bed.stop.signal), TypeError, "it has run before");
  await bed.stopped(running);
});

Deno.test("KinesisWorker that is stopped while it starts resolves, and reports no failure", async () => {
  const bed = new WorkerBed();
  bed.kinesis.isHanging = true;
  const running = bed.run();
  await bed.clock.advance(100);
  await bed.stopped(running);
  assertEquals(eventsOf(bed.events, "workerStopped").map(({ error }) => error), [undefined]);
});

Deno.test("KinesisWorker goes on when a listener throws", async () => {
  const bed = new WorkerBed();
  bed.kinesis.script.push(output([1]));
  const running = bed.run({
    onEvent: () => {
      throw new Error("a listener's own business");
    },
  });
  await bed.until(() => bed.delivered.length === 1);
  await bed.stopped(running);
});

Deno.test("KinesisWorker finds a lease at once that it assigned to itself, however rarely it looks", async () => {
  const bed = new WorkerBed();
  const running = bed.run({ leaseDiscoveryIntervalMs: 300_000 });
  assert(await bed.until(() => eventsOf(bed.events, "leaseGained").length === 1) < 5000);
  await bed.stopped(running);
});

Deno.test("KinesisWorker goes on with the children as soon as their parent is done, however long its intervals", async () => {
  const bed = new WorkerBed();
  bed.kinesis.script.push(output([1], null, { childShards: [child("s-1"), child("s-2")] }));
  const running = bed.run({
    leaseAssignmentIntervalMs: 300_000,
    leaseDiscoveryIntervalMs: 300_000,
    parentShardPollIntervalMs: 300_000,
  });
  const tookMs = await bed.until(() =>
    eventsOf(bed.events, "phaseChanged").filter(({ shardId, phase }) =>
      shardId !== "s-0" && phase === "processing"
    ).length === 2
  );
  assert(tookMs < 10_000, `${tookMs} ms`);
  await bed.stopped(running);
});

Deno.test("KinesisWorker starts a child that waits for its parent as soon as the parent is done", async () => {
  const bed = new WorkerBed();
  const gate = Promise.withResolvers<void>();
  await bed.inFleet();
  await bed.lease("s-0", "me");
  await bed.lease("s-1", "me", { parentShardIds: ["s-0"] });
  bed.kinesis.shards = [
    shardWith("s-0", { endingSequenceNumber: "9" }),
    shardWith("s-1", { parentShardId: "s-0" }),
  ];
  const { getRecords } = bed.kinesis;
  bed.kinesis.getRecords = async (...call) => {
    const [, iterator] = call;
    if (!iterator.startsWith("s-0")) return await getRecords.apply(bed.kinesis, call);
    await gate.promise;
    return output([1], null, { childShards: [child("s-1")] });
  };
  const running = bed.run({ parentShardPollIntervalMs: 300_000 });
  await bed.until(() => eventsOf(bed.events, "shardBlocked").length === 1);
  await bed.clock.advance(5000);
  gate.resolve();
  const tookMs = await bed.until(() =>
    eventsOf(bed.events, "phaseChanged").some(({ shardId, phase }) =>
      shardId === "s-1" && phase === "processing"
    )
  );
  assert(tookMs < 2000, `${tookMs} ms`);
  await bed.stopped(running);
});

Deno.test("KinesisWorker deletes the leases of finished shards, unless cleanupLeasesUponShardCompletion is off", async () => {
  for (const cleanupLeasesUponShardCompletion of [true, false]) {
    const bed = new WorkerBed();
    bed.kinesis.script.push(output([1], null, { childShards: [child("s-1"), child("s-2")] }));
    bed.kinesis.getRecords = ((before) => async (...call: Parameters<typeof before>) => {
      const [, iterator] = call;
      if (iterator.startsWith("s-0")) return await before.apply(bed.kinesis, call);
      return output(bed.delivered.length < 3 ? [Number(iterator.slice(2, 3)) + 10] : []);
    })(bed.kinesis.getRecords);
    bed.kinesis.shards = [
      shardWith("s-0", { endingSequenceNumber: "9" }),
      shardWith("s-1", { parentShardId: "s-0" }),
      shardWith("s-2", { parentShardId: "s-0" }),
    ];
    await bed.inFleet();
    await bed.lease("s-0", "me");
    const running = bed.run({ cleanupLeasesUponShardCompletion, leaseCleanupIntervalMs: 1000 });
    await bed.until(() => bed.delivered.length >= 3);
    await bed.clock.advance(5000);
    assertEquals(await bed.store.get("s-0") === undefined, cleanupLeasesUponShardCompletion);
    if (!cleanupLeasesUponShardCompletion) assertEquals((await bed.read("s-0")).checkpoint, SHARD_END);
    await bed.stopped(running);
  }
});

Deno.test("KinesisWorker that stops waits for its processors, and for so long and no longer", async () => {
  for (const [lastsMs, tookMs] of [[2000, 2000], [60_000, 5000]] as const) {
    const bed = new WorkerBed();
    bed.kinesis.script.push(output([1]));
    const running = bed.run({
      shutdownGraceMs: 5000,
      processor: () => bed.processor({ shutdownRequested: () => bed.clock.sleep(lastsMs) }),
    });
    await bed.until(() => bed.delivered.length === 1);
    const ms = await bed.stopped(running);
    assert(ms >= tookMs && ms < tookMs + 500, `${ms} ms`);
    assertEquals((await bed.read("s-0")).leaseOwner, undefined);
  }
});

Deno.test("KinesisWorker that stops hands its leases to those who live, and passes on what it was given meanwhile", async () => {
  const bed = new WorkerBed();
  await bed.coordinator.writeWorkerMetrics("leaseTable", {
    workerId: "other",
    lastUpdateEpochS: bed.clock.epochMs() / 1000,
    stats: {},
    operatingRange: {},
    supportCode: 1,
    supportEpochS: undefined,
  });
  await bed.inFleet();
  await bed.lease("s-0", "me");
  const running = bed.run({
    leaseAssignmentStrategy: "LEASE_COUNT_BASED",
    processor: () => bed.processor({ shutdownRequested: async () => void await bed.lease("late", "me") }),
  });
  await bed.until(() => eventsOf(bed.events, "leaseGained").length === 1);
  await bed.stopped(running);
  assertEquals((await bed.read("s-0")).leaseOwner, "other");
  assertEquals(
    (await bed.read("late")).leaseOwner,
    undefined,
    "nobody was chosen for it, so that it is free at once",
  );
});

Deno.test("KinesisWorker that stops is held up by a table that hangs for some seconds only", async () => {
  const bed = new WorkerBed();
  const running = bed.run();
  await bed.until(() => eventsOf(bed.events, "leaseGained").length === 1);
  bed.coordinator.deleteWorkerMetrics = (_place, _worker, signal) => hanging(signal);
  bed.coordinator.releaseLock = (_place, _lock, signal) => hanging(signal);
  assert(await bed.stopped(running) < 6000);
  assertEquals(eventsOf(bed.events, "passFailed").map(({ pass }) => pass), ["leave", "leave"]);
});

Deno.test("KinesisWorker deregisters its fan-out consumer when it stops, where options say so", async () => {
  const bed = new WorkerBed();
  bed.consumers.script.push([eventWith([1]), "silence"]);
  const running = bed.run({ retrievalMode: "FANOUT", deregisterConsumerOnStop: true });
  await bed.until(() => bed.delivered.length === 1);
  await bed.stopped(running);
  assertEquals(bed.consumers.calls.at(-1), "deregister arn:app");
});

Deno.test("KinesisWorker follows a list of streams that changes", async () => {
  const bed = new WorkerBed();
  const A = "123456789012:a:1", B = "123456789012:b:2";
  let streams = [A];
  const running = bed.run({
    streamName: undefined,
    region: "us-east-1",
    streams: () => streams,
    newStreamCheckIntervalMs: 1000,
  });
  await bed.until(() => eventsOf(bed.events, "leaseGained").length === 1);
  streams = [A, B];
  assert(await bed.until(() => eventsOf(bed.events, "leaseGained").length === 2) < 5000);
  await bed.stopped(running);
});

Deno.test("KinesisWorker reports an aggregate that was cut short as an error, and what only looks like one as information", async () => {
  const bed = new WorkerBed();
  const good = { partitionKey: "a", data: new Uint8Array(1) };
  const cut = aggregate([good, { ...good, explicitHashKey: "no number" }]);
  const broken = aggregate([good]);
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
  const page = output([1, 2]);
  const records = page.records.map((record, i) => kinesisRecord({ ...record, data: i === 0 ? cut : broken }));
  bed.kinesis.script.push({ ...page, records });
  const running = bed.run();
  await bed.until(() => bed.delivered.length > 0);
  assertEquals(
    eventsOf(bed.events, "aggregateProblem").map(({ leaseKey, outcome, lost }) => [leaseKey, outcome, lost]),
    [["s-0", "cutShort", 1], ["s-0", "deliveredRaw", 0]],
  );
  await bed.stopped(running);
});

Deno.test("KinesisWorker has no more than maxLeaseRenewals leases under way at once", async () => {
  const bed = new WorkerBed();
  await bed.inFleet();
  for (let i = 0; i < 8; i++) await bed.lease(`s-${i}`, "me");
  const { apply } = bed.store;
  let underWay = 0, most = 0;
  bed.store.apply = async (...call) => {
    if (call[0].operation === "renew") {
      most = Math.max(most, ++underWay);
      await bed.clock.sleep(10);
      underWay--;
    }
    return await apply.apply(bed.store, call);
  };
  const running = bed.run({ maxLeaseRenewals: 3 });
  await bed.until(() => eventsOf(bed.events, "leaseGained").length === 8);
  bed.store.apply = apply;
  assertEquals(most, 3);
  await bed.stopped(running);
});
