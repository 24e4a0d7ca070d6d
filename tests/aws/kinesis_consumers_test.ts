import { assert, assertEquals, assertLess, assertRejects, assertStrictEquals } from "@std/assert";
import type { IteratorPosition } from "../../src/aws/kinesis.ts";
import { signedKinesisConsumers } from "../../src/aws/kinesis_consumers.ts";
import { type SubscribeToShardEvent } from "../../src/aws/subscription.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { realSystem } from "../../src/system.ts";
import { badAnswers } from "../support/bad_answers.ts";
import { errorMessage, eventMessage, eventStreamMessage, exceptionMessage } from "../support/event_stream.ts";
import { type FakeHandler, startFakeKinesis, type StreamStep } from "../support/fake_kinesis.ts";
import { scriptedSystem } from "./scripted_system.ts";
import { kinesisRecord } from "../../src/stream/record.ts";

const CONSUMER = {
  ConsumerARN: "arn:consumer",
  ConsumerName: "app",
  ConsumerStatus: "CREATING",
  ConsumerCreationTimestamp: 1795404310.676,
};

const record = (n: number) => ({
  SequenceNumber: `${n}`,
  PartitionKey: `key-${n}`,
  Data: btoa(`data ${n}`),
  ApproximateArrivalTimestamp: 1769774400.123,
  EncryptionType: "KMS",
});

const event = (n: number) =>
  eventMessage("SubscribeToShardEvent", {
    Records: [record(n)],
    ContinuationSequenceNumber: `${n}`,
    MillisBehindLatest: 0,
  });

function bed(handlers: Readonly<Record<string, FakeHandler>>) {
  const server = startFakeKinesis(handlers);
  const consumers = signedKinesisConsumers({
    region: "us-east-1",
    endpoint: server.url,
    credentials: {
      accessKeyId: "key",
      secretAccessKey: "secret",
      sessionToken: undefined,
      expiresEpochMs: undefined,
    },
    system: realSystem,
  });
  return { server, consumers, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Subscribes to a stream of these steps. */
async function subscription(stream: Iterable<StreamStep>, position: IteratorPosition = { type: "LATEST" }) {
  const stop = new AbortController();
  const { server, consumers } = bed({ SubscribeToShard: () => ({ stream }) });
  const input = { consumerArn: "arn:consumer", shardId: "shardId-000000000000", position };
  const events = await consumers.subscribeToShard(input, stop.signal);
  return { server, stop, events, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const numbersOf = (events: readonly SubscribeToShardEvent[]) =>
  events.flatMap((event) => event.records.map((record) => Number(record.sequenceNumber)));

async function eventually(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 5000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  assert(condition());
}

Deno.test("describeStreamConsumer() tells ARN and status, and undefined for a consumer that is not there", async () => {
  await using one = bed({
    DescribeStreamConsumer: ({ input }) =>
      input["ConsumerName"] === "app"
        ? { body: { ConsumerDescription: CONSUMER } }
        : { status: 400, body: { __type: "ResourceNotFoundException", message: "not found" } },
  });
  assertEquals(await one.consumers.describeStreamConsumer("arn:stream", "app"), {
    consumerArn: "arn:consumer",
    consumerStatus: "CREATING",
  });
  assertEquals(await one.consumers.describeStreamConsumer("arn:stream", "other"), undefined);
  assertEquals(one.server.requests[0]?.input, { StreamARN: "arn:stream", ConsumerName: "app" });
});

Deno.test("registerStreamConsumer() tells the new consumer, and passes on at once that there is no room", async () => {
  let isFull = false;
  await using one = bed({
    RegisterStreamConsumer: () =>
      isFull
        ? { status: 400, body: { __type: "LimitExceededException", message: "20 consumers" } }
        : { body: { Consumer: CONSUMER } },
  });
  assertEquals((await one.consumers.registerStreamConsumer("arn:stream", "app")).consumerStatus, "CREATING");
  isFull = true;
  await assertRejects(
    () => one.consumers.registerStreamConsumer("arn:stream", "app"),
    AwsServiceError,
    "20 consumers",
  );
  assertEquals(one.server.requests.length, 2);
});

Deno.test("deregisterStreamConsumer() says whether there was one", async () => {
  let isThere = true;
  await using one = bed({
    DeregisterStreamConsumer: () =>
      isThere ? {} : { status: 400, body: { __type: "ResourceNotFoundException" } },
  });
  assertEquals(await one.consumers.deregisterStreamConsumer("arn:consumer"), true);
  isThere = false;
  assertEquals(await one.consumers.deregisterStreamConsumer("arn:consumer"), false);
  assertEquals(one.server.requests[0]?.input, { ConsumerARN: "arn:consumer" });
});

Deno.test("subscribeToShard() names consumer, shard and position", async () => {
  const positions: readonly (readonly [IteratorPosition, Record<string, unknown>])[] = [
    [{ type: "TRIM_HORIZON" }, { Type: "TRIM_HORIZON" }],
    [{ type: "LATEST" }, { Type: "LATEST" }],
    [{ type: "AT_SEQUENCE_NUMBER", sequenceNumber: "7" }, {
      Type: "AT_SEQUENCE_NUMBER",
      SequenceNumber: "7",
    }],
    [{ type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "7" }, {
      Type: "AFTER_SEQUENCE_NUMBER",
      SequenceNumber: "7",
    }],
    [{ type: "AT_TIMESTAMP", timestampMs: 1500 }, { Type: "AT_TIMESTAMP", Timestamp: 1.5 }],
  ];
  for (const [position, StartingPosition] of positions) {
    await using one = await subscription([], position);
    assertEquals(await Array.fromAsync(one.events), []);
    assertEquals(one.server.requests[0]?.input, {
      ConsumerARN: "arn:consumer",
      ShardId: "shardId-000000000000",
      StartingPosition,
    });
  }
});

Deno.test("subscribeToShard() decodes records, times and children, and passes over what it does not know", async () => {
  const range = { StartingHashKey: "0", EndingHashKey: "9" };
  await using one = await subscription([
    eventMessage("initial-response", {}),
    event(1),
    eventMessage("SomethingNew", { Records: [record(2)] }),
    eventMessage("SubscribeToShardEvent", {
      Records: [],
      ContinuationSequenceNumber: "5",
      MillisBehindLatest: 70,
      ChildShards: null,
    }),
    eventMessage("SubscribeToShardEvent", {
      Records: null,
      ContinuationSequenceNumber: null,
      ChildShards: [{ ShardId: "child", ParentShards: ["a", "b"], HashKeyRange: range }],
    }),
  ]);
  assertEquals(await Array.fromAsync(one.events), [
    {
      records: [kinesisRecord({
        sequenceNumber: "1",
        subSequenceNumber: 0,
        partitionKey: "key-1",
        explicitHashKey: undefined,
        data: new TextEncoder().encode("data 1"),
        approximateArrivalTimestamp: 1769774400123,
        encryptionType: "KMS",
        aggregated: false,
      })],
      bytes: 6,
      continuationSequenceNumber: "1",
      millisBehindLatest: 0,
      childShards: [],
    },
    { records: [], bytes: 0, continuationSequenceNumber: "5", millisBehindLatest: 70, childShards: [] },
    {
      records: [],
      bytes: 0,
      continuationSequenceNumber: undefined,
      millisBehindLatest: undefined,
      childShards: [{
        shardId: "child",
        parentShards: ["a", "b"],
        hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
      }],
    },
  ]);
});

Deno.test("subscribeToShard() puts together messages that come byte by byte", async () => {
  const bytes = [...event(1), ...event(2)].map((byte) => Uint8Array.of(byte));
  await using one = await subscription(bytes);
  assertEquals(numbersOf(await Array.fromAsync(one.events)), [1, 2]);
});

Deno.test("subscribeToShard() throws what comes in place of the stream, and does not try again", async () => {
  await using one = bed({
    SubscribeToShard: () => ({
      status: 400,
      body: { __type: "ResourceInUseException", message: "5 seconds" },
    }),
  });
  const input = { consumerArn: "arn", shardId: "shard", position: { type: "LATEST" } } as const;
  const error = await assertRejects(
    () => one.consumers.subscribeToShard(input, new AbortController().signal),
    AwsServiceError,
    "kinesis SubscribeToShard failed: ResourceInUseException (HTTP 400): 5 seconds [request r-1]",
  );
  assertEquals([error.code, error.status, one.server.requests.length], ["ResourceInUseException", 400, 1]);
});

Deno.test("subscribeToShard() refuses a success that is no event stream", async () => {
  await using one = bed({ SubscribeToShard: () => ({ body: {} }) });
  const input = { consumerArn: "arn", shardId: "shard", position: { type: "LATEST" } } as const;
  await assertRejects(
    () => one.consumers.subscribeToShard(input, new AbortController().signal),
    AwsServiceError,
    "expected an event stream",
  );
});

const FAILURES: readonly (readonly [string, StreamStep, string, boolean, string])[] = [
  [
    "an exception that the stream tells",
    exceptionMessage("ResourceInUseException", "Another one took over"),
    "ResourceInUseException",
    false,
    "Another one took over",
  ],
  [
    "a throttling of KMS",
    exceptionMessage("KMSThrottlingException", "slow down"),
    "KMSThrottlingException",
    true,
    "slow down",
  ],
  ["an error that the stream tells", errorMessage("InternalError", "oh"), "InternalError", true, "oh"],
  ["a broken connection", "disconnect", "NetworkError", true, "the connection was lost"],
  ["an end inside a message", event(2).slice(0, 30), "MalformedResponse", true, "it ends inside a message"],
  [
    "a damaged message",
    event(2).map((byte, i) => i === 50 ? byte ^ 1 : byte),
    "MalformedResponse",
    true,
    "expected CRC-32",
  ],
  [
    "a payload that is no JSON",
    eventStreamMessage({
      headers: { ":message-type": "event", ":event-type": "SubscribeToShardEvent" },
      payload: "<html>",
    }),
    "MalformedResponse",
    true,
    "expected a SubscribeToShardEvent",
  ],
  [
    "a payload of a record that is not base64",
    eventMessage("SubscribeToShardEvent", { Records: [{ ...record(2), Data: "%%%%" }] }),
    "MalformedResponse",
    true,
    "expected a SubscribeToShardEvent",
  ],
];

for (const [what, step, code, retryable, says] of FAILURES) {
  Deno.test(`subscribeToShard() gives the events before ${what}, then throws it`, async () => {
    await using one = await subscription([event(1), step]);
    assertEquals((await one.events.next()).value?.continuationSequenceNumber, "1");
    const error = await assertRejects(() => one.events.next(), AwsServiceError, says);
    assertEquals([error.code, error.retryable, error.operation], [code, retryable, "SubscribeToShard"]);
  });
}

Deno.test("subscribeToShard() ends with the signal's reason while it waits, and closes the connection", async () => {
  await using one = await subscription([event(1), "hang"]);
  await one.events.next();
  const reason = new Error("lease lost");
  const waiting = assertRejects(() => one.events.next(), Error);
  one.stop.abort(reason);
  assertStrictEquals(await waiting, reason);
  await eventually(() => one.server.openStreams() === 0);
});

Deno.test("subscribeToShard() closes the connection when the iteration is left", async () => {
  await using one = await subscription([event(1), "hang"]);
  for await (const _ of one.events) break;
  await eventually(() => one.server.openStreams() === 0);
});

Deno.test("subscribeToShard() holds the sender up while nobody asks for events", async () => {
  const big = eventMessage("SubscribeToShardEvent", {
    Records: [],
    ContinuationSequenceNumber: "1",
    Padding: "1".repeat(1 << 20),
  });
  await using one = await subscription(Array(200).fill(big));
  await one.events.next();
  let sent = -1;
  while (sent !== one.server.steps()) {
    sent = one.server.steps();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assertLess(sent, 50);
  one.stop.abort();
  await one.events.return?.();
});

Deno.test("subscribeToShard() leaves a fault of the service to the loop that paces itself", async () => {
  await using one = bed({
    SubscribeToShard: () => ({ status: 500, body: { __type: "InternalFailureException", message: "no" } }),
  });
  const input = { consumerArn: "arn", shardId: "shard", position: { type: "LATEST" } } as const;
  await assertRejects(
    () => one.consumers.subscribeToShard(input, new AbortController().signal),
    AwsServiceError,
  );
  assertEquals(one.server.requests.length, 1);
});

const NO_EVENTS: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(
    Object.entries(badAnswers({ data: "AQID", time: 1.7e9 }))
      .map(([what, answer]) => [`has ${what}`, { ...answer, ContinuationSequenceNumber: "9" }]),
  ),
  "is a list": [],
  "is a number": 5,
  "is a text": "x",
  "is null": null,
  "is true": true,
  "is an empty object": {},
  "goes on after a number": { Records: [], ContinuationSequenceNumber: 5 },
  "goes on after a text": { Records: [], ContinuationSequenceNumber: "next" },
  "goes on after 130 nines": { Records: [], ContinuationSequenceNumber: "9".repeat(130) },
};
for (const [what, payload] of Object.entries(NO_EVENTS)) {
  Deno.test(`subscribeToShard() fails as malformed at an event that ${what}, in place of the end of the shard`, async () => {
    await using one = await subscription([event(1), eventMessage("SubscribeToShardEvent", payload)]);
    assertEquals((await one.events.next()).done, false);
    const error = await assertRejects(() => one.events.next(), AwsServiceError);
    assertEquals([error.code, error.retryable], ["MalformedResponse", true]);
  });
}

Deno.test("describeStreamConsumer() takes a consumer without ARN or status for malformed", async () => {
  for (
    const ConsumerDescription of [
      { ConsumerARN: "arn:c" },
      { ConsumerStatus: "ACTIVE" },
      { ConsumerARN: 5, ConsumerStatus: "ACTIVE" },
      [],
    ]
  ) {
    const { system, onEvent } = scriptedSystem(
      Array.from({ length: 5 }, () => ({ body: { ConsumerDescription } })),
    );
    const credentials = {
      accessKeyId: "key",
      secretAccessKey: "secret",
      sessionToken: undefined,
      expiresEpochMs: undefined,
    };
    const consumers = signedKinesisConsumers({ region: "us-east-1", credentials, system, onEvent });
    const error = await assertRejects(() => consumers.describeStreamConsumer("arn:s", "c"), AwsServiceError);
    assertEquals(error.code, "MalformedResponse");
  }
});
