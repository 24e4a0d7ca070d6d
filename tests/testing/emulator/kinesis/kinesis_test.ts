/** Kinesis as the emulator has it: streams, shards, records, iterators, limits. */

import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { cborKinesis } from "../../../../src/aws/cbor_kinesis.ts";
import { signedKinesis } from "../../../../src/aws/kinesis.ts";
import { firstHole, MAX_HASH_KEY } from "../../../../src/stream/hash_key.ts";
import { realSystem } from "../../../../src/system.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { startKinesalite } from "../../../support/emulators.ts";
import { signedHeaders, type Simulated, simulated } from "../../../support/simulated.ts";
import { testCredentials, TestStream } from "../../../support/test_stream.ts";

const WORDS = { StreamName: "words" };
const STREAM = { streamName: "words", streamArn: undefined };
const FIRST = "shardId-000000000000", SECOND = "shardId-000000000001";

const idsOf = (shards: readonly { readonly shardId: string }[]) =>
  shards.map(({ shardId }) => Number(shardId.slice(-3)));
const textsOf = (records: readonly { readonly data: Uint8Array }[]) =>
  records.map(({ data }) => new TextDecoder().decode(data));

/** An emulator whose time stands still until it is moved. */
function timed(options: Parameters<typeof simulated>[0] = {}) {
  const clock = new FakeClock();
  const bed = simulated({ streams: { words: 1 }, system: { clock, random: () => 0 }, ...options });
  return { ...bed, clock };
}

async function iterator({ call }: Simulated, ShardIteratorType: string, more: object = {}): Promise<string> {
  const { body } = await call("GetShardIterator", { ...WORDS, ShardId: FIRST, ShardIteratorType, ...more });
  return body.ShardIterator ?? body.__type;
}

Deno.test("a stream is CREATING, ACTIVE, UPDATING, DELETING, and gone", async () => {
  const { call, clock } = timed({ streams: {}, changeMs: 100 });
  const statusOf = async () =>
    (await call("DescribeStreamSummary", WORDS)).body.StreamDescriptionSummary?.StreamStatus;
  assertEquals((await call("CreateStream", { ...WORDS, ShardCount: 2 })).body, "");
  assertEquals(await statusOf(), "CREATING");
  assertEquals(
    (await call("CreateStream", { ...WORDS, ShardCount: 2 })).body.__type,
    "ResourceInUseException",
  );
  assertEquals((await call("ListShards", WORDS)).body.__type, "ResourceInUseException");
  const record = { ...WORDS, Data: "", PartitionKey: "k" };
  assertEquals((await call("PutRecord", record)).body.__type, "ResourceNotFoundException");
  clock.jump(100);
  assertEquals(await statusOf(), "ACTIVE");
  const split = { ...WORDS, ShardToSplit: FIRST, NewStartingHashKey: "5" };
  assertEquals((await call("SplitShard", split)).status, 200);
  assertEquals(await statusOf(), "UPDATING");
  assertEquals(
    (await call("SplitShard", { ...split, ShardToSplit: SECOND })).body.__type,
    "ResourceInUseException",
  );
  clock.jump(100);
  assertEquals((await call("ListStreams", {})).body.StreamNames, ["words"]);
  assertEquals((await call("DeleteStream", WORDS)).status, 200);
  assertEquals(await statusOf(), "DELETING");
  clock.jump(100);
  assertEquals((await call("ListStreams", {})).body.StreamNames, []);
  assertEquals((await call("DescribeStream", WORDS)).body.__type, "ResourceNotFoundException");
});

Deno.test("ListShards pages by a token that is sent alone", async () => {
  const { call, kinesis, clock } = timed({ streams: { words: 5 } });
  const page = (await call("ListShards", { ...WORDS, MaxResults: 2 })).body;
  assertEquals(page.Shards.length, 2);
  const rest = (await call("ListShards", { NextToken: page.NextToken })).body;
  assertEquals(rest.Shards.length, 3);
  assertEquals(rest.NextToken, undefined);
  const both = await call("ListShards", { ...WORDS, NextToken: page.NextToken });
  assertEquals([both.status, both.body.__type], [400, "InvalidArgumentException"]);
  assertEquals((await call("ListShards", { NextToken: "nonsense" })).body.__type, "InvalidArgumentException");
  clock.jump(300_001);
  assertEquals(
    (await call("ListShards", { NextToken: page.NextToken })).body.__type,
    "ExpiredNextTokenException",
  );
  assertEquals(idsOf(await kinesis.listShards(STREAM)), [0, 1, 2, 3, 4]);
});

Deno.test("ListShards filters as AWS does", async () => {
  const { aws, call, kinesis, clock } = timed();
  clock.jump(1000);
  const beforeMs = clock.epochMs();
  clock.jump(1000);
  aws.stream("words").split(FIRST);
  clock.jump(1000);
  aws.stream("words").merge(SECOND, "shardId-000000000002");
  const list = async (filter: Parameters<typeof kinesis.listShards>[1]) =>
    idsOf(await kinesis.listShards(STREAM, filter));
  assertEquals(await list({ type: "AT_LATEST" }), [3]);
  assertEquals(await list({ type: "AT_TRIM_HORIZON" }), [0]);
  assertEquals(await list({ type: "FROM_TRIM_HORIZON" }), [0, 1, 2, 3]);
  assertEquals(await list({ type: "AT_TIMESTAMP", timestampMs: beforeMs }), [0]);
  assertEquals(await list({ type: "AT_TIMESTAMP", timestampMs: 1 }), [0]);
  assertEquals(await list({ type: "FROM_TIMESTAMP", timestampMs: beforeMs + 1500 }), [1, 2, 3]);
  const after = { ...WORDS, ShardFilter: { Type: "AFTER_SHARD_ID", ShardId: SECOND } };
  assertEquals((await call("ListShards", after)).body.Shards.length, 2);
  aws.stream("words").trim(FIRST);
  assertEquals(await list({ type: "AT_TRIM_HORIZON" }), [1, 2]);
  const [shard] = await kinesis.listShards(STREAM, { type: "AT_LATEST" });
  assertEquals([shard?.parentShardId, shard?.adjacentParentShardId], [SECOND, "shardId-000000000002"]);
});

Deno.test("GetRecords tells how far behind it is, and the children at the end of a closed shard", async () => {
  const { aws, kinesis, clock } = timed();
  const stream = aws.stream("words");
  for (const text of ["a", "b", "c"]) {
    stream.put(text);
    clock.jump(1000);
  }
  stream.split(FIRST);
  const start = await kinesis.getShardIterator(STREAM, FIRST, { type: "TRIM_HORIZON" }) ?? "";
  const page = await kinesis.getRecords(STREAM, start, 2);
  assertEquals(textsOf(page.records), ["a", "b"]);
  assertEquals([page.millisBehindLatest, page.childShards], [1000, []]);
  const end = await kinesis.getRecords(STREAM, page.nextShardIterator ?? "", 2);
  assertEquals(textsOf(end.records), ["c"]);
  assertEquals([end.millisBehindLatest, end.nextShardIterator], [0, undefined]);
  assertEquals(end.childShards.map(({ shardId, parentShards }) => [shardId, parentShards]), [
    ["shardId-000000000001", [FIRST]],
    ["shardId-000000000002", [FIRST]],
  ]);
  const again = await kinesis.getShardIterator(STREAM, FIRST, { type: "LATEST" }) ?? "";
  assertEquals((await kinesis.getRecords(STREAM, again, 2)).childShards.length, 2);
  aws.faults.next("GetRecords", { type: "noChildren" });
  const nameless = await kinesis.getRecords(STREAM, again, 2);
  assertEquals([nameless.nextShardIterator, nameless.childShards], [undefined, []]);
});

Deno.test("GetShardIterator finds each kind of position, and refuses what is none", async () => {
  const bed = timed();
  const { aws, kinesis, clock } = bed;
  const puts = ["a", "b", "c"].map((text) => {
    clock.jump(1000);
    return { ...aws.stream("words").put(text), atMs: clock.epochMs() };
  });
  const [first, second] = puts;
  assert(first !== undefined && second !== undefined);
  assertEquals(first.sequenceNumber.length, 56);
  const read = async (type: string, more: object) => {
    clock.jump(1000);
    return textsOf((await kinesis.getRecords(STREAM, await iterator(bed, type, more), 10)).records).join("");
  };
  assertEquals(await read("TRIM_HORIZON", {}), "abc");
  assertEquals(await read("LATEST", {}), "");
  assertEquals(await read("AT_SEQUENCE_NUMBER", { StartingSequenceNumber: second.sequenceNumber }), "bc");
  assertEquals(await read("AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber: second.sequenceNumber }), "c");
  assertEquals(await read("AT_TIMESTAMP", { Timestamp: second.atMs / 1000 }), "bc");
  aws.stream("words").trim(FIRST, second.sequenceNumber);
  assertEquals(await read("TRIM_HORIZON", {}), "bc");
  assertEquals(await read("AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber: second.sequenceNumber }), "c");
  assertEquals(await read("AT_TIMESTAMP", { Timestamp: second.atMs / 1000 + 0.5 }), "c");
  assertEquals(await read("LATEST", {}), "");
  assertEquals(await read("AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber: first.sequenceNumber }), "bc");
  for (
    const [type, more, code] of [
      ["AT_SEQUENCE_NUMBER", {}, "InvalidArgumentException"],
      ["AT_SEQUENCE_NUMBER", { StartingSequenceNumber: "1" }, "InvalidArgumentException"],
      [
        "AFTER_SEQUENCE_NUMBER",
        { StartingSequenceNumber: `${first.sequenceNumber}9` },
        "InvalidArgumentException",
      ],
      ["AT_TIMESTAMP", { Timestamp: clock.epochMs() / 1000 + 10 }, "InvalidArgumentException"],
      ["SOMEWHERE", {}, "ValidationException"],
      ["LATEST", { ShardId: "shardId-000000000009" }, "ResourceNotFoundException"],
      ["LATEST", { StreamName: "others" }, "ResourceNotFoundException"],
    ] as const
  ) assertEquals(await iterator(bed, type, more), code);
});

Deno.test("an iterator lives for five minutes, and not beyond its stream", async () => {
  const bed = timed();
  const { call, clock } = bed;
  const ShardIterator = await iterator(bed, "LATEST");
  clock.jump(300_000);
  assertEquals((await call("GetRecords", { ShardIterator })).status, 200);
  clock.jump(1);
  assertEquals((await call("GetRecords", { ShardIterator })).body.__type, "ExpiredIteratorException");
  assertEquals((await call("GetRecords", { ShardIterator: "x" })).body.__type, "InvalidArgumentException");
  const fresh = await iterator(bed, "LATEST");
  await call("DeleteStream", WORDS);
  clock.jump(10);
  await call("CreateStream", { ...WORDS, ShardCount: 1 });
  clock.jump(10);
  const { body } = await call("GetRecords", { ShardIterator: fresh });
  assertEquals(body.__type, "ResourceNotFoundException");
});

Deno.test("a shard gives five answers a second, 10 MiB in one, and then nothing until they are paid for", async () => {
  const bed = timed();
  const { aws, call, clock } = bed;
  for (let i = 0; i < 12; i++) aws.stream("words").put(new Uint8Array(1024 ** 2 - 1), "k");
  clock.jump(1000);
  const start = await iterator(bed, "TRIM_HORIZON");
  const big = await call("GetRecords", { ShardIterator: start });
  assertEquals(big.body.Records.length, 10);
  const read = async () =>
    (await call("GetRecords", { ShardIterator: big.body.NextShardIterator, Limit: 1 })).body.__type ?? "read";
  assertEquals(await read(), "ProvisionedThroughputExceededException");
  clock.jump(3900);
  assertEquals(await read(), "ProvisionedThroughputExceededException");
  clock.jump(200);
  assertEquals(await read(), "read");

  const LATEST = await iterator(bed, "LATEST");
  clock.jump(2000);
  const answers: number[] = [];
  for (let i = 0; i < 7; i++) answers.push((await call("GetRecords", { ShardIterator: LATEST })).status);
  assertEquals(answers, [200, 200, 200, 200, 200, 400, 400]);
  clock.jump(1001);
  assertEquals((await call("GetRecords", { ShardIterator: LATEST })).status, 200);
});

Deno.test("PutRecords goes by MD5 to the shard that kinesalite chooses, or by ExplicitHashKey", async () => {
  const { call } = simulated({ streams: { words: 7 } });
  await using kinesalite = await startKinesalite();
  const other = await TestStream.create(kinesalite.url, "words", 7);
  const keys = ["", "a", "key-1", "ключ", "🦕", "x".repeat(200)].map((key) => `${key}!`);
  await other.put(keys.map((_, i) => `${i}`), (i) => keys[Number(i)] ?? "");
  const { body } = await call("PutRecords", {
    ...WORDS,
    Records: keys.map((key) => ({ Data: "", PartitionKey: key })),
  });
  const placed: unknown[] = [];
  for (const key of keys) placed.push([key, await shardOn(other, key)]);
  assertEquals(body.Records.map(({ ShardId }: { ShardId: string }, i: number) => [keys[i], ShardId]), placed);
  const explicit = async (ExplicitHashKey: string) =>
    (await call("PutRecord", { ...WORDS, Data: "", PartitionKey: "a", ExplicitHashKey })).body;
  assertEquals((await explicit("0")).ShardId, FIRST);
  assertEquals((await explicit(`${MAX_HASH_KEY}`)).ShardId, "shardId-000000000006");
  assertEquals((await explicit(`${MAX_HASH_KEY + 1n}`)).__type, "InvalidArgumentException");
});

/** In which shard of kinesalite the record of a key lies. */
async function shardOn(stream: TestStream, key: string): Promise<string> {
  const kinesis = signedKinesis({
    region: "us-east-1",
    endpoint: stream.url,
    credentials: testCredentials,
    system: realSystem,
  });
  for (const { shardId } of await stream.shards()) {
    const start = await kinesis.getShardIterator(STREAM, shardId, { type: "TRIM_HORIZON" }) ?? "";
    const { records } = await kinesis.getRecords(STREAM, start, 100);
    if (records.some(({ partitionKey }) => partitionKey === key)) return shardId;
  }
  return "nowhere";
}

Deno.test("PutRecords refuses records beyond a shard's second, one by one, where it is told to", async () => {
  const { call, clock } = timed({ isWriteLimited: true });
  const Records = Array.from({ length: 4 }, () => ({ Data: btoa("x".repeat(400_000)), PartitionKey: "k" }));
  const { body } = await call("PutRecords", { ...WORDS, Records });
  assertEquals(body.FailedRecordCount, 1);
  assertEquals(body.Records[3].ErrorCode, "ProvisionedThroughputExceededException");
  assertEquals(
    (await call("PutRecord", { ...WORDS, ...Records[0] })).body.__type,
    "ProvisionedThroughputExceededException",
  );
  clock.jump(2000);
  assertEquals((await call("PutRecord", { ...WORDS, ...Records[0] })).status, 200);
});

Deno.test("shards split and merge where they may, and UpdateShardCount leaves even ones", async () => {
  const { call, kinesis, clock } = timed({ streams: { words: 3 } });
  const split = (ShardToSplit: string, NewStartingHashKey: string) =>
    call("SplitShard", { ...WORDS, ShardToSplit, NewStartingHashKey });
  const merge = (ShardToMerge: string, AdjacentShardToMerge: string) =>
    call("MergeShards", { ...WORDS, ShardToMerge, AdjacentShardToMerge });
  assertEquals((await split(FIRST, "0")).body.__type, "InvalidArgumentException");
  assertEquals((await split(FIRST, `${MAX_HASH_KEY}`)).body.__type, "InvalidArgumentException");
  assertEquals((await merge(FIRST, "shardId-000000000002")).body.__type, "InvalidArgumentException");
  assertEquals((await merge(SECOND, FIRST)).status, 200);
  clock.jump(10);
  assertEquals((await split(FIRST, "5")).body.__type, "InvalidArgumentException");
  for (const count of [4, 3, 5, 3]) {
    const { body } = await call("UpdateShardCount", {
      ...WORDS,
      TargetShardCount: count,
      ScalingType: "UNIFORM_SCALING",
    });
    assertEquals(body.TargetShardCount, count);
    clock.jump(10);
    const open = await kinesis.listShards(STREAM, { type: "AT_LATEST" });
    assertEquals(open.length, count);
    assertEquals(firstHole(open.map(({ hashKeyRange }) => hashKeyRange)), undefined);
    const widths = open.map(({ hashKeyRange: { startingHashKey, endingHashKey } }) =>
      BigInt(endingHashKey) - BigInt(startingHashKey)
    );
    assert(
      widths.every((width) => width < ((widths[0] ?? 0n) + 10n) && width > (widths[0] ?? 0n) - 10n),
      `${widths}`,
    );
  }
  assertEquals(
    (await call("UpdateShardCount", { ...WORDS, TargetShardCount: 7 })).body.__type,
    "LimitExceededException",
  );
});

Deno.test("records go when the retention period is over, or when there are too many bytes of them", async () => {
  const { aws, call, kinesis, clock } = timed({ maxStoredBytes: 100_000 });
  const stream = aws.stream("words");
  stream.put("old");
  clock.jump(23 * 3_600_000);
  stream.split(FIRST);
  stream.put("new");
  clock.jump(2 * 3_600_000);
  assertEquals((await call("DescribeStream", WORDS)).body.StreamDescription.Shards.length, 3);
  assertEquals(stream.records(FIRST), []);
  clock.jump(23 * 3_600_000);
  assertEquals(idsOf(await kinesis.listShards(STREAM)), [1, 2]);

  const start = await kinesis.getShardIterator(STREAM, SECOND, { type: "TRIM_HORIZON" }) ?? "";
  for (let i = 0; i < 1000; i++) stream.put(new Uint8Array(1000), `${i}`, "0");
  const kept = stream.records(SECOND);
  assertGreater(kept.length, 60);
  assertGreater(90, kept.length);
  assertEquals(kept.at(-1)?.partitionKey, "999");
  const page = await kinesis.getRecords(STREAM, start, 1);
  assertEquals(page.records[0]?.sequenceNumber, kept[0]?.sequenceNumber);
});

Deno.test("calls that AWS would refuse are refused in its words", async () => {
  const { aws, call } = simulated({ streams: { words: 1 } });
  const bare = async (headers: Record<string, string>, body = "{}", method = "POST") => {
    const response = await aws.fetch("http://x", { method, headers, ...(method === "POST" ? { body } : {}) });
    const text = await response.text();
    return [response.status, text.startsWith("{") ? JSON.parse(text).__type : text.slice(0, 7)];
  };
  const json = "application/x-amz-json-1.1";
  const headers = signedHeaders("Kinesis_20131202.ListStreams", json);
  const { authorization: _, ...unsigned } = headers;
  assertEquals(await bare(headers), [200, undefined]);
  assertEquals(await bare(unsigned), [400, "MissingAuthenticationTokenException"]);
  assertEquals(await bare({ ...headers, authorization: "Basic x" }), [400, "IncompleteSignatureException"]);
  assertEquals(await bare(headers, "{"), [400, "SerializationException"]);
  assertEquals(await bare(headers, "[]"), [400, "SerializationException"]);
  assertEquals(await bare({ ...headers, "content-type": "text/plain" }), [400, "UnknownOperationException"]);
  for (const target of ["Kinesis_20131202.Fly", "Kinesis_20131202.toString", "Lambda.Invoke", ""]) {
    assertEquals(await bare(signedHeaders(target, json)), [400, "UnknownOperationException"]);
  }
  const tables = signedHeaders("DynamoDB_20120810.Fly", "application/x-amz-json-1.0");
  assertEquals(await bare(tables), [400, "com.amazon.coral.service#UnknownOperationException"]);
  assertEquals(await bare({}, "", "GET"), [404, "Kinesis"]);

  const missing = await call("GetShardIterator", WORDS);
  assertEquals(missing.status, 400);
  assertEquals(missing.body, {
    __type: "ValidationException",
    message:
      "1 validation error detected: Value 'null' at 'shardId' failed to satisfy constraint: Member must not be null",
  });
  assertEquals(missing.headers.get("content-type"), json);
  assertEquals(missing.headers.get("x-amzn-requestid")?.length, 36);
  assertEquals((await call("DescribeStream", {})).body.__type, "InvalidArgumentException");
  assertEquals((await call("DescribeStream", { StreamARN: aws.stream("words").arn })).status, 200);
  assertEquals((await call("DescribeStream", { StreamARN: "arn:x" })).body.__type, "ValidationException");
  assertEquals(
    (await call("GetRecords", { ShardIterator: "x", Limit: 10_001 })).body.__type,
    "ValidationException",
  );
  assertEquals(
    (await call("PutRecord", { ...WORDS, Data: "é", PartitionKey: "k" })).body.__type,
    "SerializationException",
  );
  assertEquals(
    (await call("PutRecord", { ...WORDS, Data: 7, PartitionKey: "k" })).body.__type,
    "SerializationException",
  );
  assertEquals((await call("PutRecords", { ...WORDS, Records: [] })).body.__type, "ValidationException");
});

Deno.test("GetRecords answers CBOR in CBOR, refusals too", async () => {
  const { aws, kinesis, service } = simulated({ streams: { words: 1 } });
  const notices: string[] = [];
  const cbor = cborKinesis(kinesis, {
    ...service,
    onEvent: (event) => event.type === "notice" && void notices.push(event.text),
  });
  aws.stream("words").put("grüße");
  aws.stream("words").split(FIRST);
  const start = await kinesis.getShardIterator(STREAM, FIRST, { type: "TRIM_HORIZON" }) ?? "";
  const json = await kinesis.getRecords(STREAM, start, 10);
  assertEquals(await cbor.getRecords(STREAM, start, 10), json);
  assertEquals(textsOf(json.records), ["grüße"]);
  const error = await assertRejects(() => cbor.getRecords(STREAM, "x", 10));
  assertEquals((error as { readonly code?: string }).code, "InvalidArgumentException");
  assertEquals(notices, []);
});
