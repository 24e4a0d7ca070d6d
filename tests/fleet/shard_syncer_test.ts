import { assertEquals, assertRejects } from "@std/assert";
import type { Kinesis, ShardFilter } from "../../src/aws/kinesis.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { assign } from "../../src/lease/lease_write.ts";
import { ShardSyncer } from "../../src/fleet/shard_syncer.ts";
import type { TrackedStream } from "../../src/fleet/streams.ts";
import { newLease, rangeOf } from "../lease/fixtures.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

const signal = new AbortController().signal;
const leading = { sinceEpochMs: 1_700_000_000_000, isLeading: () => true, onProgress: () => {} };

function streamAt(initialPosition: "LATEST" | "TRIM_HORIZON"): TrackedStream {
  const reference = { streamName: "words", streamArn: undefined };
  return {
    streamIdentifier: undefined,
    reference,
    initialPosition,
    consumerArn: undefined,
    creationEpochS: undefined,
  };
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
      syncing: { leaseAuditIntervalMs: 10_000, ignoreUnexpectedChildShards: false },
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
  assertEquals(
    filters,
    [{ type: "AT_LATEST" }, undefined],
    "the shards are compared, and nothing is created",
  );
});

Deno.test("ShardSyncer counts a hole anew when another worker led since the last audit", async () => {
  const { memory, state, syncer, leases } = bed();
  state.left = 5;
  await memory.store.create(newLease("s-0", { hashKeyRange: rangeOf(0, 1, 2) }));
  await memory.store.apply(assign(await memory.read("s-0"), "w"));
  const leader = syncer();
  const audit = async (watchedSinceMs: number) => {
    await leader.syncIfNeeded(await leases(), { ...leading, watchedSinceMs }, signal);
    await memory.clock.advance(10_000);
    return (await leases()).length;
  };
  assertEquals([await audit(0), await audit(0)], [1, 1]);
  await memory.clock.advance(120_000);
  const againMs = memory.clock.monotonicMs();
  assertEquals([await audit(againMs), await audit(againMs), await audit(againMs)], [1, 1, 2]);
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
    syncing: { leaseAuditIntervalMs: 10_000, ignoreUnexpectedChildShards: false },
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
  assertEquals(filters.every((filter) => filter === undefined), true);
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

/** A stream that was created anew at second 2: four shards, and two leases of the stream before, which are begun and cover all. */
async function recreatedBed(position: "LATEST" | "TRIM_HORIZON" = "TRIM_HORIZON") {
  const memory = new MemoryBed();
  const kinesis = new ScriptedKinesis();
  kinesis.shards = [0, 1, 2, 3].map((i) => shardWith(`s-${i}`, { hashKeyRange: rangeOf(i, i + 1, 4) }));
  const calls = { lists: 0, descriptions: 0 };
  const listing: { failure: Error | undefined; creationEpochS: number } = {
    failure: undefined,
    creationEpochS: 2,
  };
  const counting: Kinesis = Object.assign(Object.create(kinesis), {
    describeStreamSummary: (stream: { streamName: string }) => {
      calls.descriptions++;
      return Promise.resolve({
        streamName: stream.streamName,
        streamArn: undefined,
        streamStatus: "ACTIVE",
        streamCreationEpochS: listing.creationEpochS + 0.5,
        openShardCount: undefined,
      });
    },
    listShards: () => {
      calls.lists++;
      return listing.failure === undefined ? kinesis.listShards() : Promise.reject(listing.failure);
    },
  });
  for (const i of [0, 1]) {
    await memory.lease(`s-${i}`, "w", { hashKeyRange: rangeOf(i, i + 1, 2), streamOrigin: "words:1" });
  }
  const syncer = new ShardSyncer({
    syncing: { leaseAuditIntervalMs: 10_000, ignoreUnexpectedChildShards: false },
    stream: { ...streamAt(position), creationEpochS: 2 },
    kinesis: counting,
    leaseStore: memory.store,
    clock: memory.clock,
    emit: memory.emit,
  });
  return {
    memory,
    kinesis,
    calls,
    listing,
    /** A pass of the leader, so many ms later. */
    async pass(afterMs = 0, leaderPass = leading) {
      await memory.clock.advance(afterMs);
      return await syncer.syncIfNeeded((await memory.store.list()).leases, leaderPass, signal);
    },
    faults: () => syncer.faults.map(({ code, subjects }) => [code, ...subjects]),
    read: async () =>
      (await memory.store.list()).leases.map(({ leaseKey, checkpoint, streamOrigin }) => [
        leaseKey,
        checkpoint.sequenceNumber,
        streamOrigin,
      ]),
  };
}

Deno.test("ShardSyncer creates the leases of open shards that no lease leads to, found three times in a row", async () => {
  for (const position of ["LATEST", "TRIM_HORIZON"] as const) {
    const { pass, faults, read, calls } = await recreatedBed(position);
    assertEquals([await pass(), await pass(2500), await pass(7500)], [false, false, false]);
    assertEquals(faults(), [], "twice may be a reshard");
    assertEquals(await pass(10_000), true);
    assertEquals((await read()).slice(2), [["s-2", "TRIM_HORIZON", "words:2"], [
      "s-3",
      "TRIM_HORIZON",
      "words:2",
    ]]);
    assertEquals(
      faults(),
      [["leaseRangeDiffers", "s-0", "s-1"]],
      "the shards are read, and nothing mends this",
    );
    assertEquals(calls.descriptions, 3);
  }
});

Deno.test("ShardSyncer says that open shards are unread for as long as it can create no lease", async () => {
  const { pass, faults, memory } = await recreatedBed();
  for (const afterMs of [0, 10_000]) await pass(afterMs);
  await pass(10_000, { ...leading, isLeading: () => false });
  assertEquals((await memory.store.list()).leases.length, 2);
  assertEquals(faults()[0], ["shardUnread", "s-2", "s-3"]);
});

Deno.test("ShardSyncer compares once in five minutes while nothing differs, and marks leases once", async () => {
  const { pass, kinesis, calls, memory, read } = await recreatedBed();
  kinesis.shards = [0, 1].map((i) => shardWith(`s-${i}`, { hashKeyRange: rangeOf(i, i + 1, 2) }));
  const apply = memory.store.apply.bind(memory.store);
  let writes = 0;
  memory.store.apply = (...args) => {
    writes++;
    return apply(...args);
  };
  await pass();
  for (let i = 0; i < 1440; i++) await pass(2500); // an hour
  assertEquals(calls, { lists: 13, descriptions: 13 });
  assertEquals([writes, await read()], [2, [
    ["s-0", "TRIM_HORIZON", "words:2"],
    ["s-1", "TRIM_HORIZON", "words:2"],
  ]]);
});

Deno.test("ShardSyncer asks once a minute about what differs for good", async () => {
  const { pass, calls, faults } = await recreatedBed();
  for (let i = 0; i <= 1440; i++) await pass(2500);
  assertEquals(faults(), [["leaseRangeDiffers", "s-0", "s-1"]]);
  assertEquals(calls.lists > 55 && calls.lists < 75, true, `${calls.lists} listings in an hour`);
});

Deno.test("ShardSyncer finds listings that fail a fault after three in a row, though no lease is missing", async () => {
  const { pass, faults, listing, calls } = await recreatedBed();
  listing.failure = new Error("AccessDenied");
  await pass();
  await pass(10_000);
  assertEquals(faults(), []);
  await pass(20_000);
  assertEquals(faults(), [["shardsNotListed", "words"]]);
  for (let i = 0; i < 1440; i++) await pass(2500);
  assertEquals(calls.lists < 70, true, `backs off: ${calls.lists} listings in an hour`);
  listing.failure = undefined;
  await pass(60_000);
  assertEquals(faults(), []);
});

Deno.test("ShardSyncer says once that the stream was created anew while it ran", async () => {
  const { pass, listing, memory } = await recreatedBed();
  await pass();
  listing.creationEpochS = 1_700_000_000;
  await pass(300_000);
  await pass(300_000);
  const notices = eventsOf(memory.events, "notice").filter(({ level }) => level === "error");
  assertEquals(notices.map(({ text }) => text.slice(0, 65)), [
    "Stream words was created anew at 2023-11-14T22:13:20.000Z: what i",
  ]);
});

Deno.test("ShardSyncer finds a hole that nobody fills a fault after three audits, and not one that it has filled", async () => {
  const { memory, kinesis, pass, faults } = await recreatedBed();
  kinesis.shards = [0, 1].map((i) => shardWith(`s-${i}`, { hashKeyRange: rangeOf(i, i + 1, 2) }));
  await memory.store.delete("s-1");
  for (const afterMs of [0, 10_000]) await pass(afterMs);
  const [before, isFilled, after] = [faults(), await pass(10_000), faults()];
  assertEquals([before, isFilled, after], [[], true, []]);
  await pass(10_000);

  await memory.store.delete("s-1");
  kinesis.shards = kinesis.shards.slice(0, 1); // as if the hole were the stream's own
  for (const afterMs of [10_000, 10_000]) await pass(afterMs);
  assertEquals(faults(), []);
  await pass(10_000);
  const { startingHashKey, endingHashKey } = rangeOf(1, 2, 2);
  assertEquals(faults(), [["hashKeysUncovered", `${startingHashKey} to ${endingHashKey} of words`]]);
});

Deno.test("ShardSyncer does not list the shards at every pass when no row of the table can be read as a lease", async () => {
  const { memory, pass, faults, calls } = await recreatedBed();
  for (const i of [0, 1]) await memory.store.delete(`s-${i}`);
  for (const i of [0, 1, 2, 3]) {
    await memory.table.put({ leaseKey: { S: `s-${i}` }, leaseCounter: { S: "?" } }, {});
  }
  for (let i = 0; i < 12; i++) await pass(2500);
  assertEquals(calls.lists, 3);
  assertEquals(faults().map(([code]) => code), ["hashKeysUncovered"]);
});

Deno.test("ShardSyncer reads its stream though the table is covered by leases of an application of many", async () => {
  const { memory, kinesis, pass, faults } = await recreatedBed();
  for (const i of [0, 1]) await memory.store.delete(`s-${i}`);
  const streamIdentifier = "123456789012:words:1";
  await memory.lease(`${streamIdentifier}:s-0`, "w", { streamIdentifier, shardId: "s-0" });
  kinesis.shards = kinesis.shards.slice(0, 4);
  assertEquals(await pass(), true);
  assertEquals(faults(), [["leaseOfOtherStream", `${streamIdentifier}:s-0`]]);
});

Deno.test("ShardSyncer reports each audit that was due: whether all is covered, whether it synced, and how it failed", async () => {
  const { memory, syncer, state, leases } = bed();
  const first = syncer();
  const audits = () =>
    eventsOf(memory.events, "coverageAudited").map((
      { isCovered, isSynced, error },
    ) => [isCovered, isSynced, error]);
  await assertRejects(() => first.syncIfNeeded([], leading, signal), Error, "throttled");
  const [failed] = eventsOf(memory.events, "coverageAudited");
  assertEquals(audits(), [[false, true, failed?.error]]);
  assertEquals(`${failed?.error}`, "Error: throttled");
  state.left = 5;
  await memory.clock.advance(2500);
  await first.syncIfNeeded(await leases(), leading, signal);
  await first.syncIfNeeded(await leases(), leading, signal); // none is due
  assertEquals(audits().length, 2);
  assertEquals(audits()[1]?.[2], undefined);
  await memory.clock.advance(10_000);
  await first.syncIfNeeded(await leases(), leading, signal);
  assertEquals(audits().length, 3);
  assertEquals(
    eventsOf(memory.events, "leaseCreated").map(({ parentLeaseKey }) => parentLeaseKey),
    [undefined, undefined],
  );
});

Deno.test("ShardSyncer reports no audit that a stop has cut short", async () => {
  const { memory, syncer } = bed();
  const stop = new AbortController();
  stop.abort(new Error("stop"));
  await assertRejects(() => syncer().syncIfNeeded([], leading, stop.signal));
  assertEquals(eventsOf(memory.events, "coverageAudited"), []);
});

Deno.test("ShardSyncer reports the retention period that its audit is told, and again when it has changed", async () => {
  const memory = new MemoryBed();
  const kinesis = new ScriptedKinesis();
  kinesis.shards = [shardWith("s-0", { hashKeyRange: rangeOf(0, 1, 1) })];
  let retentionPeriodHours: number | undefined = 24;
  const describing: Kinesis = Object.assign(Object.create(kinesis), {
    describeStreamSummary: () =>
      Promise.resolve({
        streamName: "words",
        streamArn: undefined,
        streamStatus: "ACTIVE",
        streamCreationEpochS: 2,
        openShardCount: 1,
        retentionPeriodHours,
      }),
  });
  const syncer = new ShardSyncer({
    syncing: { leaseAuditIntervalMs: 10_000, ignoreUnexpectedChildShards: false },
    stream: { ...streamAt("LATEST"), streamIdentifier: "123456789012:words:2" },
    kinesis: describing,
    leaseStore: memory.store,
    clock: memory.clock,
    emit: memory.emit,
  });
  const told = async () => {
    await syncer.syncIfNeeded((await memory.store.list()).leases, leading, signal);
    await memory.clock.advance(300_000);
    return eventsOf(memory.events, "streamDescribed").map(({ retentionMs }) => retentionMs / 3_600_000);
  };
  for (let i = 0; i < 3; i++) await told();
  assertEquals(await told(), [24]);
  retentionPeriodHours = undefined;
  assertEquals(await told(), [24]);
  retentionPeriodHours = 168;
  await told();
  assertEquals(await told(), [24, 168]);
  assertEquals(
    eventsOf(memory.events, "streamDescribed").map(({ streamIdentifier }) => streamIdentifier),
    ["123456789012:words:2", "123456789012:words:2"],
  );
});
