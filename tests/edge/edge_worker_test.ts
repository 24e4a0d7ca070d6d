import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { RecordProcessor } from "../../src/consumer/record_processor.ts";
import { type EdgeWorker, enhancedFanOut } from "../../src/edge/mod.ts";
import { deadLetter, functionSink, policyDeliveries } from "../../src/failures/mod.ts";
import type { EdgeOptions, SliceOptions, SliceResult } from "../../src/edge/slice_options.ts";
import { evict, startHandoff } from "../../src/lease/lease_write.ts";
import { isShardEnd } from "../../src/stream/sequence_number.ts";
import { aroundCalls } from "../../src/edge/requests.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { idOf, MemoryEdgeBed } from "./memory_edge_bed.ts";

const limits: SliceOptions = { budgetMs: 20_000, reserveMs: 2000 };

/** Runs one slice of an instance that knows nothing. */
function slice(bed: MemoryEdgeBed, worker: EdgeWorker = bed.worker(), more: Partial<SliceOptions> = {}) {
  return bed.drive(worker.runSlice({ ...limits, ...more }));
}

function never(): Promise<void> {
  return new Promise(() => {});
}

Deno.test("EdgeWorker.runSlice() reads each shard to its tip, checkpoints, and keeps the leases", async () => {
  const bed = new MemoryEdgeBed(2);
  ["a", "b", "c"].forEach((text, index) => bed.put(text, index % 2));
  const result = await slice(bed);
  assertEquals(bed.texts.toSorted(), ["a", "b", "c"]);
  assertEquals(result.outcome, "caughtUp");
  assertEquals(result.failures, []);
  assertEquals(result.shards.map(({ shardId, records, state }) => [shardId, records, state]), [
    [idOf(0), 2, "caughtUp"],
    [idOf(1), 1, "caughtUp"],
  ]);
  assertEquals(result.shards.map(({ checkpoint }) => checkpoint), ["103", "102"]);
  for (const index of [0, 1]) assertEquals((await bed.read(idOf(index))).leaseOwner, "edge-1");
});

Deno.test("EdgeWorker.runSlice() goes on where the slice before ended, in the same instance or another", async () => {
  const bed = new MemoryEdgeBed();
  const worker = bed.worker();
  for (const [instance, text] of [[worker, "a"], [worker, "b"], [bed.worker(), "c"]] as const) {
    bed.put(text);
    assertEquals((await slice(bed, instance)).outcome, "caughtUp");
    await bed.clock.advance(1000);
  }
  assertEquals(bed.texts, ["a", "b", "c"]);
});

Deno.test("EdgeWorker.runSlice() keeps iterators in memory for less than four minutes", async () => {
  const bed = new MemoryEdgeBed();
  const worker = bed.worker({ failoverTimeMs: 3_600_000 });
  const iteratorsAfter = async (ms: number) => {
    await bed.clock.advance(ms);
    bed.calls.length = 0;
    bed.put("x");
    await slice(bed, worker);
    return bed.calls.filter((call) => call.startsWith("GetShardIterator")).length;
  };
  assertEquals(await iteratorsAfter(0), 1);
  assertEquals(await iteratorsAfter(239_000), 0);
  assertEquals(await iteratorsAfter(241_000), 1);
  assertEquals(bed.texts.length, 3);
});

Deno.test("EdgeWorker.runSlice() uses no kept iterator where the checkpoint is elsewhere", async () => {
  const bed = new MemoryEdgeBed();
  const worker = bed.worker({
    processor: () =>
      bed.processor({ processRecords: ({ records }) => void bed.texts.push(`${records.length}`) }),
  });
  bed.put("a");
  await slice(bed, worker);
  await slice(bed, worker);
  assertEquals(bed.texts, ["1", "1"], "not checkpointed: delivered again");
});

Deno.test("EdgeWorker.runSlice() is busy within one request while another slice of its name runs", async () => {
  const bed = new MemoryEdgeBed();
  bed.put("a");
  let go = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  const first = bed.worker({
    processor: () => bed.processor({ processRecords: () => gate }),
  }).runSlice(limits);
  await bed.drive(bed.clock.sleep(1000));
  const second = await slice(bed);
  assertEquals([second.outcome, second.requests, second.shards], ["busy", 1, []]);
  assertGreater(second.nextInMs, 0);
  go();
  assertEquals((await bed.drive(first)).outcome, "caughtUp");
});

Deno.test("EdgeWorker.runSlice() of an instance that runs one already is busy without a request", async () => {
  const bed = new MemoryEdgeBed();
  const worker = bed.worker();
  const [first, second] = await bed.drive(Promise.all([worker.runSlice(limits), worker.runSlice(limits)]));
  assertEquals([first?.outcome, second?.outcome, second?.requests], ["caughtUp", "busy", 0]);
});

Deno.test("EdgeWorker.runSlice() leaves the lock of a slice that hangs alone while its time lasts", async () => {
  const bed = new MemoryEdgeBed();
  const dead = bed.worker({ processor: () => bed.processor({ initialize: never }) });
  bed.put("a");
  dead.runSlice(limits);
  await bed.drive(bed.clock.sleep(500)); // and its process is never heard of again: its clock is this test's
  const text = [...bed.table.items()].find((item) => "kcliteSlice" in item);
  assert(text !== undefined);
  await bed.drive(bed.clock.sleep(15_000));
  assertEquals((await slice(bed)).outcome, "busy");
});

Deno.test("EdgeWorker.runSlice() is over a reserve before its budget though its processor never returns", async () => {
  for (const callback of ["initialize", "processRecords", "shutdownRequested"] as const) {
    const bed = new MemoryEdgeBed();
    bed.put("a");
    const startMs = bed.clock.monotonicMs();
    const hung: Partial<RecordProcessor> = { [callback]: never };
    const result = await slice(bed, bed.worker({ processor: () => bed.processor(hung) }));
    assert(bed.clock.monotonicMs() - startMs <= 18_000, callback);
    assertEquals(result.shards.map(({ state }) => state), ["hung"], callback);
    // Nothing more of it reaches the table, the lease is ours, and the next slice begins it anew.
    assertEquals((await bed.read(idOf(0))).leaseOwner, "edge-1");
    bed.texts.length = 0;
    const next = await slice(bed);
    assertEquals(next.outcome, "caughtUp", callback);
    assertEquals(bed.texts, callback === "shutdownRequested" ? [] : ["a"], callback);
  }
});

Deno.test("EdgeWorker.runSlice() refuses what a hung processor still wants to store", async () => {
  const bed = new MemoryEdgeBed();
  bed.put("a");
  let go = () => {}, stored: Promise<void> | undefined;
  const gate = new Promise<void>((resolve) => go = resolve);
  await slice(
    bed,
    bed.worker({
      processor: () =>
        bed.processor({
          async processRecords(_, context) {
            await gate;
            stored = context.checkpoint();
            await stored;
          },
        }),
    }),
  );
  go();
  await bed.clock.advance(0);
  assert(stored !== undefined);
  await assertRejects(() => stored as Promise<void>, Error, "given up");
  assertEquals((await bed.read(idOf(0))).checkpoint.sequenceNumber, "TRIM_HORIZON");
});

Deno.test("EdgeWorker.runSlice() aborts context.signal when its time is nearly over, and a batch may finish", async () => {
  const bed = new MemoryEdgeBed();
  bed.put("a");
  const result = await slice(
    bed,
    bed.worker({
      processor: () =>
        bed.processor({
          async processRecords(_, context) {
            if (!context.signal.aborted) {
              await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
            }
            await context.checkpoint();
          },
        }),
    }),
  );
  assertEquals([result.outcome, result.shards[0]?.state], ["budget", "behind"]);
  assertEquals((await bed.read(idOf(0))).checkpoint.sequenceNumber, "101");
});

Deno.test("EdgeWorker.runSlice() stops in order when its signal aborts", async () => {
  const bed = new MemoryEdgeBed();
  for (let i = 0; i < 5; i++) bed.put(`${i}`);
  const stop = new AbortController();
  const asked: string[] = [];
  const worker = bed.worker({
    maxRecords: 1,
    processor: () =>
      bed.processor({
        async processRecords(_, context) {
          stop.abort();
          await context.checkpoint();
        },
        shutdownRequested: () => void asked.push("shutdownRequested"),
      }),
  });
  const result = await slice(bed, worker, { signal: stop.signal });
  assertEquals([result.outcome, asked], ["stopped", ["shutdownRequested"]]);
  assertEquals((await slice(bed, worker, { signal: AbortSignal.abort() })).outcome, "stopped");
});

Deno.test("EdgeWorker.runSlice() fetches no more after maxRecords or maxBytes, and processes what it has", async () => {
  for (const limit of [{ maxRecords: 4 }, { maxBytes: 4 }]) {
    const bed = new MemoryEdgeBed();
    for (let i = 0; i < 10; i++) bed.put(`${i}`);
    const result = await slice(bed, bed.worker({ maxRecords: 3 }), limit);
    assertEquals([result.outcome, result.nextInMs], ["records", 0]);
    assertEquals(bed.texts, ["0", "1", "2", "3", "4", "5"]);
    assertEquals(result.shards[0]?.checkpoint, "106");
  }
});

Deno.test("EdgeWorker.runSlice() sends no more than maxSubrequests, stores what it processed, and goes on later", async () => {
  const bed = new MemoryEdgeBed(2);
  for (let i = 0; i < 60; i++) bed.put(`${i}`, i % 2);
  let slices = 0;
  for (let outcome = ""; outcome !== "caughtUp"; slices++) {
    const result = await slice(bed, bed.worker({ maxRecords: 1 }), { maxSubrequests: 30, budgetMs: 30_000 });
    outcome = result.outcome;
    assert(result.requests <= 30, `${result.requests}`);
    assert(["requests", "caughtUp"].includes(outcome), outcome);
    assert(slices < 40);
  }
  assertGreater(slices, 3);
  assertEquals(bed.texts.length, 60, "each record once");
});

Deno.test("EdgeWorker.runSlice() gives each shard one fetch before any gets its second", async () => {
  const bed = new MemoryEdgeBed(5);
  for (let i = 0; i < 50; i++) bed.put(`${i}`, i % 5);
  await slice(bed, bed.worker({ maxRecords: 2 }));
  const reads = bed.calls.filter((call) => call.startsWith("GetRecords"));
  assertEquals(new Set(reads.slice(0, 5)).size, 5);
});

Deno.test("EdgeWorker.runSlice() with more leases than maxShards reads all of them in turn", async () => {
  for (const leases of ["hold", "relay", "solo"] as const) {
    const bed = new MemoryEdgeBed(5);
    for (let i = 0; i < 5; i++) bed.put(`${i}`, i);
    for (let i = 0; i < 4; i++) await slice(bed, bed.worker({ leases }), { maxShards: 2 });
    assertEquals(bed.texts.toSorted(), ["0", "1", "2", "3", "4"], leases);
  }
});

Deno.test("EdgeWorker.runSlice() with relay releases leases and lock, and is given nothing in between", async () => {
  const bed = new MemoryEdgeBed(2);
  for (let round = 0; round < 3; round++) {
    bed.put(`${round}`);
    const result = await slice(bed, bed.worker({ leases: "relay", failoverTimeMs: 10_000 }));
    assertEquals([result.outcome, result.shards.length], ["caughtUp", 2]);
    for (const index of [0, 1]) assertEquals((await bed.read(idOf(index))).leaseOwner, undefined);
    assertEquals(await bed.coordinator.readLock("leaseTable"), undefined);
    const { workers } = await bed.store.list();
    assert(workers.every(({ lastUpdateEpochS = 0 }) => bed.clock.epochMs() / 1000 - lastUpdateEpochS > 60));
    await bed.clock.advance(60_000);
  }
  assertEquals(bed.texts, ["0", "1", "2"]);
});

Deno.test("EdgeWorker.runSlice() with relay takes nothing by itself under another leader, and reads what it is given", async () => {
  const bed = new MemoryEdgeBed(2);
  await slice(bed, bed.worker({ leases: "relay" }));
  const lock = {
    ownerName: "java",
    leaseDurationMs: 120_000,
    recordVersionNumber: "v1",
    isReleased: false,
  };
  assert(await bed.coordinator.putLock("leaseTable", lock, { type: "absent" }));
  bed.put("a", 0);
  bed.put("b", 1);
  assertEquals((await slice(bed, bed.worker({ leases: "relay" }))).shards, []);
  assertEquals(bed.texts, []);
  await bed.lease(idOf(0), "edge-1");
  await slice(bed, bed.worker({ leases: "relay" }));
  assertEquals(bed.texts, ["a"]);
});

Deno.test("EdgeWorker.runSlice() with hold refuses to work under a leader with another failover time", async () => {
  const bed = new MemoryEdgeBed();
  await slice(bed);
  const lock = { ownerName: "other", leaseDurationMs: 10_000, recordVersionNumber: "v1", isReleased: false };
  await bed.coordinator.putLock("leaseTable", lock, { type: "absent" });
  await bed.clock.advance(30_000);
  const { outcome, failures, nextInMs } = await slice(bed);
  assertEquals(outcome, "stopped");
  assertGreater(nextInMs, 0);
  assertStringIncludes(failures[0]?.text ?? "", "failoverTimeMs 60000 in the whole fleet: got 10000");
});

Deno.test("EdgeWorker.runSlice() with hold refuses to work beside a worker that leaves no incarnation, as Java", async () => {
  const bed = new MemoryEdgeBed();
  await slice(bed);
  const epochS = Math.floor(bed.clock.epochMs() / 1000) + 30;
  const java = { workerId: "java-1", lastUpdateEpochS: epochS, stats: {}, operatingRange: {} };
  await bed.coordinator.writeWorkerMetrics("leaseTable", {
    ...java,
    supportCode: undefined,
    supportEpochS: undefined,
  });
  await bed.clock.advance(30_000);
  const { outcome, failures } = await slice(bed);
  assertEquals(outcome, "stopped");
  assertStringIncludes(failures[0]?.text ?? "", 'got "java-1", a worker of Java');
  assertEquals((await slice(bed, bed.worker({ leases: "relay" }))).outcome, "caughtUp");
});

Deno.test("EdgeWorker.runSlice() with solo renews nothing, and one fence guards the whole application", async () => {
  const bed = new MemoryEdgeBed(2);
  bed.put("a");
  assertEquals((await slice(bed, bed.worker({ leases: "solo" }))).outcome, "caughtUp");
  const before = (await bed.read(idOf(0))).leaseCounter;
  const quiet = await slice(bed, bed.worker({ leases: "solo", workerIdentifier: "edge-2" }));
  assertEquals((await bed.read(idOf(0))).leaseCounter, before, "no write to its lease");
  assertEquals(quiet.shards.map(({ state }) => state), ["caughtUp", "caughtUp"]);
  bed.put("b");
  const running = bed.worker({ leases: "solo", processor: () => bed.processor({ processRecords: never }) })
    .runSlice(limits);
  await bed.drive(bed.clock.sleep(1000));
  const other = await slice(bed, bed.worker({ leases: "solo", workerIdentifier: "edge-2" }));
  assertEquals([other.outcome, other.requests], ["busy", 1]);
  await bed.drive(running);
  await slice(bed, bed.worker({ leases: "solo" }));
  assertEquals(bed.texts, ["a", "b"]);
});

Deno.test("EdgeWorker.runSlice() with solo refuses to work beside any other worker", async () => {
  const bed = new MemoryEdgeBed();
  await slice(bed, bed.worker({ workerIdentifier: "edge-2" }));
  const { outcome, failures } = await slice(bed, bed.worker({ leases: "solo" }));
  assertEquals(outcome, "stopped");
  assertStringIncludes(failures[0]?.text ?? "", 'expected no other worker: got "edge-2"');
});

Deno.test("EdgeWorker.runSlice() is superseded by an ordinary worker of its name, and stops", async () => {
  const bed = new MemoryEdgeBed();
  bed.put("a");
  let go = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  const running = bed.worker({
    processor: () =>
      bed.processor({
        async processRecords(_, context) {
          await gate;
          await context.checkpoint();
        },
      }),
  }).runSlice({ ...limits, budgetMs: 30_000 });
  await bed.drive(bed.clock.sleep(1000));
  const stop = new AbortController();
  const ordinary = bed.ordinary({ workerIdentifier: "edge-1" }).run(stop.signal);
  await bed.drive(bed.clock.sleep(3000));
  go();
  const result = await bed.drive(running);
  assertEquals(result.outcome, "stopped");
  assert(result.failures.some(({ text }) => text.includes("another process of this name")), "says why");
  assertEquals(bed.texts, ["a"], "the ordinary worker reads on");
  stop.abort();
  await bed.drive(ordinary);
});

Deno.test("EdgeWorker.runSlice() hands over at once what was asked for while no slice ran", async () => {
  const bed = new MemoryEdgeBed();
  await slice(bed);
  const lease = await bed.read(idOf(0));
  await bed.store.apply(startHandoff({ ...lease, leaseOwner: "edge-1" }, "edge-2"));
  await slice(bed);
  const { leaseOwner, checkpointOwner } = await bed.read(idOf(0));
  assertEquals([leaseOwner, checkpointOwner], ["edge-2", undefined]);
});

Deno.test("EdgeWorker.runSlice() takes a dead worker's leases though no slice lives as long as a lease", async () => {
  const bed = new MemoryEdgeBed(2);
  await slice(bed, bed.worker({ workerIdentifier: "edge-2" }));
  bed.put("a", 0);
  bed.put("b", 1);
  for (let tick = 0; tick < 8 && bed.texts.length < 2; tick++) {
    await bed.clock.advance(30_000);
    await slice(bed);
    if (tick < 2) assertEquals(bed.texts, [], "not before its leases have expired");
  }
  assertEquals(bed.texts.toSorted(), ["a", "b"]);
});

Deno.test("EdgeWorker.runUntilCaughtUp() goes on with the children of a shard that ends", async () => {
  const bed = new MemoryEdgeBed();
  bed.put("parent");
  await slice(bed);
  bed.split();
  bed.put("left", 1);
  bed.put("right", 2);
  const result = await bed.drive(bed.worker().runUntilCaughtUp({ ...limits, budgetMs: 30_000 }));
  assertEquals(bed.texts.toSorted(), ["left", "parent", "right"]);
  assertEquals(result.outcome, "caughtUp");
  assertEquals(result.shards.find(({ shardId }) => shardId === idOf(0))?.state, "ended");
  assert(isShardEnd((await bed.read(idOf(0))).checkpoint));
});

Deno.test("EdgeWorker.runSlice() cleans up the lease of an ended shard once its children are read", async () => {
  const bed = new MemoryEdgeBed();
  await slice(bed);
  bed.split();
  bed.put("left", 1);
  bed.put("right", 2);
  for (let tick = 0; tick < 5; tick++) {
    await bed.clock.advance(30_000);
    await slice(bed);
  }
  assertEquals(await bed.store.get(idOf(0)), undefined);
});

Deno.test("EdgeWorker.runSlice() never rejects for trouble of the service, and says what went wrong", async () => {
  const bed = new MemoryEdgeBed();
  bed.store.leaseKeysOwnedBy = () => Promise.reject(new Error("the table is on fire"));
  const result: SliceResult = await slice(bed);
  assertEquals([result.outcome, result.failures[0]?.text], ["stopped", "the table is on fire"]);
  bed.coordinator.lockSlice = () => Promise.reject(new Error("no lock"));
  assertEquals((await slice(bed)).failures.map(({ text }) => text), ["no lock"]);
});

Deno.test("EdgeWorker.runSlice() ends though a table never answers", async () => {
  for (const method of ["lockSlice", "unlockSlice", "writeWorkerMetrics"] as const) {
    const bed = new MemoryEdgeBed();
    await slice(bed);
    Object.defineProperty(bed.coordinator, method, { value: () => new Promise(() => {}) });
    const startMs = bed.clock.monotonicMs();
    await slice(bed);
    assert(bed.clock.monotonicMs() - startMs <= 18_000, method);
  }
});

Deno.test("EdgeWorker.runSlice() ends by its number of requests where the clock stands still", async () => {
  const bed = new MemoryEdgeBed();
  for (let i = 0; i < 500; i++) bed.put(`${i}`);
  const { clock } = bed;
  const still = { epochMs: () => clock.epochMs(), monotonicMs: () => 0, sleep: clock.sleep.bind(clock) };
  const worker = bed.worker({ maxRecords: 1, system: { ...bed.system, clock: still } });
  const result = await slice(bed, worker, { maxSubrequests: 60 });
  assert(["requests", "budget"].includes(result.outcome), result.outcome);
  assert(result.requests <= 60);
});

Deno.test("EdgeWorker.runSlice() starts with lost leases freed by others", async () => {
  const bed = new MemoryEdgeBed();
  await slice(bed);
  await bed.store.apply(evict(await bed.read(idOf(0))));
  bed.put("a");
  await bed.clock.advance(30_000);
  await slice(bed);
  assertEquals(bed.texts, ["a"]);
});

Deno.test("new EdgeWorker() says what is wrong with its options", () => {
  const bed = new MemoryEdgeBed();
  assertThrows(
    () => bed.worker({ leases: "keep" as "hold" }),
    TypeError,
    '"hold", "relay" or "solo": got "keep"',
  );
  assertThrows(() => bed.worker({ workerIdentifier: "" }), TypeError, "workerIdentifier");
  assertThrows(
    () => bed.worker({ coordinatorStore: { ...{} } as never }),
    TypeError,
    "lockSlice() and unlockSlice()",
  );
  const engine = 'policy: policyDeliveries, with import { policyDeliveries } from "@kclite/kclite/failures"';
  for (
    const [name, options] of Object.entries(
      {
        errors: { errors: { retry: { attempts: 3 } } },
        batch: { batch: { size: 3 } },
        filter: { filter: () => true },
        concurrency: { concurrency: { perShard: 3 } },
      } satisfies Record<string, Partial<EdgeOptions>>,
    )
  ) {
    const error = assertThrows(() => bed.worker(options), TypeError, engine);
    assertStringIncludes(error.message, `got ${name} without it`);
    bed.worker({ ...options, policy: policyDeliveries });
  }
  assertThrows(() => bed.worker({ policy: {} as never }), TypeError, "got another object");
  const reading = 'fanOut: enhancedFanOut, with import { enhancedFanOut } from "@kclite/kclite/edge"';
  const kinesisConsumers = {} as NonNullable<EdgeOptions["kinesisConsumers"]>;
  const given = { retrievalMode: "FANOUT", kinesisConsumers } as const;
  assertThrows(() => bed.worker(given), TypeError, reading);
  bed.worker({ ...given, fanOut: enhancedFanOut });
});

Deno.test("EdgeWorker.runSlice() goes by errors, and remembers attempts from slice to slice", async () => {
  const bed = new MemoryEdgeBed();
  const letters: unknown[] = [];
  let calls = 0;
  const worker = bed.worker({
    policy: policyDeliveries,
    errors: {
      retry: { attempts: 3, delay: () => 30_000 },
      onExhausted: deadLetter(functionSink((document) => void letters.push(document))),
    },
    processor: () =>
      bed.processor({
        processRecords: () => {
          calls++;
          throw new Error("never");
        },
      }),
  });
  bed.put("poison");
  for (let tick = 0; tick < 3; tick++) {
    await slice(bed, worker);
    assertEquals(letters, []);
    await bed.clock.advance(40_000);
  }
  await slice(bed, worker);
  assertEquals([calls, letters.length], [4, 1]);
  assertEquals((await bed.read(idOf(0))).checkpoint.sequenceNumber, "101");
});

Deno.test("EdgeWorker.runSlice() waits for a slow sink, and for a batch that is not full, at the tip of a shard", async () => {
  const bed = new MemoryEdgeBed();
  const letters: unknown[] = [];
  const slow = functionSink(async (letter) => {
    await bed.clock.sleep(3000);
    letters.push(letter);
  });
  const worker = bed.worker({
    policy: policyDeliveries,
    errors: { retry: { attempts: 0 }, onExhausted: deadLetter(slow) },
    batch: { windowMs: 300_000 },
    processor: () =>
      bed.processor({
        async processRecords({ records }, context) {
          const texts = records.map(({ data }) => new TextDecoder().decode(data));
          if (texts.includes("poison")) throw new Error("never");
          bed.texts.push(...texts);
          await context.checkpoint();
        },
      }),
  });
  bed.put("good");
  assertEquals([(await slice(bed, worker)).outcome, bed.texts], ["caughtUp", ["good"]]);
  bed.put("poison");
  assertEquals([(await slice(bed, worker)).outcome, letters.length], ["caughtUp", 1]);
  assertEquals((await bed.read(idOf(0))).checkpoint.sequenceNumber, "102");
  for (const text of ["a", "poison", "b"]) bed.put(text);
  const { outcome } = await slice(bed, worker, { maxRecords: 1 });
  assertEquals([outcome, (await bed.read(idOf(0))).checkpoint.sequenceNumber], ["records", "105"]);
});

Deno.test("EdgeWorker.runSlice() gives back a lock whose answer was lost, or came too late", async () => {
  for (const isNew of [true, false]) {
    for (const answer of ["lost", "late"] as const) {
      const bed = new MemoryEdgeBed();
      if (!isNew) await slice(bed);
      const { coordinator } = bed;
      const real = coordinator.lockSlice.bind(coordinator);
      coordinator.lockSlice = async (...args) => {
        const given = await real(...args);
        if (!given.isLocked) return given;
        if (answer === "late") await never();
        throw new Error("the answer was lost");
      };
      await slice(bed);
      coordinator.lockSlice = real;
      assertEquals((await slice(bed)).outcome, "caughtUp", `${isNew} ${answer}`);
    }
  }
});

Deno.test("EdgeWorker.runSlice() recognises a lock that an earlier slice of its instance could not give back", async () => {
  const bed = new MemoryEdgeBed();
  const { coordinator } = bed;
  const real = coordinator.unlockSlice.bind(coordinator);
  coordinator.unlockSlice = () => Promise.reject(new Error("no answer"));
  const worker = bed.worker();
  await slice(bed, worker);
  coordinator.unlockSlice = real;
  assertEquals((await slice(bed)).outcome, "busy", "another instance cannot know");
  assertEquals((await slice(bed, worker)).outcome, "caughtUp");
  assertEquals((await slice(bed)).outcome, "caughtUp");
});

Deno.test("EdgeWorker.runUntilCaughtUp() reads the children of a shard that ends while a leader's pass is under way", async () => {
  const bed = new MemoryEdgeBed(2);
  await slice(bed);
  bed.split(0);
  bed.split(1);
  ["a", "b", "c", "d"].forEach((text, index) => bed.put(text, 2 + index));
  // The pass that the end of shard 0 brings about has listed the table when shard 1 ends.
  const leaseStore = aroundCalls<LeaseStore>(bed.store, async (method, call) => {
    const result = await call();
    if (method === "list") await bed.clock.sleep(1000);
    return result;
  });
  const worker = bed.worker({
    leaseStore,
    processor: (shardId) =>
      bed.processor({
        async shardEnded(context) {
          if (shardId === idOf(1)) await bed.clock.sleep(500);
          await context.checkpoint();
        },
      }),
  });
  await bed.drive(worker.runUntilCaughtUp(limits));
  assertEquals(bed.texts.toSorted(), ["a", "b", "c", "d"]);
});
