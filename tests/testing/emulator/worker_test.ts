/** Whole workers against the emulator: over loopback HTTP, in real time. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { KinesisWorker, type WorkerEvent, type WorkerOptions } from "../../../mod.ts";
import type { Item } from "../../../src/aws/dynamodb.ts";
import { realSystem } from "../../../src/system.ts";
import type { SimulatedAwsOptions } from "../../../src/testing/mod.ts";
import { eventsOf } from "../../support/consumer_bed.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { until } from "../../support/fleet.ts";
import { servedSimulated } from "../../support/simulated.ts";
import { testCredentials } from "../../support/test_stream.ts";
import { notingTexts } from "../../support/noting_processor.ts";

const FIRST = "shardId-000000000000";

/** An emulator behind a server, and a worker that notes what it gets; for both, time passes `factor` times as fast. */
function bed(options: SimulatedAwsOptions = {}, changes: Partial<WorkerOptions> = {}, factor = 1) {
  const system = { ...realSystem, clock: fastClock(factor) };
  const made = servedSimulated({ streams: { words: 2 }, system, ...options });
  const texts: string[] = [];
  const events: WorkerEvent[] = [];
  const stop = new AbortController();
  const running = new KinesisWorker({
    log: false,
    applicationName: "app",
    streamName: "words",
    region: "us-east-1",
    credentials: testCredentials,
    kinesisEndpoint: made.url,
    dynamoDBEndpoint: made.url,
    initialPositionInStream: "TRIM_HORIZON",
    failoverTimeMs: 6000,
    system,
    idleTimeBetweenReadsMs: 200,
    parentShardPollIntervalMs: 100,
    processor: notingTexts(texts),
    onEvent: (event) => void events.push(event),
    ...changes,
  }).run(stop.signal);
  running.catch(() => {});
  const stream = made.aws.stream("words");
  const put = (from: number, to: number) => {
    for (let i = from; i < to; i++) stream.put(`${i}`);
  };
  return {
    ...made,
    stream,
    put,
    texts,
    events,
    numbers: () => texts.filter((text) => !text.startsWith("<")).map(Number).toSorted((a, b) => a - b),
    checkpointOf: (shardId: string) => textOf(made.aws.table("app").items(), shardId, "checkpoint"),
    async stop() {
      stop.abort();
      await running;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.catch(() => {});
      await made[Symbol.asyncDispose]();
    },
  };
}

function textOf(items: readonly Item[], leaseKey: string, name: string): string | undefined {
  const item = items.find(({ leaseKey: key }) => key !== undefined && "S" in key && key.S === leaseKey);
  const value = item?.[name];
  return value !== undefined && "S" in value ? value.S : undefined;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

Deno.test("a worker that polls reads through throttles, faults, an expired iterator and a split, each record once", async () => {
  await using one = bed();
  const { aws, stream } = one;
  one.put(0, 100);
  aws.faults.next("GetRecords", { type: "throttled", times: 2 });
  aws.faults.next("GetRecords", { type: "refused", code: "ExpiredIteratorException" });
  aws.faults.next("GetRecords", { type: "internal" });
  aws.faults.next("GetRecords", { type: "truncated" });
  aws.faults.next("ListShards", { type: "dropped" });
  await until("the first records are in", () => one.texts.length >= 100);
  aws.faults.next("GetRecords", { type: "noChildren", times: Infinity });
  stream.split(FIRST);
  one.put(100, 200);
  await until("all records are in", () => one.numbers().length >= 200);
  assertEquals(one.numbers(), range(200));
  await until("the end is stored", () => one.checkpointOf(FIRST) === "SHARD_END");
  assertGreater(aws.faults.met("GetRecords"), 5);
  assertEquals(aws.faults.met("ListShards"), 1);
  assertEquals(eventsOf(one.events, "leaseLost"), []);
  const ended = one.texts.indexOf(`<end of ${FIRST}>`);
  const [, , left] = stream.shards();
  const children = stream.records(left?.shardId ?? "").map(({ partitionKey }) => partitionKey);
  assert(children.every((text) => one.texts.indexOf(text) > ended), "children come after their parent's end");
  await one.stop();
});

Deno.test("a worker with FANOUT reads a closed shard to its end and its children, through subscriptions that end", async () => {
  const options = { streams: { words: 1 }, subscriptionLifeMs: 8000 };
  await using one = bed(options, { retrievalMode: "FANOUT", failoverTimeMs: 20_000 }, 10);
  const { stream } = one;
  one.put(0, 20);
  await until("the first records are in", () => one.texts.length >= 20);
  stream.split(FIRST);
  one.put(20, 40);
  await until("the children are read", () => one.numbers().length >= 40);
  const subscribed = () =>
    eventsOf(one.events, "requestSent").filter(({ operation, code }) =>
      operation === "SubscribeToShard" && code === undefined
    ).length;
  await until("the children are subscribed to again", () => subscribed() >= 5);
  one.put(40, 60);
  await until("they are read on", () => one.numbers().length >= 60);
  assertEquals(one.numbers(), range(60));
  assertEquals(one.texts.slice(0, 20).toSorted(), range(20).map(String).toSorted());
  assertEquals(one.texts[20], `<end of ${FIRST}>`);
  await until("the end is stored", () => one.checkpointOf(FIRST) === "SHARD_END");
  assertEquals(eventsOf(one.events, "requestSent").filter(({ operation }) => operation === "GetRecords"), []);
  assertEquals(eventsOf(one.events, "fetchFailed"), []);
});

Deno.test("a worker loses no lease and repeats no record when answers to its writes are lost, wrong, or refusals", async () => {
  await using one = bed({}, { failoverTimeMs: 20_000 }, 4);
  const { aws } = one;
  await until("it holds both leases", () => eventsOf(one.events, "leaseGained").length === 2);
  // Each second write meets one of three, so that no call meets them for longer than its lease lives.
  let writes = 0;
  const each = (sixth: number) => () => writes % 6 === sixth;
  const count = () => {
    writes++;
    return false;
  };
  aws.faults.next("UpdateItem", { type: "internal", when: count });
  aws.faults.next("UpdateItem", { type: "answerLost", when: each(1), times: Infinity });
  aws.faults.next("UpdateItem", { type: "wrongChecksum", when: each(3), times: Infinity });
  aws.faults.next("UpdateItem", { type: "throttled", when: each(5), times: Infinity });
  for (let i = 0; i < 100; i += 10) {
    one.put(i, i + 10);
    await until(`${i} are in`, () => one.numbers().length >= i + 10);
  }
  await until("faults were met", () => aws.faults.met("UpdateItem") >= 10);
  assertEquals(one.numbers(), range(100));
  assertEquals(eventsOf(one.events, "leaseLost"), []);
  aws.faults.clear();
  await one.stop();
  const last = (shardId: string) => one.stream.records(shardId).at(-1)?.sequenceNumber;
  for (const shardId of [FIRST, "shardId-000000000001"]) {
    assertEquals(one.checkpointOf(shardId), last(shardId));
  }
});

Deno.test("KinesisWorker reads many streams by fan-out, with a consumer on each, and gives all of them back", async () => {
  await using aws = bed({ streams: { words: 1, orders: 1 }, changeMs: 50 }, {
    streamName: undefined,
    streams: ["words", "orders"],
    retrievalMode: "FANOUT",
    deregisterConsumerOnStop: true,
  });
  aws.put(0, 3);
  for (const text of ["10", "11", "12"]) aws.aws.stream("orders").put(text);
  await until("both streams are read", () => aws.texts.length === 6);
  assertEquals(aws.numbers(), [0, 1, 2, 10, 11, 12]);
  await aws.stop();
  const told = eventsOf(aws.events, "notice").map(({ text }) => text);
  const givenBack = told.flatMap((text) =>
    /^Deregistered .*:stream\/(\w+)\/consumer\/app:/.exec(text)?.[1] ?? []
  );
  assertEquals(givenBack.toSorted(), ["orders", "words"]);
});

for (const retrievalMode of ["POLLING", "FANOUT"] as const) {
  Deno.test(`a worker with ${retrievalMode} believes no answer with a wrong field, and delivers each record once`, async () => {
    await using one = bed({ streams: { words: 1 } }, { retrievalMode, failoverTimeMs: 20_000 }, 10);
    const { aws, stream } = one;
    one.put(0, 10);
    await until("the first records are in", () => one.texts.length >= 10);
    const operation = retrievalMode === "POLLING" ? "GetRecords" : "SubscribeToShard";
    const wrong: readonly (readonly [field: string, value?: unknown])[] = [
      ["Records"],
      ["Records.0.SequenceNumber"],
      ["Records.0.SequenceNumber", "9".repeat(130)],
      ["MillisBehindLatest", "soon"],
      ["", []],
      retrievalMode === "POLLING" ? ["NextShardIterator", 5] : ["ContinuationSequenceNumber", 5],
    ];
    for (const [field, value] of wrong) aws.faults.next(operation, { type: "wrongField", field, value });
    // A listing without shards is no end, and a table without items no empty one.
    aws.faults.next("ListShards", { type: "wrongField", field: "Shards", times: 2 });
    aws.faults.next("Scan", { type: "wrongField", field: "Items", times: 2 });
    one.put(10, 20);
    stream.split(FIRST);
    one.put(20, 30);
    await until("all records are in", () => one.numbers().length >= 30);
    await until("the end is stored", () => one.checkpointOf(FIRST) === "SHARD_END");
    assertEquals(one.numbers(), range(30));
    assertEquals(eventsOf(one.events, "leaseLost"), []);
    assertGreater(eventsOf(one.events, "fetchFailed").length, 0);
    await one.stop();
  });
}
