/**
 * A whole worker that reads by enhanced fan-out, its leases in memory.
 */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { KinesisWorker, type WorkerEvent, type WorkerOptions } from "../../mod.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { MAX_HASH_KEY } from "../../src/stream/hash_key.ts";
import { canRun } from "../support/command.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { until } from "../support/fleet.ts";
import { startKinesisLocal } from "../support/kinesis_local.ts";
import { servedSimulated } from "../support/simulated.ts";
import { testCredentials, TestStream } from "../support/test_stream.ts";
import { notingTexts } from "../support/noting_processor.ts";

/** A worker that notes each record and checkpoints it. */
function start(kinesisEndpoint: string, changes: Partial<WorkerOptions> = {}) {
  const table = new MemoryTable("app", "leaseKey");
  const events: WorkerEvent[] = [];
  const texts: string[] = [];
  const stop = new AbortController();
  const worker = new KinesisWorker({
    log: false,
    applicationName: "app",
    streamName: "words",
    region: "us-east-1",
    credentials: testCredentials,
    kinesisEndpoint,
    leaseStore: new MemoryLeaseStore(table),
    coordinatorStore: new MemoryCoordinatorStore(table),
    initialPositionInStream: "TRIM_HORIZON",
    retrievalMode: "FANOUT",
    parentShardPollIntervalMs: 100,
    processor: notingTexts(texts),
    onEvent: (event) => void events.push(event),
    ...changes,
  });
  const ended = worker.run(stop.signal);
  return {
    events,
    texts,
    ended,
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

/** A stream of one shard, with two records, over HTTP. */
function simulatedStream() {
  const made = servedSimulated({ streams: { words: 1 } });
  const stream = made.aws.stream("words");
  for (const text of ["1", "2"]) stream.put(text, "key");
  const consumerNames = async () =>
    (await made.call("ListStreamConsumers", { StreamARN: stream.arn })).body.Consumers.map(
      (consumer: { readonly ConsumerName: string }) => consumer.ConsumerName,
    );
  return { ...made, stream, consumerNames };
}

Deno.test("a worker with FANOUT reads a shard to its end and its children, and deregisters when told to", async () => {
  await using kinesis = simulatedStream();
  const { stream } = kinesis;
  const worker = start(kinesis.url, { deregisterConsumerOnStop: true });
  await until("the first records are read", () => worker.texts.length === 2);
  stream.put("3", "key");
  stream.split("shardId-000000000000");
  stream.put("11", "left", "0");
  stream.put("12", "right", `${MAX_HASH_KEY}`);
  await until("the children are read", () => worker.texts.includes("11") && worker.texts.includes("12"));
  assertEquals(worker.texts.slice(0, 4), ["1", "2", "3", "<end of shardId-000000000000>"]);
  const operations = eventsOf(worker.events, "requestSent").map(({ operation }) => operation);
  assert(operations.includes("SubscribeToShard"));
  assertEquals(operations.filter((operation) => operation === "GetRecords"), []);
  assertEquals(await kinesis.consumerNames(), ["app"]);
  await worker.stop();
  await until("it is deregistered", async () => (await kinesis.consumerNames()).length === 0);
});

Deno.test("a worker with FANOUT leaves the consumer registered unless told otherwise, and one given by ARN always", async () => {
  await using kinesis = simulatedStream();
  const { consumerArn } = await kinesis.consumers.registerStreamConsumer(kinesis.stream.arn, "given");
  const given = { consumerArn, deregisterConsumerOnStop: true };
  for (const changes of [{}, given]) {
    const worker = start(kinesis.url, changes);
    await until("a record is read", () => worker.texts.length > 0);
    await worker.stop();
  }
  assertEquals(await kinesis.consumerNames(), ["app", "given"]);
});

Deno.test("a worker with FANOUT refuses a name that no consumer can have", async () => {
  await using kinesis = simulatedStream();
  assertThrows(
    () => start(kinesis.url, { consumerName: "no spaces" }),
    TypeError,
    "expected consumerName to be",
  );
  const worker = start(kinesis.url, { applicationName: "no spaces" }); // which is the consumer's name, too
  await assertRejects(() => worker.ended, RangeError, "set consumerName");
});

Deno.test({
  name: "a worker with FANOUT reads kinesis-local: what is there and what comes",
  ignore: !await canRun("node"),
  async fn() {
    await using emulator = await startKinesisLocal();
    const stream = await TestStream.create(emulator.url, "words", 2);
    const words = Array.from({ length: 20 }, (_, i) => `w${i}`);
    await stream.put(words);
    const worker = start(emulator.url, { deregisterConsumerOnStop: true });
    await until("the words are read", () => worker.texts.length >= words.length);
    await stream.put(["later"]);
    await until("the later word is read", () => worker.texts.includes("later"));
    await worker.stop();
    assertEquals(worker.texts.toSorted(), [...words, "later"].toSorted());
    assert(eventsOf(worker.events, "pageFetched").length > 0);
    const notices = eventsOf(worker.events, "notice").map(({ text }) => text).join("\n");
    assertStringIncludes(notices, 'Registered enhanced fan-out consumer "app"');
    assertStringIncludes(notices, "Deregistered");
  },
});
