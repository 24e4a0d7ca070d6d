import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ShardContext, StreamList, WorkerOptions } from "../../mod.ts";
import { LeaseTableError } from "../../src/errors.ts";
import { parseIdentifier } from "../../src/stream/stream_identifier.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { TestBed, until } from "../support/fleet.ts";

const numbers = (name: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${name}-${from + i}`);

/** Notes what comes, with the stream that the processor was told of. */
function noting(bed: TestBed) {
  const seen = new Map<string, string[]>();
  const identifiers = new Set<string | undefined>();
  const all = () => [...seen.values()].flat();
  const processor: WorkerOptions["processor"] = (shardId, stream) => ({
    async processRecords({ records }, context: ShardContext) {
      assertEquals([context.streamName, context.streamIdentifier], [
        stream.streamName,
        stream.streamIdentifier,
      ]);
      assertEquals(context.leaseKey, `${stream.streamIdentifier}:${shardId}`);
      identifiers.add(stream.streamIdentifier);
      const texts = records.map(({ data }) => new TextDecoder().decode(data));
      seen.set(stream.streamName, [...seen.get(stream.streamName) ?? [], ...texts]);
      await context.checkpoint();
    },
    shardEnded: (context) => context.checkpoint(),
    shutdownRequested: (context) => context.checkpoint(),
  });
  const options = {
    ...bed.options,
    streamName: undefined,
    newStreamCheckIntervalMs: 200,
    processor,
  } as const;
  return { seen, all, identifiers, options };
}

Deno.test("KinesisWorker reads many streams with one table, a reshard in one of them, and two workers share them", async () => {
  await using bed = await TestBed.start(2);
  const orders = await bed.addStream("orders", 2);
  const { seen, all, identifiers, options } = noting(bed);
  await bed.stream.put(numbers("words", 0, 200));
  await orders.put(numbers("orders", 0, 200));
  const streams = ["words", "orders"];
  const first = bed.startWorker("w-1", { ...options, streams });
  await until("the first worker reads both", () => all().length === 400);
  bed.startWorker("w-2", { ...options, streams });
  const [shard] = await orders.openShards();
  assert(shard !== undefined);
  await orders.split(shard);
  await orders.put(numbers("orders", 200, 400));
  await bed.stream.put(numbers("words", 200, 400));
  await until("all is read", () => new Set(all()).size === 800);

  assertEquals(all().length, 800, "no worker died, so no record comes twice");
  for (const [name, texts] of seen) {
    assertEquals(texts.filter((text) => !text.startsWith(`${name}-`)), [], "each record is its stream's");
  }
  const leases = await bed.leases();
  assertEquals(leases.length, 6);
  assertEquals(new Set(leases.map((lease) => lease.leaseKey)).size, 6);
  assertEquals(identifiers.size, 2);
  for (const { streamIdentifier = "", leaseKey, shardId } of leases) {
    assertEquals(leaseKey, `${streamIdentifier}:${shardId}`);
    assert(parseIdentifier(streamIdentifier) !== undefined, streamIdentifier);
  }
  await until("both have leases", async () => {
    const owners = (await bed.leases()).map(({ leaseOwner }) => leaseOwner);
    return owners.includes("w-1") && owners.includes("w-2");
  });
  await first.stop();
});

Deno.test("KinesisWorker takes up a stream that comes, and deletes the leases of one that goes", async () => {
  await using bed = await TestBed.start(1);
  const { all, options } = noting(bed);
  let streams: StreamList = ["words", "orders"];
  const worker = bed.startWorker("w-1", {
    ...options,
    streams: () => Promise.resolve(streams),
    formerStreamsLeasesDeletionStrategy: "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION",
    waitPeriodToDeleteFormerStreamsMs: 500,
  });
  await bed.stream.put(numbers("words", 0, 50));
  await until("the stream that is there is read", () => all().length === 50);

  const orders = await bed.addStream("orders", 1);
  await orders.put(numbers("orders", 0, 50));
  await until("the stream that came is read", () => all().length === 100);
  assertEquals(eventsOf(worker.events, "streamAdded").length, 2);

  streams = ["orders"];
  await until("the leases of the former stream are gone", async () => (await bed.leases()).length === 1);
  await until("and its owner has let go", () => eventsOf(worker.events, "leaseLost").length === 1);
  assertEquals(eventsOf(worker.events, "leaseLost")[0]?.reason, "deleted");
  const before = all().length;
  await bed.stream.put(numbers("words", 50, 60));
  await orders.put(numbers("orders", 50, 60));
  await until("the other goes on", () => all().includes("orders-59"));
  assertEquals(all().length, before + 10);
});

Deno.test("KinesisWorker reads a stream that was deleted and made again from its beginning, as another stream", async () => {
  await using bed = await TestBed.start(1);
  const { all, identifiers, options } = noting(bed);
  const orders = await bed.addStream("orders", 1);
  const worker = bed.startWorker("w-1", { ...options, streams: ["words", "orders"] });
  await orders.put(numbers("orders", 0, 20));
  await until("it is read", () => all().length === 20);
  await worker.stop();

  await orders.delete();
  // An emulator tells whole seconds of creation, as we use them.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await orders.createAgain(1);
  await orders.put(numbers("orders", 20, 30));
  const next = bed.startWorker("w-2", { ...options, streams: ["words", "orders"] });
  await until("its records are read once", () => all().length >= 30);
  assertEquals(all().slice(20).toSorted(), numbers("orders", 20, 30));
  assertEquals(identifiers.size, 2);
  await until(
    "the leases of before are told of",
    () => eventsOf(next.events, "notice").some(({ text }) => text.includes("created anew")),
  );
});

Deno.test("KinesisWorker refuses the table of an application that reads one stream, and the other way round", async () => {
  await using bed = await TestBed.start(1);
  const { options: many } = noting(bed);
  const kinds = [
    { first: {}, second: { ...many, streams: ["words"] }, wanted: "many streams: got those of one stream" },
    { first: { ...many, streams: ["words"] }, second: {}, wanted: "one stream: got those of many streams" },
  ];
  for (const [index, { first, second, wanted }] of kinds.entries()) {
    const applicationName = `app-${index}`;
    const before = bed.startWorker("w-1", { ...first, applicationName });
    await until("it has a lease", () => eventsOf(before.events, "leaseGained").length === 1);
    await before.stop();
    const after = bed.startWorker("w-2", { ...second, applicationName });
    await assertRejects(() => after.ended, LeaseTableError, `expected leases of ${wanted}`);
  }
});
