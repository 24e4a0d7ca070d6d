/** What the emulators cannot show: ARNs, paging, nulls, throttling. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Kinesis,
  READ_RETRY_POLICY,
  signedKinesis,
  type StreamReference,
} from "../../src/aws/kinesis.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { BAD_ITERATORS, badAnswers } from "../support/bad_answers.ts";
import { type ScriptedSystem, scriptedSystem, type Step } from "./scripted_system.ts";
import { kinesisRecord } from "../../src/stream/record.ts";

const ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";
const BY_NAME: StreamReference = { streamName: "orders", streamArn: undefined };
const BY_ARN: StreamReference = { streamName: "orders", streamArn: ARN };
const KEYS = { accessKeyId: "a", secretAccessKey: "s", sessionToken: undefined, expiresEpochMs: undefined };
const RANGE = { StartingHashKey: "0", EndingHashKey: "9" };

function kinesisWith(...steps: readonly Step[]): ScriptedSystem & { readonly kinesis: Kinesis } {
  const scripted = scriptedSystem(steps);
  const { system, onEvent } = scripted;
  return {
    ...scripted,
    kinesis: signedKinesis({ region: "eu-central-1", credentials: KEYS, system, onEvent }),
  };
}

const inputs = (scripted: ScriptedSystem) => scripted.requests.map((request) => JSON.parse(request.body));
const failing = (__type: string, status = 400): Step => ({ status, body: { __type, message: "no" } });
const wireShard = (id: string, more: Record<string, unknown> = {}) => ({
  ShardId: id,
  HashKeyRange: RANGE,
  SequenceNumberRange: { StartingSequenceNumber: "1" },
  ...more,
});

Deno.test("listShards() sends name and ARN first, then nothing but the token, and joins the pages", async () => {
  const scripted = kinesisWith(
    { body: { Shards: [wireShard("s0"), wireShard("s1")], NextToken: "t1" } },
    { body: { Shards: [], NextToken: "t2" } },
    { body: { Shards: [wireShard("s2")], NextToken: null } },
  );
  const shards = await scripted.kinesis.listShards(BY_ARN, { type: "FROM_TIMESTAMP", timestampMs: 1500 });
  assertEquals(shards.map((shard) => shard.shardId), ["s0", "s1", "s2"]);
  assertEquals(inputs(scripted), [
    { StreamName: "orders", StreamARN: ARN, ShardFilter: { Type: "FROM_TIMESTAMP", Timestamp: 1.5 } },
    { NextToken: "t1" },
    { NextToken: "t2" },
  ]);
});

Deno.test("listShards() reads absent and null parents and ends alike", async () => {
  const range = { StartingSequenceNumber: "1", EndingSequenceNumber: null };
  const { kinesis } = kinesisWith({
    body: {
      Shards: [
        wireShard("s0"),
        wireShard("s0", { ParentShardId: null, AdjacentParentShardId: null, SequenceNumberRange: range }),
      ],
    },
  });
  const [absent, nulls] = await kinesis.listShards(BY_NAME);
  assertEquals(absent, nulls);
  assertEquals(absent, {
    shardId: "s0",
    parentShardId: undefined,
    adjacentParentShardId: undefined,
    hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
    startingSequenceNumber: "1",
    endingSequenceNumber: undefined,
  });
});

Deno.test("listShards() waits out LimitExceededException, pausing longer than for a fault", async () => {
  const { kinesis, pauses } = kinesisWith(
    ...Array.from({ length: 20 }, () => failing("LimitExceededException")),
    { body: { Shards: [] } },
  );
  assertEquals(await kinesis.listShards(BY_NAME), []);
  assertEquals(pauses.slice(0, 3), [750, 1500, 1500]); // half of 1500 and of the cap of 3000: chance is 0.5
  assertEquals(pauses.length, 20);
});

Deno.test("describeStreamSummary() asks by name and ARN, and reads null as unknown", async () => {
  const scripted = kinesisWith(
    {
      body: {
        StreamDescriptionSummary: {
          StreamName: "orders",
          StreamARN: ARN,
          StreamStatus: "UPDATING",
          StreamCreationTimestamp: 1.7e9,
          OpenShardCount: 4,
          RetentionPeriodHours: 48,
          StreamModeDetails: { StreamMode: "ON_DEMAND" },
        },
      },
    },
    {
      body: {
        StreamDescriptionSummary: {
          StreamName: "orders",
          StreamARN: null,
          StreamStatus: "ACTIVE",
          OpenShardCount: null,
        },
      },
    },
  );
  assertEquals(await scripted.kinesis.describeStreamSummary(BY_ARN), {
    streamName: "orders",
    streamArn: ARN,
    streamStatus: "UPDATING",
    streamCreationEpochS: 1.7e9,
    openShardCount: 4,
    retentionPeriodHours: 48,
    streamMode: "ON_DEMAND",
  });
  assertEquals(await scripted.kinesis.describeStreamSummary(BY_NAME), {
    streamName: "orders",
    streamArn: undefined,
    streamStatus: "ACTIVE",
    streamCreationEpochS: undefined,
    openShardCount: undefined,
    retentionPeriodHours: undefined,
    streamMode: undefined,
  });
  assertEquals(inputs(scripted), [{ StreamName: "orders", StreamARN: ARN }, { StreamName: "orders" }]);
});

Deno.test("getShardIterator() writes each kind of position, times in seconds", async () => {
  const answers = ["i0", "i1", "i2", "i3", null].map((ShardIterator) => ({ body: { ShardIterator } }));
  const scripted = kinesisWith(...answers);
  const { kinesis } = scripted;
  assertEquals(await kinesis.getShardIterator(BY_ARN, "s", { type: "LATEST" }), "i0");
  await kinesis.getShardIterator(BY_NAME, "s", { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "7" });
  await kinesis.getShardIterator(BY_NAME, "s", { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "8" });
  await kinesis.getShardIterator(BY_NAME, "s", { type: "AT_TIMESTAMP", timestampMs: 1700000000123 });
  assertEquals(await kinesis.getShardIterator(BY_NAME, "s", { type: "TRIM_HORIZON" }), undefined);
  assertEquals(inputs(scripted), [
    { StreamName: "orders", StreamARN: ARN, ShardId: "s", ShardIteratorType: "LATEST" },
    {
      StreamName: "orders",
      ShardId: "s",
      ShardIteratorType: "AT_SEQUENCE_NUMBER",
      StartingSequenceNumber: "7",
    },
    {
      StreamName: "orders",
      ShardId: "s",
      ShardIteratorType: "AFTER_SEQUENCE_NUMBER",
      StartingSequenceNumber: "8",
    },
    { StreamName: "orders", ShardId: "s", ShardIteratorType: "AT_TIMESTAMP", Timestamp: 1700000000.123 },
    { StreamName: "orders", ShardId: "s", ShardIteratorType: "TRIM_HORIZON" },
  ]);
});

const WIRE_RECORD = {
  SequenceNumber: "49590338271490256608559692538361571095921575989136588898",
  PartitionKey: "key",
  Data: "AQID",
  ApproximateArrivalTimestamp: 1700000000.1239998,
};

Deno.test("getRecords() reads records, children and the end of the shard", async () => {
  const scripted = kinesisWith({
    body: {
      Records: [{ ...WIRE_RECORD, EncryptionType: "KMS" }, {
        ...WIRE_RECORD,
        SequenceNumber: `${WIRE_RECORD.SequenceNumber}0`,
        Data: "",
        EncryptionType: null,
      }],
      NextShardIterator: null,
      MillisBehindLatest: 1234,
      ChildShards: [
        { ShardId: "s1", ParentShards: ["s0"], HashKeyRange: RANGE },
        { ShardId: "s2", ParentShards: null, HashKeyRange: RANGE },
      ],
    },
  });
  const range = { startingHashKey: "0", endingHashKey: "9" };
  const record = {
    sequenceNumber: WIRE_RECORD.SequenceNumber,
    subSequenceNumber: 0,
    partitionKey: "key",
    explicitHashKey: undefined,
    approximateArrivalTimestamp: 1700000000124,
    aggregated: false,
  };
  assertEquals(await scripted.kinesis.getRecords(BY_ARN, "it", 500), {
    records: [
      kinesisRecord({ ...record, data: new Uint8Array([1, 2, 3]), encryptionType: "KMS" }),
      kinesisRecord({
        ...record,
        sequenceNumber: `${record.sequenceNumber}0`,
        data: new Uint8Array(0),
        encryptionType: undefined,
      }),
    ],
    bytes: 3,
    nextShardIterator: undefined,
    millisBehindLatest: 1234,
    childShards: [
      { shardId: "s1", parentShards: ["s0"], hashKeyRange: range },
      { shardId: "s2", parentShards: [], hashKeyRange: range },
    ],
  });
  assertEquals(inputs(scripted), [{ ShardIterator: "it", Limit: 500, StreamARN: ARN }]);
});

Deno.test("getRecords() of nothing is an empty page, whether the fields beside it are absent or null", async () => {
  const nulls = { Records: null, NextShardIterator: "n", MillisBehindLatest: null, ChildShards: null };
  const scripted = kinesisWith({ body: nulls }, { body: { Records: [], NextShardIterator: "n" } });
  for (let i = 0; i < 2; i++) {
    assertEquals(await scripted.kinesis.getRecords(BY_NAME, "it", 10), {
      records: [],
      bytes: 0,
      nextShardIterator: "n",
      millisBehindLatest: undefined,
      childShards: [],
    });
  }
  assertEquals(inputs(scripted)[0], { ShardIterator: "it", Limit: 10 });
});

Deno.test("getRecords() leaves throttling to its caller and tries a fault twice", async () => {
  assertEquals([READ_RETRY_POLICY.attempts, READ_RETRY_POLICY.throttledAttempts], [2, 1]);
  const throttled = kinesisWith(failing("ProvisionedThroughputExceededException"), { body: {} });
  const error = await assertRejects(() => throttled.kinesis.getRecords(BY_NAME, "it", 10), AwsServiceError);
  assert(error.retryable);
  assertEquals(throttled.requests.length, 1);
  const faulty = kinesisWith(failing("InternalFailure", 500), failing("InternalFailure", 500), { body: {} });
  await assertRejects(() => faulty.kinesis.getRecords(BY_NAME, "it", 10), AwsServiceError);
  assertEquals(faulty.requests.length, 2);
});

Deno.test("answers of a wrong shape are MalformedResponse", async () => {
  const wrong = [{ Records: [{ ...WIRE_RECORD, Data: "A" }] }, { Records: 7 }, { Records: [null] }, {
    Records: [{ PartitionKey: "no data" }],
  }];
  for (const body of wrong) {
    const { kinesis } = kinesisWith({ body }, { body });
    const error = await assertRejects(() => kinesis.getRecords(BY_NAME, "it", 10), AwsServiceError);
    assertEquals([error.code, error.status, error.retryable], ["MalformedResponse", 200, true]);
  }
  const { kinesis } = kinesisWith(...Array.from({ length: 5 }, () => ({ body: {} })));
  const error = await assertRejects(() => kinesis.describeStreamSummary(BY_NAME), AwsServiceError);
  assertEquals(error.code, "MalformedResponse");
});

Deno.test("signedKinesis() refuses a region that cannot be one", () => {
  const { system } = scriptedSystem([]);
  const error = (() => {
    try {
      signedKinesis({ region: "nowhere", credentials: KEYS, system });
    } catch (thrown) {
      return thrown;
    }
  })();
  assert(error instanceof TypeError && error.message.includes('"nowhere"'));
});

Deno.test("listShards() reads both parents of a merged shard", async () => {
  const { kinesis } = kinesisWith({
    body: { Shards: [wireShard("s2", { ParentShardId: "s0", AdjacentParentShardId: "s1" })] },
  });
  const [shard] = await kinesis.listShards(BY_NAME);
  assertEquals([shard?.parentShardId, shard?.adjacentParentShardId], ["s0", "s1"]);
});

Deno.test("an abort ends a call of each kind at once", async () => {
  const calls: ((kinesis: Kinesis, signal: AbortSignal) => Promise<unknown>)[] = [
    (kinesis, signal) => kinesis.describeStreamSummary(BY_NAME, signal),
    (kinesis, signal) => kinesis.listShards(BY_NAME, undefined, signal),
    (kinesis, signal) => kinesis.getShardIterator(BY_NAME, "s0", { type: "LATEST" }, signal),
    (kinesis, signal) => kinesis.getRecords(BY_NAME, "iterator", 10, signal),
  ];
  for (const call of calls) {
    const stop = new AbortController();
    const reason = new Error("stop");
    const stopping: Step = () => {
      stop.abort(reason);
      return new Error("the connection is closed");
    };
    const { kinesis } = kinesisWith(stopping, stopping);
    assertEquals(await call(kinesis, stop.signal).catch((error) => error), reason, `${call}`);
  }
});

for (
  const [what, body] of Object.entries({
    ...badAnswers({ data: "AQID", time: 1.7e9 }),
    "Data that are no base64": { Records: [{ ...WIRE_RECORD, Data: "A" }], NextShardIterator: "n" },
    ...BAD_ITERATORS,
  })
) {
  Deno.test(`getRecords() takes an answer for malformed that has ${what}, and asks again`, async () => {
    const { kinesis, requests } = kinesisWith({ body }, { body });
    const error = await assertRejects(() => kinesis.getRecords(BY_NAME, "it", 10), AwsServiceError);
    assertEquals([error.code, error.retryable, requests.length], ["MalformedResponse", true, 2]);
  });
}

Deno.test("getRecords() takes the greatest sequence number that Kinesis may give, after a shorter one", async () => {
  const numbers = ["0", "9", "10", "9".repeat(129)];
  const Records = numbers.map((SequenceNumber) => ({ ...WIRE_RECORD, SequenceNumber }));
  const { kinesis } = kinesisWith({ body: { Records, NextShardIterator: "n" } });
  const { records } = await kinesis.getRecords(BY_NAME, "it", 10);
  assertEquals(records.map(({ sequenceNumber }) => sequenceNumber), numbers);
});

const SHARD = wireShard("s0");
const BAD_LISTINGS: Readonly<Record<string, unknown>> = {
  "no Shards": {},
  "Shards that are null": { Shards: null },
  "Shards that are no list": { Shards: SHARD },
  "a shard that is null": { Shards: [null] },
  "a shard without id": { Shards: [{ ...SHARD, ShardId: undefined }] },
  "a parent that is a number": { Shards: [{ ...SHARD, ParentShardId: 7 }] },
  "another parent that is empty": { Shards: [{ ...SHARD, AdjacentParentShardId: "" }] },
  "a shard without range": { Shards: [{ ...SHARD, HashKeyRange: null }] },
  "a hash key that is no number": {
    Shards: [{ ...SHARD, HashKeyRange: { ...RANGE, StartingHashKey: "zero" } }],
  },
  "a shard without its first number": { Shards: [{ ...SHARD, SequenceNumberRange: {} }] },
  "an ending number of another kind": {
    Shards: [{ ...SHARD, SequenceNumberRange: { StartingSequenceNumber: "1", EndingSequenceNumber: 9 } }],
  },
  "a NextToken that is a number": { Shards: [], NextToken: 5 },
};
for (const [what, body] of Object.entries(BAD_LISTINGS)) {
  Deno.test(`listShards() takes an answer for malformed that has ${what}`, async () => {
    const { kinesis } = kinesisWith(...Array.from({ length: 5 }, () => ({ body })));
    const error = await assertRejects(() => kinesis.listShards(BY_NAME), AwsServiceError);
    assertEquals([error.code, error.retryable], ["MalformedResponse", true]);
  });
}

Deno.test("listShards() does not follow a token that leads to itself", async () => {
  const { kinesis } = kinesisWith(
    ...Array.from({ length: 6 }, () => ({ body: { Shards: [], NextToken: "t" } })),
  );
  const error = await assertRejects(() => kinesis.listShards(BY_NAME), AwsServiceError);
  assertEquals(error.code, "MalformedResponse");
});

const SUMMARY = { StreamName: "orders", StreamStatus: "ACTIVE" };
for (
  const [what, summary] of Object.entries({
    "that is a list": [SUMMARY],
    "without a name": { ...SUMMARY, StreamName: undefined },
    "whose status is a number": { ...SUMMARY, StreamStatus: 1 },
    "whose ARN is a number": { ...SUMMARY, StreamARN: 5 },
    "whose time is a text": { ...SUMMARY, StreamCreationTimestamp: "today" },
  })
) {
  Deno.test(`describeStreamSummary() takes an answer for malformed that has a summary ${what}`, async () => {
    const body = { StreamDescriptionSummary: summary };
    const { kinesis } = kinesisWith(...Array.from({ length: 5 }, () => ({ body })));
    const error = await assertRejects(() => kinesis.describeStreamSummary(BY_NAME), AwsServiceError);
    assertEquals(error.code, "MalformedResponse");
  });
}

Deno.test("getShardIterator() takes an iterator that is no text for malformed, and none for the end", async () => {
  const body = { ShardIterator: 5 };
  const { kinesis } = kinesisWith({ body }, { body }, { body: {} }, { body: { ShardIterator: null } });
  const open = () => kinesis.getShardIterator(BY_NAME, "s0", { type: "LATEST" });
  const error = await assertRejects(open, AwsServiceError);
  assertEquals(error.code, "MalformedResponse");
  assertEquals([await open(), await open()], [undefined, undefined]);
});
