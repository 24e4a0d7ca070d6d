/**
 * A whole worker that reads by enhanced fan-out, its leases in memory.
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { KinesisWorker, type WorkerEvent, type WorkerOptions } from "../../mod.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { canRun } from "../support/command.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { eventMessage } from "../support/event_stream.ts";
import { startFakeKinesis } from "../support/fake_kinesis.ts";
import { until } from "../support/fleet.ts";
import { startKinesisLocal } from "../support/kinesis_local.ts";
import { testCredentials, TestStream } from "../support/test_stream.ts";

/** A worker that notes each record and checkpoints it. */
function start(kinesisEndpoint: string, changes: Partial<WorkerOptions> = {}) {
  const table = new MemoryTable("app", "leaseKey");
  const events: WorkerEvent[] = [];
  const texts: string[] = [];
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "app",
    streamName: "words",
    region: "us-east-1",
    credentials: testCredentials,
    kinesisEndpoint,
    leaseStore: new MemoryLeaseStore(table),
    coordinatorStore: new MemoryCoordinatorStore(table),
    initialPositionInStream: "TRIM_HORIZON",
    retrievalMode: "FANOUT",
    failoverTimeMs: 1000,
    parentShardPollIntervalMs: 100,
    processor: (shardId) => ({
      async processRecords({ records }, context) {
        for (const { data } of records) texts.push(new TextDecoder().decode(data));
        await context.checkpoint();
      },
      async shardEnded(context) {
        texts.push(`<end of ${shardId}>`);
        await context.checkpoint();
      },
    }),
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

const CONSUMER = { ConsumerARN: "arn:consumer", ConsumerStatus: "ACTIVE" };
const RANGE = { StartingHashKey: "0", EndingHashKey: "340282366920938463463374607431768211455" };
const PARENT = {
  ShardId: "parent",
  HashKeyRange: RANGE,
  SequenceNumberRange: { StartingSequenceNumber: "0" },
};

function event(texts: readonly string[], more: Readonly<Record<string, unknown>> = {}) {
  return eventMessage("SubscribeToShardEvent", {
    Records: texts.map((text) => ({
      SequenceNumber: text,
      PartitionKey: "key",
      Data: btoa(text),
      ApproximateArrivalTimestamp: 1769774400.123,
    })),
    ContinuationSequenceNumber: texts.at(-1),
    MillisBehindLatest: 0,
    ...more,
  });
}

/** A stream of one shard that is merged away, as only AWS tells it. */
function fakeStream(deregistered: unknown[]) {
  return startFakeKinesis({
    DescribeStreamSummary: () => ({
      body: {
        StreamDescriptionSummary: { StreamName: "words", StreamARN: "arn:words", StreamStatus: "ACTIVE" },
      },
    }),
    ListShards: () => ({ body: { Shards: [PARENT] } }),
    DescribeStreamConsumer: () => ({ body: { ConsumerDescription: CONSUMER } }),
    DeregisterStreamConsumer: ({ input }) => {
      deregistered.push(input["ConsumerARN"]);
      return {};
    },
    SubscribeToShard: ({ input }) => {
      const children = ["left", "right"].map((ShardId, i) => ({
        ShardId,
        ParentShards: ["parent"],
        HashKeyRange: i === 0
          ? { StartingHashKey: "0", EndingHashKey: "99" }
          : { StartingHashKey: "100", EndingHashKey: RANGE.EndingHashKey },
      }));
      return input["ShardId"] === "parent"
        ? {
          stream: [
            event(["1", "2"]),
            event(["3"], { ContinuationSequenceNumber: null, ChildShards: children }),
          ],
        }
        : { stream: [event([input["ShardId"] === "left" ? "11" : "12"]), "hang"] };
    },
  });
}

Deno.test("a worker with FANOUT reads a shard to its end and its children, and deregisters when told to", async () => {
  const deregistered: unknown[] = [];
  await using kinesis = fakeStream(deregistered);
  const worker = start(kinesis.url, { deregisterConsumerOnStop: true });
  await until("the children are read", () => worker.texts.includes("11") && worker.texts.includes("12"));
  assertEquals(worker.texts.slice(0, 4), ["1", "2", "3", "<end of parent>"]);
  assertEquals(kinesis.requests.filter(({ operation }) => operation === "GetRecords"), []);
  assertEquals(deregistered, []);
  await worker.stop();
  assertEquals(deregistered, ["arn:consumer"]);
});

Deno.test("a worker with FANOUT leaves the consumer registered unless told otherwise, and one given by ARN always", async () => {
  const deregistered: unknown[] = [];
  await using kinesis = fakeStream(deregistered);
  const given = { consumerArn: "arn:consumer", deregisterConsumerOnStop: true };
  for (const changes of [{}, given]) {
    const worker = start(kinesis.url, changes);
    await until("a record is read", () => worker.texts.length > 0);
    await worker.stop();
  }
  assertEquals(deregistered, []);
});

Deno.test("a worker with FANOUT refuses a name that no consumer can have", async () => {
  await using kinesis = fakeStream([]);
  const worker = start(kinesis.url, { consumerName: "no spaces" });
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
