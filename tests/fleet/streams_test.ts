import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Kinesis, StreamReference, StreamSummary } from "../../src/aws/kinesis.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import type { StreamList } from "../../src/options/stream_options.ts";
import { Streams } from "../../src/fleet/streams.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { serviceError } from "../support/scripted_kinesis.ts";

const signal = new AbortController().signal;
const ACCOUNT = "123456789012";

/** Streams of a service that can be told what there is: creation times by name. */
function bed(options: Partial<WorkerOptions>, created: Readonly<Record<string, number>> = { orders: 100 }) {
  const memory = new MemoryBed();
  const there = new Map(Object.entries(created));
  const hours = new Map<string, number>([["orders", 24]]);
  const asked: StreamReference[] = [];
  const kinesis = {
    describeStreamSummary(stream: StreamReference): Promise<StreamSummary> {
      asked.push(stream);
      const epochS = there.get(stream.streamName);
      if (epochS === undefined) return Promise.reject(serviceError("ResourceNotFoundException"));
      return Promise.resolve({
        streamName: stream.streamName,
        streamArn: stream.streamArn ?? `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/${stream.streamName}`,
        streamStatus: "ACTIVE",
        streamCreationEpochS: epochS + 0.75,
        openShardCount: 1,
        retentionPeriodHours: hours.get(stream.streamName),
      });
    },
  } as Kinesis;
  const { finding } = settingsOf({
    applicationName: "app",
    region: "us-east-1",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    ...options,
  });
  const streams = new Streams({ finding, kinesis, clock: memory.clock, emit: memory.emit });
  return { memory, streams, asked, there, hours, notices: () => eventsOf(memory.events, "notice") };
}

const leaseIn = (streamIdentifier: string | undefined) => ({
  leaseKey: `${streamIdentifier}:shardId-000000000000`,
  streamIdentifier,
});

Deno.test("Streams names a stream by account and second of creation, and takes its ARN along", async () => {
  const { streams } = bed({
    streams: ["orders", { streamName: "words", initialPositionInStream: "TRIM_HORIZON", consumerArn: "c" }],
  }, { orders: 100, words: 200 });
  await streams.start(signal);
  assertEquals(streams.tracked, [
    {
      streamIdentifier: `${ACCOUNT}:orders:100`,
      reference: {
        streamName: "orders",
        streamArn: `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/orders`,
      },
      initialPosition: "LATEST",
      consumerArn: undefined,
      creationEpochS: 100,
      retentionMs: 86_400_000,
    },
    {
      streamIdentifier: `${ACCOUNT}:words:200`,
      reference: { streamName: "words", streamArn: `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/words` },
      initialPosition: "TRIM_HORIZON",
      consumerArn: "c",
      creationEpochS: 200,
      retentionMs: undefined,
    },
  ]);
});

Deno.test("Streams takes an identifier as it is, without asking, and makes its ARN", async () => {
  const { streams, asked } = bed({ streams: ["999999999999:orders:1"], region: "cn-north-1" });
  await streams.start(signal);
  assertEquals(streams.tracked[0]?.streamIdentifier, "999999999999:orders:1");
  assertEquals(
    streams.tracked[0]?.reference.streamArn,
    "arn:aws-cn:kinesis:cn-north-1:999999999999:stream/orders",
  );
  assertEquals(asked, []);
});

Deno.test("Streams starts with those that it can find, tells of the others once, and goes on looking", async () => {
  const { streams, there, notices, memory } = bed({ streams: ["orders", "words"] });
  await streams.start(signal);
  assertEquals(streams.tracked.map(({ reference }) => reference.streamName), ["orders"]);
  assertEquals(await streams.refresh(signal), false);
  assertEquals(notices().length, 1);
  assert(notices()[0]?.text.startsWith("Stream words is not read until it can be found: "));
  there.set("words", 300);
  assertEquals(await streams.refresh(signal), true);
  assertEquals(eventsOf(memory.events, "streamAdded").map((event) => event.streamIdentifier), [
    `${ACCOUNT}:orders:100`,
    `${ACCOUNT}:words:300`,
  ]);
});

Deno.test("Streams tells the names of those that it looks for, however they are listed", async () => {
  let listed = ["orders", "words", `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/visits`];
  const { streams } = bed({ streams: () => listed });
  await streams.start(signal);
  assertEquals([...streams.sought], ["words", "visits"]);
  listed = ["orders"];
  await streams.refresh(signal);
  assertEquals([...streams.sought], []);
});

Deno.test("Streams cannot start when there is none of them", async () => {
  const { streams } = bed({ streams: ["orders", "words"] }, {});
  await assertRejects(() => streams.start(signal), Error, "ResourceNotFoundException");
});

Deno.test("Streams describes each stream once, however often they are listed", async () => {
  const { streams, asked } = bed({ streams: () => Promise.resolve(["orders"]) });
  await streams.start(signal);
  await streams.refresh(signal);
  await streams.refresh(signal);
  assertEquals(asked.length, 1);
});

Deno.test("Streams follows a list that changes, and knows a stream that is no longer listed with its position", async () => {
  let listed: string[] = ["orders", "words"];
  const { streams, memory } = bed({
    streams: () => listed.map((streamName) => ({ streamName, initialPositionInStream: new Date(5000) })),
  }, { orders: 100, words: 200 });
  await streams.start(signal);
  listed = ["words"];
  assertEquals(await streams.refresh(signal), true);
  assertEquals(eventsOf(memory.events, "streamRemoved"), [
    { type: "streamRemoved", streamIdentifier: `${ACCOUNT}:orders:100` },
  ]);
  assertEquals((await streams.of(leaseIn(`${ACCOUNT}:orders:100`), signal))?.initialPosition, new Date(5000));
  listed = [];
  await streams.refresh(signal);
  assertEquals(streams.tracked, []);
});

Deno.test("Streams keeps what it had when the list cannot be made", async () => {
  let fails = false;
  const { streams } = bed({
    streams: () => {
      if (fails) throw new Error("the registry is away");
      return ["orders"];
    },
  });
  await streams.start(signal);
  fails = true;
  await assertRejects(() => streams.refresh(signal), Error, "the registry is away");
  assertEquals(streams.tracked.length, 1);
});

Deno.test("Streams.of() lists once more for a stream that it does not know, and reads it in any case", async () => {
  let listed = ["orders"];
  const { streams, memory, asked } = bed({ streams: () => listed }, { orders: 100, words: 200 });
  await streams.start(signal);
  listed = ["orders", "words"];
  await memory.clock.advance(10_000);
  const words = await streams.of(leaseIn(`${ACCOUNT}:words:200`), signal);
  assertEquals(words, streams.tracked[1]);
  // Not at once again: an unknown stream may have many leases.
  const other = await streams.of(leaseIn("999999999999:other:7"), signal);
  assertEquals(other?.reference, {
    streamName: "other",
    streamArn: "arn:aws:kinesis:us-east-1:999999999999:stream/other",
  });
  assertEquals(other, await streams.of(leaseIn("999999999999:other:7"), signal));
  assertEquals(asked.length, 2);
});

Deno.test("Streams.of() answers all the leases of an unknown stream by one listing", async () => {
  let listed = ["orders"], lists = 0;
  const { streams, memory } = bed({
    streams: () => {
      lists++;
      return Promise.resolve(listed);
    },
  }, { orders: 100, words: 200 });
  await streams.start(signal);
  listed = ["orders", "words"];
  await memory.clock.advance(10_000);
  const found = await Promise.all(
    Array.from({ length: 3 }, () => streams.of(leaseIn(`${ACCOUNT}:words:200`), signal)),
  );
  assertEquals(found, Array(3).fill(streams.tracked[1]));
  assertEquals([streams.tracked.length, lists], [2, 2]);
});

Deno.test("Streams.of() fails nothing when the lease is lost while streams are listed", async () => {
  const lost = new AbortController();
  const { streams, memory } = bed({
    streams: () => {
      if (memory.clock.monotonicMs() > 0) lost.abort();
      return Promise.resolve(["orders"]);
    },
  });
  await streams.start(signal);
  await memory.clock.advance(10_000);
  await streams.of(leaseIn(`${ACCOUNT}:words:200`), lost.signal);
  assert(lost.signal.aborted);
  assertEquals(eventsOf(memory.events, "passFailed"), []);
  assertEquals(streams.tracked.length, 1);
});

Deno.test("Streams.of() goes on listing for the other leases when the one that asked first is lost", async () => {
  const lost = new AbortController();
  const listed = Promise.withResolvers<void>();
  const { streams, memory } = bed({
    streams: async () => {
      if (memory.clock.monotonicMs() === 0) return ["orders"];
      await listed.promise;
      return ["orders", { streamName: "words", initialPositionInStream: "TRIM_HORIZON", consumerArn: "c" }];
    },
  }, { orders: 100, words: 200 });
  await streams.start(signal);
  await memory.clock.advance(10_000);
  const first = streams.of(leaseIn(`${ACCOUNT}:words:200`), lost.signal);
  const second = streams.of(leaseIn(`${ACCOUNT}:words:200`), signal);
  lost.abort();
  assertEquals(await first, undefined);
  listed.resolve();
  const { initialPosition, consumerArn } = await second ?? {};
  assertEquals([initialPosition, consumerArn], ["TRIM_HORIZON", "c"]);
});

Deno.test("Streams.of() lists anew after a listing that all who waited for it have left", async () => {
  const lost = new AbortController();
  let lists = 0;
  const { streams, memory } = bed({
    streams: async () => {
      lists++;
      if (lists === 2) await new Promise(() => {});
      return lists === 1 ? ["orders"] : ["orders", "words"];
    },
  }, { orders: 100, words: 200 });
  await streams.start(signal);
  await memory.clock.advance(10_000);
  const first = streams.of(leaseIn(`${ACCOUNT}:words:200`), lost.signal);
  lost.abort();
  await first;
  await streams.of(leaseIn(`${ACCOUNT}:words:200`), signal);
  assertEquals([lists, streams.tracked.length], [3, 2]);
});

Deno.test("Streams.of() does not read a stream's namesake of before: their shards have the same ids", async () => {
  const { streams, notices } = bed({ streams: ["orders"] });
  await streams.start(signal);
  assertEquals(await streams.of(leaseIn(`${ACCOUNT}:orders:99`), signal), undefined);
  assertEquals(await streams.of(leaseIn(`${ACCOUNT}:orders:99`), signal), undefined);
  assertEquals(notices().map(({ text }) => text), [
    `Its lease is held, and nothing is read: its stream is known as ${ACCOUNT}:orders:100 now: created anew, or named by ` +
    "another epoch in another worker",
  ]);
});

Deno.test("Streams.of() reads neither leases of many streams for one, nor those of one for many", async () => {
  const one = bed({ streamName: "orders" }), many = bed({ streams: ["orders"] });
  await one.streams.start(signal);
  await many.streams.start(signal);
  assertEquals(await one.streams.of(leaseIn(`${ACCOUNT}:orders:100`), signal), undefined);
  assertEquals(await many.streams.of(leaseIn(undefined), signal), undefined);
  assertEquals(await many.streams.of(leaseIn("orders"), signal), undefined);
  assertEquals((await one.streams.of(leaseIn(undefined), signal))?.reference.streamName, "orders");
});

Deno.test("Streams.forget() looks for a stream anew: it may have been created again", async () => {
  const { streams, there } = bed({ streams: ["orders"] });
  await streams.start(signal);
  there.set("orders", 500);
  streams.forget(`${ACCOUNT}:orders:100`);
  assertEquals(streams.tracked, []);
  assertEquals([...streams.sought], ["orders"]);
  await streams.refresh(signal);
  assertEquals([...streams.sought], []);
  assertEquals(streams.tracked.map(({ streamIdentifier }) => streamIdentifier), [`${ACCOUNT}:orders:500`]);
});

Deno.test("Streams looks anew for a stream that was left out of the list: it may be another one by then", async () => {
  let listed: StreamList = ["orders", "words"];
  const { streams, there } = bed({ streams: () => listed }, { orders: 100, words: 200 });
  await streams.start(signal);
  listed = ["words"];
  await streams.refresh(signal);
  there.set("orders", 300);
  listed = [{ streamName: "orders", initialPositionInStream: "TRIM_HORIZON" }, "words"];
  assertEquals(await streams.refresh(signal), true);
  const [orders] = streams.tracked;
  assertEquals(orders?.streamIdentifier, `${ACCOUNT}:orders:300`);
  assertEquals(orders?.initialPosition, "TRIM_HORIZON");
});

Deno.test("Streams lists at most every ten seconds for streams that it does not know, after a failure too", async () => {
  let lists = 0;
  const { streams, memory } = bed({
    streams: () => {
      if (++lists === 2) throw new Error("the registry is away");
      return ["orders"];
    },
  });
  await streams.start(signal);
  const ask = (name: string) => streams.of(leaseIn(`999999999999:${name}:7`), signal);
  await ask("at-once");
  assertEquals(lists, 1);
  await memory.clock.advance(10_000);
  await ask("one");
  await ask("two");
  assertEquals(lists, 2);
  assertEquals(eventsOf(memory.events, "passFailed").map(({ pass }) => pass), ["streams"]);
  await memory.clock.advance(10_000);
  await ask("three");
  assertEquals(lists, 3);
});

Deno.test("Streams reports a missing stream again that was found in between", async () => {
  let listed: StreamList = ["orders", "words"];
  const { streams, there, notices } = bed({ streams: () => listed });
  await streams.start(signal);
  there.set("words", 200);
  await streams.refresh(signal);
  there.delete("words");
  listed = ["orders"];
  await streams.refresh(signal);
  listed = ["orders", "words"];
  await streams.refresh(signal);
  assertEquals(notices().length, 2);
});

Deno.test("Streams reads a stream that is being resharded, and none that is being made or deleted", async () => {
  for (
    const [streamStatus, isRead] of [["UPDATING", true], ["CREATING", false], ["DELETING", false]] as const
  ) {
    const memory = new MemoryBed();
    const kinesis = {
      describeStreamSummary: ({ streamName }: StreamReference) =>
        Promise.resolve({ streamName, streamArn: "arn:answered", streamStatus }),
    } as Partial<Kinesis> as Kinesis;
    const { finding } = settingsOf({
      applicationName: "app",
      streamName: "orders",
      streamArn: `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/orders`,
      processor: () => ({ processRecords() {}, shardEnded() {} }),
    });
    const streams = new Streams({ finding, kinesis, clock: memory.clock, emit: memory.emit });
    const started = streams.start(signal).then(() => true, () => false);
    assertEquals(await started, isRead, streamStatus);
    if (!isRead) continue;
    assertEquals(
      streams.tracked[0]?.reference.streamArn,
      finding.streams.mode === "one" && finding.streams.stream.streamArn,
    );
  }
});

Deno.test("Streams.start() refuses a consumer of another account than the stream's, which the service tells", async () => {
  const consumerArn = "arn:aws:kinesis:us-east-1:999999999999:stream/orders/consumer/app:1700000000";
  for (
    const options of [
      { streamName: "orders", consumerArn },
      { streams: ["words", { streamName: "orders", consumerArn }] },
    ]
  ) {
    const { streams } = bed(options, { orders: 100, words: 200 });
    await assertRejects(() => streams.start(signal), TypeError, `expected a consumer of account ${ACCOUNT}`);
  }
});

Deno.test("Streams reports how long each stream that it finds keeps its records, and no time that is none", async () => {
  let listed = ["orders", "words"];
  const { streams, memory, hours, asked } = bed({ streams: () => listed }, { orders: 100, words: 200 });
  hours.set("words", NaN);
  await streams.start(signal);
  const described = () => eventsOf(memory.events, "streamDescribed");
  const orders = {
    type: "streamDescribed",
    streamIdentifier: `${ACCOUNT}:orders:100`,
    retentionMs: 86_400_000,
  } as const;
  assertEquals(described(), [orders]);
  listed = ["words"];
  await streams.refresh(signal);
  listed = ["orders", "words"];
  hours.set("orders", 48);
  await streams.refresh(signal);
  assertEquals(described(), [orders, { ...orders, retentionMs: 172_800_000 }]);
  assertEquals(asked.length, 3, "no request but those that find a stream");

  const one = bed({ streamName: "orders" });
  await one.streams.start(signal);
  assertEquals(eventsOf(one.memory.events, "streamDescribed"), [
    { type: "streamDescribed", streamIdentifier: undefined, retentionMs: 86_400_000 },
  ]);
});
