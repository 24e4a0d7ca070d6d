import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Kinesis, StreamReference } from "../../src/aws/kinesis.ts";
import type { Shard } from "../../src/stream/shard.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import type { StreamConfig } from "../../src/options/stream_options.ts";
import { Streams } from "../../src/fleet/streams.ts";
import { StreamsSyncer } from "../../src/fleet/streams_syncer.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { serviceError, shardWith } from "../support/scripted_kinesis.ts";

const signal = new AbortController().signal;
const A = "123456789012:a:1", B = "123456789012:b:2";

/** A leader's syncer for streams a and b, whose listings can be told to fail. */
async function bed(options: Partial<WorkerOptions> = {}) {
  const memory = new MemoryBed();
  const listed: string[] = [];
  const failures = new Map<string, Error>();
  /** When streams were created, of those that are found. */
  const created = new Map([["a", 1], ["b", 2]]);
  const shards = new Map<string, readonly Shard[]>();
  const kinesis = {
    describeStreamSummary({ streamName }: StreamReference) {
      const streamCreationEpochS = created.get(streamName);
      if (streamCreationEpochS === undefined) {
        return Promise.reject(serviceError("ResourceNotFoundException"));
      }
      const streamArn = `arn:aws:kinesis:us-east-1:123456789012:stream/${streamName}`;
      const summary = {
        streamName,
        streamArn,
        streamStatus: "ACTIVE",
        openShardCount: 1,
        streamCreationEpochS,
      };
      return Promise.resolve(summary);
    },
    listShards(stream: StreamReference, filter) {
      listed.push(`${stream.streamName} ${filter?.type ?? "all"}`);
      const failure = failures.get(stream.streamName);
      if (failure !== undefined) return Promise.reject(failure);
      return Promise.resolve(shards.get(stream.streamName) ?? [shardWith("shardId-000000000000")]);
    },
  } as Partial<Kinesis> as Kinesis;
  let isLeading = true;
  let tracked: readonly (string | StreamConfig)[] = [A, B];
  const all: WorkerOptions = {
    applicationName: "app",
    region: "us-east-1",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    streams: () => tracked,
    waitPeriodToDeleteFormerStreamsMs: 30_000,
    ...options,
  };
  const { finding, syncing } = settingsOf(all);
  const { clock, emit } = memory;
  const streams = new Streams({ finding, kinesis, clock, emit });
  await streams.start(signal);
  const syncer = new StreamsSyncer({
    syncing,
    streams,
    kinesis,
    leaseStore: memory.store,
    clock,
    emit,
  });
  return {
    memory,
    listed,
    failures,
    created,
    faults: () => syncer.faults.map(({ code, subjects }) => [code, ...subjects]),
    streams,
    clock,
    sync: async (watchedSinceMs = 0) =>
      await syncer.syncIfNeeded((await memory.store.list()).leases, {
        watchedSinceMs,
        sinceEpochMs: clock.epochMs(),
        isLeading: () => isLeading,
        onProgress: () => {},
      }, signal),
    stepDown: () => void (isLeading = false),
    keys: async () => (await memory.store.list()).leases.map(({ leaseKey }) => leaseKey).sort(),
    async track(list: readonly (string | StreamConfig)[]) {
      tracked = list;
      await streams.refresh(signal);
    },
    notices: () => eventsOf(memory.events, "notice").map(({ text }) => text),
  };
}

const SHARD = "shardId-000000000000";

Deno.test("StreamsSyncer gives each stream its leases, under keys of their own", async () => {
  const { sync, keys, memory, listed } = await bed();
  assertEquals(await sync(), true);
  assertEquals(await keys(), [`${A}:${SHARD}`, `${B}:${SHARD}`]);
  const lease = await memory.read(`${A}:${SHARD}`);
  assertEquals([lease.streamIdentifier, lease.shardId], [A, SHARD]);
  assertEquals(await sync(), false);
  assertEquals(listed, ["a AT_LATEST", "b AT_LATEST"]);
});

Deno.test("StreamsSyncer gives a stream that comes later its first leases, at its own position", async () => {
  const { sync, keys, track, listed } = await bed({ initialPositionInStream: "TRIM_HORIZON" });
  await track([A]);
  await sync();
  await track([A, B]);
  assertEquals(await sync(), true);
  assertEquals(listed, ["a AT_TRIM_HORIZON", "b AT_TRIM_HORIZON"]);
  assertEquals((await keys()).length, 2);
});

Deno.test("StreamsSyncer looks after the others when one stream cannot be listed, and says so once", async () => {
  const { sync, keys, failures, listed, clock, notices } = await bed();
  failures.set("a", serviceError("AccessDeniedException"));
  assertEquals(await sync(), true);
  assertEquals(await keys(), [`${B}:${SHARD}`]);
  await sync();
  assertEquals(listed.length, 2, "a stream without leases is not asked for at every pass");
  await clock.advance(10_000);
  await sync();
  assertEquals(listed.filter((call) => call.startsWith("a")).length, 2);
  assertEquals(notices().length, 1);
  failures.clear();
  await clock.advance(10_000);
  assertEquals(await sync(), true);
  assertEquals(notices().at(-1), `The shards of ${A} are listed again`);
});

Deno.test("StreamsSyncer fails when no stream can be listed: such a leader should not lead", async () => {
  const { sync, failures } = await bed();
  failures.set("a", serviceError("AccessDeniedException"));
  failures.set("b", serviceError("AccessDeniedException"));
  await assertRejects(sync, Error, "AccessDeniedException");
});

Deno.test("StreamsSyncer no longer tracks a stream that is not there", async () => {
  const { sync, failures, streams } = await bed();
  failures.set("a", serviceError("ResourceNotFoundException"));
  await sync();
  assertEquals(streams.tracked.map(({ streamIdentifier }) => streamIdentifier), [B]);
});

Deno.test("StreamsSyncer keeps the leases of former streams unless it is told otherwise", async () => {
  const { sync, keys, track, clock } = await bed();
  await sync();
  await track([B]);
  await clock.advance(86_400_000);
  await sync();
  assertEquals((await keys()).length, 2);
});

Deno.test("StreamsSyncer deletes the leases of former streams after the waiting period, and no others", async () => {
  const strategy = "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION";
  const { sync, keys, track, clock, memory } = await bed({ formerStreamsLeasesDeletionStrategy: strategy });
  await sync();
  await track([B]);
  await sync();
  await clock.advance(29_999);
  await sync();
  assertEquals((await keys()).length, 2);
  await clock.advance(1);
  assertEquals(await sync(), true);
  assertEquals(await keys(), [`${B}:${SHARD}`]);
  assertEquals(eventsOf(memory.events, "leaseDeleted"), [
    { type: "leaseDeleted", leaseKey: `${A}:${SHARD}`, reason: "formerStream" },
  ]);
});

Deno.test("StreamsSyncer spares the leases of a stream that is listed and cannot be found", async () => {
  const strategy = "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION";
  const { sync, keys, streams, clock } = await bed({
    formerStreamsLeasesDeletionStrategy: strategy,
  });
  await sync();
  streams.forget(A);
  await sync();
  assertEquals(streams.tracked.length, 1);
  await clock.advance(30_000);
  assertEquals(await sync(), false);
  assertEquals((await keys()).length, 2);
});

Deno.test("StreamsSyncer spares a former stream that is listed again in time", async () => {
  const strategy = "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION";
  const { sync, keys, track, clock } = await bed({ formerStreamsLeasesDeletionStrategy: strategy });
  await sync();
  await track([B]);
  await sync();
  await clock.advance(20_000);
  await track([A, B]);
  await sync();
  await track([B]);
  await sync();
  await clock.advance(20_000);
  await sync();
  assertEquals((await keys()).length, 2);
});

Deno.test("StreamsSyncer counts the waiting period anew when another worker led meanwhile", async () => {
  const strategy = "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION";
  const { sync, keys, track, clock } = await bed({ formerStreamsLeasesDeletionStrategy: strategy });
  await sync();
  await track([B]);
  await sync();
  // Another worker leads. Stream a is listed again, and is gone again a moment ago.
  await track([A, B]);
  await clock.advance(120_000);
  await track([B]);
  const againMs = clock.monotonicMs();
  await sync(againMs);
  assertEquals((await keys()).length, 2);
  await clock.advance(30_000);
  await sync(againMs);
  assertEquals((await keys()).length, 1);
});

Deno.test("StreamsSyncer deletes former streams by name where it is told to", async () => {
  const C = "123456789012:c:3";
  const { sync, keys, track, clock } = await bed({
    formerStreamsLeasesDeletionStrategy: "PROVIDED_STREAMS_DEFERRED_DELETION",
    streamIdentifiersForLeaseCleanup: () => [B, C],
  });
  await track([A, B, C]);
  await sync();
  await track([C]);
  await sync();
  await clock.advance(30_000);
  await sync();
  assertEquals(await keys(), [`${A}:${SHARD}`, `${C}:${SHARD}`]);
});

Deno.test("StreamsSyncer audits each stream by its own leases", async () => {
  const { sync, keys, memory, clock } = await bed();
  await sync();
  await memory.store.delete(`${B}:${SHARD}`);
  assertEquals(await sync(), true, "a stream without leases is synced at once");
  assert((await keys()).includes(`${B}:${SHARD}`));
  await clock.advance(60_000);
  assertEquals(await sync(), false);
});

Deno.test("StreamsSyncer deletes nothing once it cannot prove to lead", async () => {
  const strategy = "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION";
  const { sync, keys, track, stepDown } = await bed({
    formerStreamsLeasesDeletionStrategy: strategy,
    waitPeriodToDeleteFormerStreamsMs: 0,
  });
  await sync();
  await track([B]);
  stepDown();
  await sync();
  assertEquals((await keys()).length, 2);
});

Deno.test("StreamsSyncer makes leases by the configuration of a stream that is listed anew", async () => {
  const { sync, track, memory } = await bed();
  const made = async () => (await memory.read(`${A}:${SHARD}`)).checkpoint.sequenceNumber;
  await sync();
  assertEquals(await made(), "LATEST");
  await memory.store.delete(`${A}:${SHARD}`);
  await track([B]);
  await track([{ streamIdentifier: A, initialPositionInStream: "TRIM_HORIZON" }, B]);
  await sync();
  assertEquals(await made(), "TRIM_HORIZON");
});

Deno.test("StreamsSyncer reports once that a stream can be listed again, and looks after it at each pass from then on", async () => {
  const { sync, failures, clock, notices, memory, keys } = await bed();
  failures.set("a", serviceError("AccessDeniedException"));
  await sync();
  failures.clear();
  await clock.advance(10_000);
  await sync();
  await memory.store.delete(`${A}:${SHARD}`);
  assertEquals(await sync(), true);
  assertEquals((await keys()).length, 2);
  assertEquals(notices().filter((text) => text.includes("listed again")).length, 1);
});

Deno.test("StreamsSyncer finds a stream that cannot be listed a fault of the fleet, after three times", async () => {
  const { sync, failures, clock, faults } = await bed();
  failures.set("a", serviceError("AccessDeniedException"));
  await sync();
  for (let i = 0; i < 2; i++) {
    assertEquals(faults(), []);
    await clock.advance(10_000);
    await sync();
  }
  assertEquals(faults()[0], ["shardsNotListed", "a"]);
  assertEquals(faults()[1]?.[0], "hashKeysUncovered", "and nobody reads it");
  failures.clear();
  await clock.advance(10_000);
  await sync();
  assertEquals(faults(), []);
});

Deno.test("StreamsSyncer finds a stream a fault that is looked for in vain, three searches in a row", async () => {
  const { sync, streams, created, clock, faults } = await bed({ streams: ["a", "c"] });
  await sync();
  await clock.advance(119_999);
  await streams.refresh(signal);
  await sync();
  assertEquals(faults(), []);
  await clock.advance(1);
  assertEquals(faults(), [["shardsNotListed", "c"]]);
  created.set("c", 3);
  await streams.refresh(signal);
  await sync();
  assertEquals(faults(), []);
});

Deno.test("StreamsSyncer looks for a stream anew that was created anew under its name", async () => {
  const { sync, streams, created, clock, keys } = await bed({ streams: ["a"] });
  await sync();
  created.set("a", 100);
  await clock.advance(300_000);
  await sync();
  await streams.refresh(signal);
  await sync();
  assertEquals(streams.tracked.map(({ streamIdentifier }) => streamIdentifier), ["123456789012:a:100"]);
  assertEquals(await keys(), [`${A}:${SHARD}`, `123456789012:a:100:${SHARD}`].toSorted());
});

Deno.test("StreamsSyncer compares some streams in each pass, until all have had their turn", async () => {
  const names = ["a"];
  const { sync, clock, created, listed, streams } = await bed({ streams: () => names });
  for (let i = 1; i < 25; i++) names.push(`stream-${i}`);
  names.forEach((name, i) => created.set(name, i + 1));
  await streams.refresh(signal);
  await sync();
  await clock.advance(300_000);
  const compared: number[] = [];
  for (let i = 0; i < 4; i++) {
    const before = listed.length;
    await sync();
    compared.push(listed.length - before);
  }
  assertEquals(compared, [10, 10, 5, 0]);
});

Deno.test("StreamsSyncer finds leases a fault that name no stream", async () => {
  const { sync, memory, faults } = await bed();
  await memory.lease(SHARD, "w");
  await sync();
  assertEquals(faults(), [["leaseOfOtherStream", SHARD]]);
});
