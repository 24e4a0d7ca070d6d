/** What faults do to calls over loopback HTTP, and what the signed calls of `aws/` make of them. */

import { assert, assertEquals, assertGreaterOrEqual, assertRejects, assertThrows } from "@std/assert";
import { cborKinesis } from "../../../src/aws/cbor_kinesis.ts";
import { signedDynamoDB } from "../../../src/aws/dynamodb.ts";
import { signedKinesis } from "../../../src/aws/kinesis.ts";
import { AwsServiceError } from "../../../src/errors.ts";
import type { WorkerEventListener } from "../../../src/events.ts";
import { type AwsFault, simulatedAws } from "../../../src/testing/mod.ts";
import { servedSimulated, simulated } from "../../support/simulated.ts";

const LEASES = {
  TableName: "leases",
  KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }],
  BillingMode: "PAY_PER_REQUEST",
};
const KEY = { leaseKey: { S: "a" } };

/** An emulator with a counter, and a client that tells its attempts and does not wait for an answer for long. */
async function bed(attemptTimeoutMs = 250) {
  const made = servedSimulated({ streams: { words: 1 } });
  const retried: string[] = [];
  const onEvent: WorkerEventListener = (event) => {
    if (event.type === "requestRetried") retried.push(event.code);
  };
  const options = { ...made.service, onEvent, attemptTimeoutMs };
  await made.call("CreateTable", LEASES);
  await made.system.clock.sleep(2);
  const dynamodb = signedDynamoDB(options);
  const count = async () => {
    const expressions = { ExpressionAttributeValues: { ":one": { N: "1" } } };
    return await dynamodb.updateItem("leases", KEY, "ADD n :one", expressions);
  };
  const stored = () =>
    made.aws.table("leases").items().map(({ n }) => n !== undefined && "N" in n ? Number(n.N) : NaN);
  return { ...made, dynamodb, kinesis: signedKinesis(options), retried, count, stored };
}

/** Each fault, twice in a row: what it is to a client, and how often the call is done in the end. */
const RETRIED: readonly (readonly [AwsFault, string, number])[] = [
  [{ type: "throttled" }, "ProvisionedThroughputExceededException", 1],
  [{ type: "throttled", code: "ThrottlingException" }, "ThrottlingException", 1],
  [{ type: "internal" }, "InternalServerError", 1],
  [{ type: "unavailable" }, "Http503", 1],
  [{ type: "dropped" }, "NetworkError", 1],
  [{ type: "answerLost" }, "NetworkError", 3],
  [{ type: "hanging" }, "TimeoutError", 1],
  [{ type: "hanging", isDone: true }, "TimeoutError", 3],
  [{ type: "slow", ms: 300 }, "TimeoutError", 3],
  [{ type: "wrongChecksum" }, "ChecksumMismatch", 3],
  [{ type: "truncated" }, "ChecksumMismatch", 3],
];

for (const [fault, code, done] of RETRIED) {
  Deno.test(`a call that meets ${JSON.stringify(fault)} twice is repeated after ${code}, and done ${done} times`, async () => {
    await using one = await bed();
    one.aws.faults.next("UpdateItem", { ...fault, times: 2 });
    assertEquals((await one.count()).applied, true);
    assertEquals(one.retried, [code, code]);
    assertEquals(one.stored(), [done]);
    assertEquals([one.aws.faults.met("UpdateItem"), one.aws.faults.met()], [2, 2]);
  });
}

Deno.test("a call that meets any other refusal throws it with its words", async () => {
  await using one = await bed();
  one.aws.faults.next("UpdateItem", { type: "refused", code: "AccessDeniedException", message: "not you" });
  const error = await assertRejects(() => one.count(), AwsServiceError, "not you");
  assertEquals([error.code, error.status, error.retryable], ["AccessDeniedException", 400, false]);
  one.aws.faults.next("UpdateItem", { type: "refused", code: "RequestTimeout", status: 408 });
  await one.count();
  assertEquals(one.retried, ["RequestTimeout"]);
});

Deno.test("a lost answer to a conditional write looks like a refusal to the attempt that follows", async () => {
  await using one = await bed();
  one.aws.faults.next("PutItem", { type: "answerLost" });
  const absent = { ConditionExpression: "attribute_not_exists(leaseKey)" };
  assertEquals(await one.dynamodb.putItem("leases", KEY, absent), { applied: false, item: KEY });
});

Deno.test("GetRecords without a checksum is malformed when it is cut off", async () => {
  await using one = await bed();
  one.aws.stream("words").put("a");
  const stream = { streamName: "words", streamArn: undefined };
  const start = await one.kinesis.getShardIterator(stream, "shardId-000000000000", { type: "TRIM_HORIZON" });
  one.aws.faults.next("GetRecords", { type: "truncated" });
  assertEquals((await one.kinesis.getRecords(stream, start ?? "", 10)).records.length, 1);
  assertEquals(one.retried, ["MalformedResponse"]);
});

Deno.test("slow answers come late, and in place of fetch an abort ends the wait for them", async () => {
  const { aws, call, dynamodb } = simulated({ streams: { words: 1 } });
  aws.faults.next("ListStreams", { type: "slow", ms: 30 });
  const startMs = performance.now();
  assertEquals((await call("ListStreams", {})).body.StreamNames, ["words"]);
  assertGreaterOrEqual(performance.now() - startMs, 29);
  aws.faults.next("DescribeTable", { type: "hanging" });
  const reason = new Error("enough");
  const stop = new AbortController();
  const waiting = dynamodb.describeTable("leases", stop.signal);
  waiting.catch(() => {});
  stop.abort(reason);
  assertEquals(await assertRejects<Error>(() => waiting), reason);
});

Deno.test("close() breaks off what hangs, so that a server can be shut down", async () => {
  const one = servedSimulated({ streams: { words: 1 } });
  one.aws.faults.next("ListStreams", { type: "hanging" });
  const waiting = assertRejects(() => one.call("ListStreams", {}));
  while (one.aws.faults.met() === 0) await one.system.clock.sleep(1);
  await one[Symbol.asyncDispose]();
  await waiting;
});

Deno.test("faults wait for the calls that they are meant for, in order, and can be cleared", async () => {
  const { aws: { faults }, call } = simulated({ streams: { words: 2 } });
  const outcome = async (input: object = {}) => (await call("ListStreams", { ...input })).body.__type ?? "ok";
  faults.next("ListStreams", { type: "refused", code: "First", when: ({ Limit }) => Limit === 1 });
  faults.next("*", { type: "refused", code: "Second" });
  assertEquals(await outcome(), "Second");
  assertEquals(await outcome(), "ok");
  assertEquals(await outcome({ Limit: 1 }), "First");
  assertEquals(await outcome({ Limit: 1 }), "ok");
  faults.next("ListStreams", { type: "internal", times: Infinity });
  faults.next("ListShards", { type: "internal", times: Infinity });
  for (let i = 0; i < 5; i++) assertEquals(await outcome(), "InternalFailure");
  faults.clear("ListStreams");
  assertEquals(await outcome(), "ok");
  assertEquals((await call("ListShards", { StreamName: "words" })).status, 500);
  faults.clear();
  assertEquals((await call("ListShards", { StreamName: "words" })).status, 200);
});

Deno.test("a fault of a probability is met by about so many calls", async () => {
  let state = 1;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const { clock } = simulated().system;
  const { aws, call } = simulated({ system: { clock, random } });
  aws.faults.next("ListStreams", { type: "internal", probability: 0.3, times: Infinity });
  let failed = 0;
  for (let i = 0; i < 500; i++) if ((await call("ListStreams", {})).status === 500) failed++;
  assert(failed > 100 && failed < 200, `${failed}`);
});

Deno.test("faults that cannot be met are refused, and so are too many of them", () => {
  const { faults } = simulatedAws();
  assertThrows(() => faults.next("GetRecord", { type: "internal" }), TypeError, 'got "GetRecord"');
  assertThrows(
    () => faults.next("GetRecords", { type: "halfFrame" }),
    TypeError,
    "expected SubscribeToShard",
  );
  assertThrows(
    () => faults.next("*", { type: "noChildren" }),
    TypeError,
    "expected GetRecords or SubscribeToShard",
  );
  assertThrows(() => faults.next("SubscribeToShard", { type: "truncated" }), TypeError, "for streams");
  assertThrows(() => faults.next("GetRecords", { type: "internal", times: 0 }), RangeError, "times >= 1");
  assertThrows(
    () => faults.next("GetRecords", { type: "internal", probability: 2 }),
    RangeError,
    "probability",
  );
  for (let i = 0; i < 1000; i++) faults.next("GetRecords", { type: "internal" });
  assertThrows(() => faults.next("GetRecords", { type: "internal" }), RangeError, "at most 1000");
});

const WRONG_FIELDS: readonly (readonly [operation: string, field: string, value?: unknown])[] = [
  ["GetRecords", "Records"],
  ["GetRecords", "Records.0.SequenceNumber"],
  ["GetRecords", "Records.1.SequenceNumber", "9".repeat(130)],
  ["GetRecords", "Records.1.Data", 5],
  ["GetRecords", "NextShardIterator", 5],
  ["GetRecords", "MillisBehindLatest", "soon"],
  ["GetRecords", "", []],
  ["ListShards", "Shards"],
  ["ListShards", "Shards.0.HashKeyRange.EndingHashKey", 9],
  ["Scan", "Items"],
  ["Scan", "Items.0.leaseKey.S", 7],
  ["DescribeTable", "Table.KeySchema", {}],
];

for (const [operation, field, value] of WRONG_FIELDS) {
  Deno.test(`a call that meets a wrong field is repeated as malformed: ${operation}, ${field || "all of it"}`, async () => {
    await using one = await bed(10_000);
    for (const text of ["a", "b"]) one.aws.stream("words").put(text);
    await one.count();
    const stream = { streamName: "words", streamArn: undefined };
    const start = await one.kinesis.getShardIterator(stream, "shardId-000000000000", {
      type: "TRIM_HORIZON",
    });
    one.aws.faults.next(operation, { type: "wrongField", field, value });
    const lengths: Readonly<Record<string, () => Promise<number | undefined>>> = {
      GetRecords: async () => (await one.kinesis.getRecords(stream, start ?? "", 10)).records.length,
      ListShards: async () => (await one.kinesis.listShards(stream)).length,
      Scan: async () => (await one.dynamodb.scan("leases")).length,
      DescribeTable: async () => (await one.dynamodb.describeTable("leases"))?.keySchema.length,
    };
    assertEquals(await lengths[operation]?.(), operation === "GetRecords" ? 2 : 1);
    assertEquals(one.retried, ["MalformedResponse"]);
  });
}

Deno.test("a wrong field comes in CBOR as in JSON, and leaves the other fields alone", async () => {
  const { aws, kinesis, service } = simulated({ streams: { words: 1 }, isReadLimited: false });
  const stream = { streamName: "words", streamArn: undefined };
  for (const text of ["a", "b"]) aws.stream("words").put(text);
  const formats: string[] = [];
  const system = {
    ...service.system,
    fetch: (input: Request | URL | string, init?: RequestInit) => {
      formats.push(new Headers(init?.headers).get("content-type") ?? "");
      return service.system.fetch(input, init);
    },
  };
  const reader = cborKinesis(kinesis, { ...service, system });
  const start = await kinesis.getShardIterator(stream, "shardId-000000000000", { type: "TRIM_HORIZON" }) ??
    "";
  const whole = await reader.getRecords(stream, start, 10);
  aws.faults.next("GetRecords", { type: "wrongField", field: "Records.1.PartitionKey", value: "other" });
  const spoiled = await reader.getRecords(stream, start, 10);
  assertEquals(spoiled.records.map(({ partitionKey }) => partitionKey), [
    whole.records[0]?.partitionKey,
    "other",
  ]);
  assertEquals(spoiled.records[0], whole.records[0]);
  aws.faults.next("GetRecords", { type: "wrongField", field: "Records.1.SequenceNumber" });
  assertEquals((await reader.getRecords(stream, start, 10)).records, whole.records);
  assertEquals(formats, Array(3).fill("application/x-amz-cbor-1.1"));
});

Deno.test("a subscription fails as malformed at an event with a wrong field, and gives those before it", async () => {
  for (
    const [field, value] of [["", []], ["", 5], ["", "x"], ["Records"], [
      "ContinuationSequenceNumber",
      5,
    ]] as const
  ) {
    await using one = await bed();
    const words = one.aws.stream("words");
    const { consumerArn } = await one.consumers.registerStreamConsumer(words.arn, "app");
    await one.system.clock.sleep(2);
    words.put("a");
    one.aws.faults.next("SubscribeToShard", { type: "wrongField", field, value, after: 1 });
    const position = { type: "TRIM_HORIZON" } as const;
    const stop = new AbortController();
    const input = { consumerArn, shardId: "shardId-000000000000", position };
    const events = await one.consumers.subscribeToShard(input, stop.signal);
    assertEquals((await events.next()).value?.records.length, 1);
    words.put("b");
    const error = await assertRejects(() => events.next(), AwsServiceError);
    assertEquals(error.code, "MalformedResponse");
    stop.abort();
  }
});

Deno.test("a wrong field must be named", () => {
  const { faults } = simulatedAws();
  const nameless = { type: "wrongField" } as unknown as AwsFault;
  assertThrows(() => faults.next("GetRecords", nameless), TypeError, 'such as "Records.0.Data"');
});
