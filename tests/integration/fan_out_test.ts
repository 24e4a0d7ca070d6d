import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { signedKinesis } from "../../src/aws/kinesis.ts";
import { signedKinesisConsumers } from "../../src/aws/kinesis_consumers.ts";
import { isAwsError } from "../../src/errors.ts";
import type { WorkerEvent, WorkerEventListener } from "../../src/events.ts";
import { fanOut } from "../../src/retrieval/fan_out.ts";
import { ConsumerRegistration } from "../../src/retrieval/fan_out_registration.ts";
import type { RecordsPage } from "../../src/retrieval/retrieval.ts";
import { deaggregateAll } from "../../src/stream/aggregation.ts";
import type { KinesisRecord } from "../../src/stream/record.ts";
import { compare, type ExtendedSequenceNumber, positionAt } from "../../src/stream/sequence_number.ts";
import { type Clock, realClock, realSystem } from "../../src/system.ts";
import { canRun } from "../support/command.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { eventMessage, exceptionMessage } from "../support/event_stream.ts";
import { type FakeAnswer, startFakeKinesis, type StreamStep } from "../support/fake_kinesis.ts";
import { fastClock } from "../support/fast_clock.ts";
import { startKinesisLocal } from "../support/kinesis_local.ts";
import { aggregate } from "../support/kpl.ts";
import { TestStream } from "../support/test_stream.ts";

/** Fan-out over HTTP, as a worker puts it together. */
function wired(url: string, clock: Clock = realClock) {
  const system = { ...realSystem, clock };
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const service = { region: "us-east-1", endpoint: url, credentials, system };
  const events: WorkerEvent[] = [];
  const emit: WorkerEventListener = (event) => void events.push(event);
  const [kinesis, consumers] = [signedKinesis(service), signedKinesisConsumers(service)];
  const stream = { streamName: "words", streamArn: undefined };
  const registration = new ConsumerRegistration({
    consumers,
    kinesis,
    stream,
    consumerName: "app",
    system,
    emit,
  });
  const source = fanOut({
    consumers,
    kinesis,
    stream,
    registration,
    onTrimmedCheckpoint: "trim-horizon",
    system,
    emit,
  });
  const read = (signal: AbortSignal, checkpoint: ExtendedSequenceNumber = positionAt("TRIM_HORIZON")) =>
    source.read({
      leaseKey: "shardId-000000000000",
      shardId: "shardId-000000000000",
      checkpoint,
      initialPosition: "TRIM_HORIZON",
    }, signal)[Symbol.asyncIterator]();
  return { read, events, registration };
}

/** Takes pages until so many user records after the checkpoint have come. */
async function take(
  pages: AsyncIterator<RecordsPage>,
  count: number,
  checkpoint = positionAt("TRIM_HORIZON"),
): Promise<KinesisRecord[]> {
  const taken: KinesisRecord[] = [];
  while (taken.length < count) {
    const { value, done } = await pages.next();
    if (done) break;
    const records = deaggregateAll(value.records, undefined);
    taken.push(...records.filter((record) => compare(record, checkpoint) > 0));
  }
  return taken;
}

const textsOf = (records: readonly KinesisRecord[]) =>
  records.map((record) => new TextDecoder().decode(record.data));

// What no emulator does: ends of shards, broken connections, silence, and a subscriber that takes over.

const CONSUMER = { ConsumerARN: "arn:consumer", ConsumerStatus: "ACTIVE" };
const RANGE = { StartingHashKey: "0", EndingHashKey: "9" };
const CHILD = { ShardId: "child", ParentShards: ["shardId-000000000000"], HashKeyRange: RANGE };

function event(numbers: readonly number[], more: Readonly<Record<string, unknown>> = {}) {
  return eventMessage("SubscribeToShardEvent", {
    Records: numbers.map((n) => ({
      SequenceNumber: `${n}`,
      PartitionKey: "key",
      Data: btoa(`${n}`),
      ApproximateArrivalTimestamp: 1769774400.123,
    })),
    ContinuationSequenceNumber: `${numbers.at(-1)}`,
    MillisBehindLatest: 0,
    ...more,
  });
}

/** Reads a shard whose subscriptions answer so, one after the other, in a fiftieth of the time. */
async function course(answers: readonly FakeAnswer[], listing: readonly unknown[] = []) {
  const rest = [...answers];
  const starts: unknown[] = [];
  await using server = startFakeKinesis({
    DescribeStreamSummary: () => ({
      body: {
        StreamDescriptionSummary: { StreamName: "words", StreamARN: "arn:words", StreamStatus: "ACTIVE" },
      },
    }),
    DescribeStreamConsumer: () => ({ body: { ConsumerDescription: CONSUMER } }),
    ListShards: () => ({ body: { Shards: listing } }),
    SubscribeToShard: ({ input }) => {
      starts.push(input["StartingPosition"]);
      return rest.shift() ?? { status: 400, body: { __type: "LimitExceededException" } };
    },
  });
  const { read, events } = wired(server.url, fastClock(50));
  const pages: RecordsPage[] = [];
  const reading = read(new AbortController().signal);
  for (;;) {
    const { value, done } = await reading.next();
    if (done) break;
    pages.push(value);
  }
  const numbers = pages.flatMap((page) => page.records.map((record) => Number(record.sequenceNumber)));
  return { numbers, pages, starts, failures: eventsOf(events, "fetchFailed") };
}

const initial = eventMessage("initial-response", {});
const stream = (...steps: readonly StreamStep[]): FakeAnswer => ({ stream: [initial, ...steps] });
const after = (n: number) => ({ Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber: `${n}` });

Deno.test("fan-out over HTTP reads on without a gap through ends, breaks, refusals and silence, to the children", async () => {
  const { numbers, pages, starts, failures } = await course([
    stream(event([1, 2]), event([], { ContinuationSequenceNumber: "5" })),
    { status: 400, body: { __type: "ResourceInUseException", message: "subscribed a moment ago" } },
    stream(event([6]), event([7]).slice(0, 40), "disconnect"),
    stream(event([7]), event([8]).slice(0, 40)),
    stream(event([8]), exceptionMessage("ResourceInUseException", "another one took over")),
    stream(event([9]), "hang"),
    stream(event([10], { ContinuationSequenceNumber: null, ChildShards: [CHILD] })),
  ]);
  assertEquals(numbers, [1, 2, 6, 7, 8, 9, 10]);
  assertEquals(pages.at(-1)?.end?.childShards.map((child) => child.shardId), ["child"]);
  assertEquals(starts, [
    { Type: "TRIM_HORIZON" },
    after(5),
    after(5),
    after(6),
    after(7),
    after(8),
    after(9),
  ]);
  assertEquals(
    failures.map(({ error }) => (error as { readonly code?: string }).code),
    ["ResourceInUseException", "NetworkError", "MalformedResponse", "ResourceInUseException", "TimeoutError"],
  );
});

Deno.test("fan-out over HTTP asks ListShards for the children that the end does not name", async () => {
  const shard = (ShardId: string, more: object) => ({ ShardId, HashKeyRange: RANGE, ...more });
  const { pages } = await course([stream(event([1], { ContinuationSequenceNumber: null }))], [
    shard("shardId-000000000000", {
      SequenceNumberRange: { StartingSequenceNumber: "0", EndingSequenceNumber: "2" },
    }),
    shard("child", {
      ParentShardId: "shardId-000000000000",
      SequenceNumberRange: { StartingSequenceNumber: "3" },
    }),
  ]);
  assertEquals(pages.at(-1)?.end?.childShards.map((child) => child.shardId), ["child"]);
});

// The one emulator with fan-out.

Deno.test({
  name:
    "fan-out on kinesis-local: registers, reads what is there and what comes, resumes inside an aggregate, deregisters",
  ignore: !await canRun("node"),
  async fn() {
    await using emulator = await startKinesisLocal();
    const stream = await TestStream.create(emulator.url, "words", 1);
    const kpl = aggregate(["b0", "b1", "b2"].map((text) => ({
      partitionKey: text,
      data: new TextEncoder().encode(text),
    })));
    await stream.put(["a", String.fromCharCode(...kpl)]);

    const { read, events, registration } = wired(emulator.url);
    const stop = new AbortController();
    const pages = read(stop.signal);
    const records = await take(pages, 4);
    assertEquals(textsOf(records), ["a", "b0", "b1", "b2"]);
    await stream.put(["c"]);
    assertEquals(textsOf(await take(pages, 1)), ["c"]);

    // Another worker goes on in the middle of the aggregate: refused from within the stream while we are there.
    const checkpoint = records[2];
    assert(checkpoint !== undefined);
    const next = wired(emulator.url);
    const nextPages = next.read(new AbortController().signal, checkpoint);
    const rest = take(nextPages, 2, checkpoint);
    while (eventsOf(next.events, "fetchFailed").length === 0) await realClock.sleep(20);
    const [refusal] = eventsOf(next.events, "fetchFailed");
    assert(isAwsError(refusal?.error, "ResourceInUseException"));
    assertGreaterOrEqual(refusal.retryInMs, 4900);

    stop.abort();
    await pages.return?.();
    assertEquals(eventsOf(events, "fetchFailed"), []);
    const notices = eventsOf(events, "notice").map(({ text }) => text);
    assertStringIncludes(notices.join("\n"), 'Registered enhanced fan-out consumer "app"');

    assertEquals(textsOf(await rest), ["b2", "c"]);
    await nextPages.return?.();
    assertEquals(await registration.deregister(), true);
  },
});
