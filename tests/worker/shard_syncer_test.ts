import { assertEquals, assertRejects } from "@std/assert";
import type { Kinesis, ShardFilter } from "../../src/aws/kinesis.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { assign } from "../../src/lease/lease_write.ts";
import { settingsOf } from "../../src/worker/settings.ts";
import { ShardSyncer } from "../../src/worker/shard_syncer.ts";
import type { TrackedStream } from "../../src/worker/streams.ts";
import { rangeOf } from "../lease/fixtures.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed, newLease } from "../support/memory_bed.ts";
import { ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

const signal = new AbortController().signal;
const leading = { sinceEpochMs: 1_700_000_000_000, isLeading: () => true, onProgress: () => {} };

function streamAt(initialPosition: "LATEST" | "TRIM_HORIZON"): TrackedStream {
  const reference = { streamName: "words", streamArn: undefined };
  return { streamIdentifier: undefined, reference, initialPosition, consumerArn: undefined };
}

/** A stream of two shards, and a table whose writes fail from the second on until they are told not to. */
function bed() {
  const memory = new MemoryBed();
  const filters: (ShardFilter | undefined)[] = [];
  const kinesis = new ScriptedKinesis();
  kinesis.shards = [0, 1].map((i) => shardWith(`s-${i}`, { hashKeyRange: rangeOf(i, i + 1, 2) }));
  const noting: Kinesis = Object.assign(Object.create(kinesis), {
    listShards: (...[, filter]: Parameters<Kinesis["listShards"]>) => {
      filters.push(filter);
      return kinesis.listShards();
    },
  });
  const state = { left: 1 };
  const store: LeaseStore = Object.assign(Object.create(memory.store), {
    create: (...args: Parameters<LeaseStore["create"]>) =>
      state.left-- > 0 ? memory.store.create(...args) : Promise.reject(new Error("throttled")),
  });
  const syncer = () =>
    new ShardSyncer({
      settings: settingsOf({
        applicationName: "app",
        streamName: "words",
        processor: () => ({ processRecords() {}, shardEnded() {} }),
      }),
      stream: streamAt("LATEST"),
      kinesis: noting,
      leaseStore: store,
      clock: memory.clock,
      emit: memory.emit,
    });
  const leases = async () => (await memory.store.list()).leases;
  return { memory, filters, syncer, state, leases };
}

Deno.test("ShardSyncer completes first leases at the next pass, at the time at which they were begun", async () => {
  for (const isSameLeader of [true, false]) {
    const { memory, filters, syncer, state, leases } = bed();
    const first = syncer();
    const begunMs = leading.sinceEpochMs;
    await assertRejects(() => first.syncIfNeeded([], leading, signal), Error, "throttled");
    assertEquals((await leases()).map((lease) => lease.leaseKey), ["s-0"]);
    await memory.clock.advance(2500);
    state.left = 5;
    const next = isSameLeader ? first : syncer();
    const later = { ...leading, sinceEpochMs: begunMs + 2500 };
    assertEquals(await next.syncIfNeeded(await leases(), later, signal), true);
    assertEquals(
      (await leases()).map(({ leaseKey, checkpoint: { sequenceNumber }, latestEpochMs }) => [
        leaseKey,
        sequenceNumber,
        latestEpochMs,
      ]),
      [["s-0", "LATEST", begunMs], ["s-1", "LATEST", begunMs]],
    );
    assertEquals(filters, [{ type: "AT_LATEST" }, { type: "AT_TIMESTAMP", timestampMs: begunMs }]);
  }
});

Deno.test("ShardSyncer leaves a hole to the audits once any lease was given out", async () => {
  const { memory, filters, syncer, state, leases } = bed();
  const leader = syncer();
  await assertRejects(() => leader.syncIfNeeded([], leading, signal), Error, "throttled");
  await memory.store.apply(assign(await memory.read("s-0"), "w"));
  state.left = 5;
  assertEquals(await leader.syncIfNeeded(await leases(), leading, signal), false);
  assertEquals(filters.length, 1);
});

Deno.test("ShardSyncer counts a hole anew when another worker led since the last audit", async () => {
  const { memory, filters, syncer, leases } = bed();
  await memory.store.create(newLease("s-0", { hashKeyRange: rangeOf(0, 1, 2) }));
  await memory.store.apply(assign(await memory.read("s-0"), "w"));
  const leader = syncer();
  const audit = async (watchedSinceMs: number) => {
    await leader.syncIfNeeded(await leases(), { ...leading, watchedSinceMs }, signal);
    await memory.clock.advance(10_000);
    return filters.length;
  };
  assertEquals([await audit(0), await audit(0)], [0, 0]);
  await memory.clock.advance(120_000);
  const againMs = memory.clock.monotonicMs();
  assertEquals([await audit(againMs), await audit(againMs), await audit(againMs)], [0, 0, 1]);
});

/** A table that notes how many leases are being created at once. */
function countingBed() {
  const memory = new MemoryBed();
  const kinesis = new ScriptedKinesis();
  const most = { underWay: 0, ever: 0 };
  const create = memory.store.create.bind(memory.store);
  memory.store.create = async (lease, signal) => {
    most.ever = Math.max(most.ever, ++most.underWay);
    await Promise.resolve();
    const isNew = await create(lease, signal);
    most.underWay--;
    return isNew;
  };
  const syncer = new ShardSyncer({
    settings: settingsOf({
      applicationName: "app",
      streamName: "words",
      processor: () => ({ processRecords() {}, shardEnded() {} }),
    }),
    stream: streamAt("TRIM_HORIZON"),
    kinesis,
    leaseStore: memory.store,
    clock: memory.clock,
    emit: memory.emit,
  });
  return { memory, kinesis, syncer, most };
}

/** A stream of so many shards, none with a parent. */
function evenShards(count: number) {
  const width = (1n << 128n) / BigInt(count);
  return Array.from({ length: count }, (_, i) =>
    shardWith(`shard-${String(i).padStart(5, "0")}`, {
      hashKeyRange: {
        startingHashKey: `${BigInt(i) * width}`,
        endingHashKey: `${i === count - 1 ? (1n << 128n) - 1n : BigInt(i + 1) * width - 1n}`,
      },
    }));
}

Deno.test("ShardSyncer.syncIfNeeded() creates the leases of an empty table twenty at a time", async () => {
  const { memory, kinesis, syncer, most } = countingBed();
  kinesis.shards = evenShards(300);
  let progress = 0;
  assertEquals(await syncer.syncIfNeeded([], { ...leading, onProgress: () => progress++ }, signal), true);
  assertEquals((await memory.store.list()).leases.length, 300);
  assertEquals([most.ever, progress], [20, 300]);
  assertEquals(eventsOf(memory.events, "shardsSynced").map(({ created }) => created), [300]);
});

Deno.test("ShardSyncer.syncIfNeeded() creates nothing more once it cannot prove to lead", async () => {
  const { memory, kinesis, syncer } = countingBed();
  kinesis.shards = evenShards(100);
  let asked = 0;
  await syncer.syncIfNeeded([], { ...leading, isLeading: () => ++asked <= 30 }, signal);
  assertEquals((await memory.store.list()).leases.length, 30);
});

Deno.test("ShardSyncer.syncIfNeeded() fills in the ranges of old leases, as long as it leads", async () => {
  const { memory, kinesis, syncer } = countingBed();
  kinesis.shards = evenShards(50);
  const leases = await Promise.all(kinesis.shards.map(async ({ shardId }) => {
    // A range of one key is not written.
    const hashKeyRange = { startingHashKey: "1", endingHashKey: "1" };
    await memory.store.create(newLease(shardId, { hashKeyRange }));
    return await memory.read(shardId);
  }));
  let asked = 0;
  await syncer.syncIfNeeded(leases, { ...leading, isLeading: () => ++asked <= 40 }, signal);
  const known = (await memory.store.list()).leases.filter((lease) => lease.hashKeyRange !== undefined);
  assertEquals(known.length, 40);
});

Deno.test("ShardSyncer.syncIfNeeded() fills a hole that three audits in a row have shown, from all shards", async () => {
  const { memory, kinesis, syncer } = countingBed();
  kinesis.shards = evenShards(3);
  const filters: (ShardFilter | undefined)[] = [];
  const listShards = kinesis.listShards.bind(kinesis);
  Object.assign(kinesis, {
    listShards: (...[, filter]: Parameters<Kinesis["listShards"]>) => {
      filters.push(filter);
      return listShards();
    },
  });
  for (const { shardId, hashKeyRange } of kinesis.shards.slice(0, 2)) {
    await memory.lease(shardId, "w", { hashKeyRange });
  }
  const audit = async () => {
    const { leases } = await memory.store.list();
    const isChanged = await syncer.syncIfNeeded(leases, leading, signal);
    await memory.clock.advance(10_000);
    return isChanged;
  };
  assertEquals([await audit(), await audit(), await audit(), await audit()], [false, false, true, false]);
  assertEquals((await memory.store.list()).leases.length, 3);
  assertEquals(filters, [undefined]);
});

Deno.test("ShardSyncer.syncIfNeeded() lists a stream that shows no shards three times, and then says so", async () => {
  const { memory, kinesis, syncer } = countingBed();
  let lists = 0;
  kinesis.listShards = () => {
    lists++;
    return Promise.resolve([]);
  };
  const synced = assertRejects(
    () => syncer.syncIfNeeded([], leading, signal),
    Error,
    "the stream lists no shards",
  );
  await memory.clock.advance(10_000);
  await synced;
  assertEquals(lists, 3);
});
