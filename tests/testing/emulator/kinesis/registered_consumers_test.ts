/** Enhanced fan-out as the emulator has it, in its own time, and what faults make of a subscription. */

import { setImmediate } from "node:timers";
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import type { SubscribeToShardEvent } from "../../../../src/aws/subscription.ts";
import { eventStreamMessages } from "../../../../src/aws/event_stream.ts";
import { AwsServiceError } from "../../../../src/errors.ts";
import type { SimulatedAwsOptions, SubscriptionFault } from "../../../../src/testing/mod.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { signedHeaders, simulated } from "../../../support/simulated.ts";

const FIRST = "shardId-000000000000";

/** An emulator with an active consumer. Its time moves by a push at a time, whenever somebody waits for it. */
async function bed(options: SimulatedAwsOptions = {}) {
  const clock = new FakeClock();
  const made = simulated({ streams: { words: 1 }, system: { clock, random: () => 0 }, ...options });
  const { aws, consumers } = made;
  const stream = aws.stream("words");
  const { consumerArn } = await consumers.registerStreamConsumer(stream.arn, "app");
  clock.jump(1);
  const stop = new AbortController();
  const subscribe = (
    position: Parameters<typeof consumers.subscribeToShard>[0]["position"] = { type: "TRIM_HORIZON" },
  ) => consumers.subscribeToShard({ consumerArn, shardId: FIRST, position }, stop.signal);
  return { ...made, clock, stream, consumerArn, subscribe, stop };
}

/** Waits while virtual time goes by. */
async function passing<T>(clock: FakeClock, what: Promise<T>): Promise<T> {
  let isOver = false;
  const done = () => isOver = true;
  what.then(done, done);
  while (!isOver) {
    clock.jump(70);
    await turn();
  }
  return await what;
}

/** A turn of the event loop, without the milliseconds that a timer takes. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function rest(clock: FakeClock, events: AsyncIterableIterator<SubscribeToShardEvent>) {
  const all: SubscribeToShardEvent[] = [];
  for (;;) {
    const { done, value } = await passing(clock, events.next());
    if (done) return all;
    all.push(value);
  }
}

const textsOf = (events: readonly SubscribeToShardEvent[]) =>
  events.flatMap(({ records }) => records.map(({ data }) => new TextDecoder().decode(data)));

Deno.test("a consumer is CREATING, ACTIVE, DELETING, and gone", async () => {
  const clock = new FakeClock();
  const { aws, consumers, call } = simulated({
    streams: { words: 1 },
    changeMs: 100,
    system: { clock, random: () => 0 },
  });
  const StreamARN = aws.stream("words").arn;
  const { consumerArn, consumerStatus } = await consumers.registerStreamConsumer(StreamARN, "app");
  assertEquals(consumerStatus, "CREATING");
  const position = { Type: "LATEST" };
  const early = await call("SubscribeToShard", {
    ConsumerARN: consumerArn,
    ShardId: FIRST,
    StartingPosition: position,
  });
  assertEquals([early.status, early.body.__type], [400, "ResourceInUseException"]);
  clock.jump(100);
  assertEquals((await consumers.describeStreamConsumer(StreamARN, "app"))?.consumerStatus, "ACTIVE");
  await consumers.registerStreamConsumer(StreamARN, "other");
  const twice = await call("RegisterStreamConsumer", { StreamARN, ConsumerName: "app" });
  assertEquals(twice.body.__type, "ResourceInUseException");
  const page = (await call("ListStreamConsumers", { StreamARN, MaxResults: 1 })).body;
  assertEquals(page.Consumers[0].ConsumerName, "app");
  const next = (await call("ListStreamConsumers", { StreamARN, NextToken: page.NextToken })).body;
  assertEquals([next.Consumers[0].ConsumerName, next.NextToken], ["other", undefined]);
  assertEquals(
    (await call("DescribeStreamSummary", { StreamARN })).body.StreamDescriptionSummary.ConsumerCount,
    2,
  );
  assertEquals((await call("DeleteStream", { StreamARN })).body.__type, "ResourceInUseException");
  assertEquals(await consumers.deregisterStreamConsumer(consumerArn), true);
  assertEquals((await consumers.describeStreamConsumer(StreamARN, "app"))?.consumerStatus, "DELETING");
  clock.jump(100);
  assertEquals(await consumers.describeStreamConsumer(StreamARN, "app"), undefined);
  assertEquals(await consumers.deregisterStreamConsumer(consumerArn), false);
  for (let i = 0; i < 19; i++) await consumers.registerStreamConsumer(StreamARN, `c${i}`);
  await assertRejects(
    () => consumers.registerStreamConsumer(StreamARN, "full"),
    AwsServiceError,
    "20 consumers",
  );
});

Deno.test("a subscription pushes what is there and what comes, shows that it is alive, and ends with the shard's children", async () => {
  const { stream, clock, subscribe } = await bed();
  stream.put("a");
  stream.put("b");
  const events = await subscribe();
  const { value: first } = await passing(clock, events.next());
  assert(first !== undefined);
  assertEquals(textsOf([first]), ["a", "b"]);
  assertEquals([first.millisBehindLatest, first.childShards], [0, []]);
  assertEquals(first.continuationSequenceNumber, first.records[1]?.sequenceNumber);
  const { value: heartbeat } = await passing(clock, events.next());
  assertEquals(heartbeat?.records, []);
  assertEquals(heartbeat?.continuationSequenceNumber, first.continuationSequenceNumber);
  stream.put("c");
  stream.split(FIRST);
  const [end, ...more] = await rest(clock, events);
  assert(end !== undefined);
  assertEquals(textsOf([end]), ["c"]);
  assertEquals(end.continuationSequenceNumber, undefined);
  assertEquals(end.childShards.map(({ shardId }) => shardId), [
    "shardId-000000000001",
    "shardId-000000000002",
  ]);
  assertEquals(more, []);
});

Deno.test("a subscription begins at its position, with initial-response as its first message", async () => {
  const { aws, stream, clock, consumerArn, subscribe } = await bed();
  const [, second] = ["a", "b", "c"].map((text) => stream.put(text).sequenceNumber);
  assert(second !== undefined);
  const from = async (position: Parameters<typeof subscribe>[0]) => {
    const events = await subscribe(position);
    const { value } = await passing(clock, events.next());
    await events.return?.();
    clock.jump(5000);
    return value === undefined ? "" : textsOf([value]).join("");
  };
  assertEquals(await from({ type: "AT_SEQUENCE_NUMBER", sequenceNumber: second }), "bc");
  assertEquals(await from({ type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: second }), "c");
  assertEquals(await from({ type: "AT_TIMESTAMP", timestampMs: clock.epochMs() }), "");
  assertEquals(await from({ type: "LATEST" }), "");

  const response = await aws.fetch("http://x", {
    method: "POST",
    headers: signedHeaders("Kinesis_20131202.SubscribeToShard", "application/x-amz-json-1.1"),
    body: JSON.stringify({
      ConsumerARN: consumerArn,
      ShardId: FIRST,
      StartingPosition: { Type: "TRIM_HORIZON" },
    }),
  });
  assertEquals(response.headers.get("content-type"), "application/vnd.amazon.eventstream");
  assert(response.body !== null);
  const messages = eventStreamMessages(response.body);
  const types: unknown[] = [];
  for (let i = 0; i < 2; i++) {
    const { value } = await passing(clock, messages.next());
    types.push(value?.headers.get(":event-type"));
  }
  await messages.return();
  assertEquals(types, ["initial-response", "SubscribeToShardEvent"]);
});

Deno.test("a second subscription is refused within five seconds, then takes the place of the first", async () => {
  const { clock, subscribe, stream } = await bed();
  const first = await subscribe();
  clock.jump(4999);
  const error = await assertRejects(() => subscribe(), AwsServiceError);
  assertEquals([error.code, error.status], ["ResourceInUseException", 400]);
  clock.jump(1);
  const second = await subscribe();
  const taken = await assertRejects(() => passing(clock, first.next()), AwsServiceError);
  assertEquals([taken.code, taken.status], ["ResourceInUseException", undefined]);
  stream.put("a");
  assertEquals(textsOf([(await passing(clock, second.next())).value ?? { records: [] } as never]), ["a"]);
});

Deno.test("a subscription ends in order after five minutes, or when the option says", async () => {
  for (const subscriptionLifeMs of [undefined, 20_000]) {
    const { clock, subscribe } = await bed({ subscriptionLifeMs });
    const startMs = clock.monotonicMs();
    const heartbeats = await rest(clock, await subscribe());
    const tookMs = clock.monotonicMs() - startMs;
    const lifeMs = subscriptionLifeMs ?? 300_000;
    assert(tookMs >= lifeMs && tookMs < lifeMs + 500, `${tookMs}`);
    assert(heartbeats.length >= Math.floor(lifeMs / 5100), `${heartbeats.length} heartbeats`);
  }
});

Deno.test("a subscription sends no more than 2 MiB a second, and nothing while nobody asks", async () => {
  const { clock, subscribe, stream } = await bed();
  for (let i = 0; i < 10; i++) stream.put(new Uint8Array(1024 ** 2 - 10), "k");
  const events = await subscribe();
  await clock.advance(10_000);
  const startMs = clock.monotonicMs();
  stream.split(FIRST);
  const all = await rest(clock, events);
  assertEquals(all.reduce((sum, { records }) => sum + records.length, 0), 10);
  assert(all.every(({ records }) => records.length <= 1));
  // Three at once, one of them on credit; the others half a second each.
  const tookMs = clock.monotonicMs() - startMs;
  assert(tookMs > 3000 && tookMs < 6000, `${tookMs}`);
});

const FAULTS: readonly (readonly [SubscriptionFault, readonly string[], string])[] = [
  [{ type: "halfFrame" }, [], "MalformedResponse"],
  [{ type: "halfFrame", after: 1 }, ["a"], "MalformedResponse"],
  [{ type: "damagedFrame", after: 1 }, ["a"], "MalformedResponse"],
  [{ type: "cut", after: 1 }, ["a"], "NetworkError"],
  [{ type: "exception", code: "InternalFailureException", after: 1 }, ["a"], "InternalFailureException"],
  [{ type: "ended", after: 1 }, ["a"], "end"],
];
for (const [fault, wanted, code] of FAULTS) {
  Deno.test(`fault ${JSON.stringify(fault)} makes of a subscription ${wanted.length} events and ${code}`, async () => {
    const { aws, clock, subscribe, stream } = await bed();
    aws.faults.next("SubscribeToShard", fault);
    stream.put("a");
    const events = await subscribe();
    const texts: string[] = [];
    let found = "end";
    try {
      for (;;) {
        const { done, value } = await passing(clock, events.next());
        if (done) break;
        texts.push(...textsOf([value]));
        stream.put("b");
      }
    } catch (error) {
      assert(error instanceof AwsServiceError);
      found = error.code;
    }
    assertEquals([texts, found], [wanted, code]);
    clock.jump(1);
    const again = await subscribe(); // its place is free
    await again.return?.();
  });
}

Deno.test("fault silent keeps a subscription open without a word; it is gone when the reader leaves", async () => {
  const { aws, clock, subscribe, stream, stop } = await bed();
  aws.faults.next("SubscribeToShard", { type: "silent", after: 1 });
  stream.put("a");
  const events = await subscribe();
  assertEquals(textsOf([(await passing(clock, events.next())).value ?? { records: [] } as never]), ["a"]);
  const waiting = events.next();
  waiting.catch(() => {});
  stream.put("b");
  await clock.advance(200_000);
  assertLess(100_000_000, clock.pendingMs[0] ?? 0);
  const reason = new Error("left");
  stop.abort(reason);
  assertEquals(await assertRejects<Error>(() => waiting), reason);
  await clock.advance(0);
  assertEquals(clock.pendingMs, []);
});

Deno.test("fault noChildren ends a subscription at the end of its shard without them", async () => {
  const { aws, clock, subscribe, stream } = await bed();
  aws.faults.next("SubscribeToShard", { type: "noChildren" });
  stream.put("a");
  stream.split(FIRST);
  const [end, ...more] = await rest(clock, await subscribe());
  assertEquals([end?.continuationSequenceNumber, end?.childShards, more], [undefined, [], []]);
});

/** A subscription as AWS's client for JavaScript asks for it, cancelled after so many frames. */
async function cancelledSubscription(frames: number, headers: Readonly<Record<string, string>>) {
  const notices: string[] = [];
  const { aws, clock, stream, consumerArn } = await bed({ onNotice: (text) => void notices.push(text) });
  stream.put("one");
  const subscribe = async () => {
    const body = { ConsumerARN: consumerArn, ShardId: FIRST, StartingPosition: { Type: "TRIM_HORIZON" } };
    const target = signedHeaders("Kinesis_20131202.SubscribeToShard", "application/x-amz-json-1.1");
    const response = await aws.fetch(
      new Request("http://simulated/", {
        method: "POST",
        headers: { ...target, ...headers },
        body: JSON.stringify(body),
      }),
    );
    const reader = response.body?.getReader();
    assert(reader !== undefined);
    for (let i = 0; i < frames; i++) await passing(clock, reader.read());
    await reader.cancel();
  };
  await subscribe();
  clock.jump(5000);
  await subscribe();
  return notices;
}

const SCRIPT = { "user-agent": "aws-sdk-js/3.1142.0 ua/2.1 os/linux lang/js" };
const HTTP2 = {
  authorization: "AWS4-HMAC-SHA256 Credential=key/20260130/us-east-1/kinesis/aws4_request, " +
    "SignedHeaders=:authority;x-amz-date;x-amz-target, Signature=0",
};

Deno.test("a subscription that AWS's client for JavaScript loses over HTTP/2 is told once, with the remedy", async () => {
  const [notice = "", ...more] = await cancelledSubscription(1, { ...SCRIPT, ...HTTP2 });
  assert(notice.includes("requestHandler: new NodeHttpHandler()"), notice);
  assertEquals(more, []);
});

Deno.test("a subscription that gave events, or was not HTTP/2, or another client's, is no reason for a notice", async () => {
  assertEquals(await cancelledSubscription(2, { ...SCRIPT, ...HTTP2 }), []);
  assertEquals(await cancelledSubscription(1, SCRIPT), []);
  assertEquals(await cancelledSubscription(1, HTTP2), []);
});
