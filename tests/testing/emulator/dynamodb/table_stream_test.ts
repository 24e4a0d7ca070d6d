/** Streams of tables as the emulator has them, read by our own client. */

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { ChangePosition, DynamoDBStreams } from "../../../../src/aws/dynamodb_streams.ts";
import { AwsServiceError } from "../../../../src/errors.ts";
import { simulatedAws } from "../../../../src/testing/mod.ts";
import { ordersTable, tableStreamBed } from "../../../support/table_stream.ts";

// deno-lint-ignore no-explicit-any -- records are looked at member by member
type Wire = any;

async function readAll(
  streams: DynamoDBStreams,
  streamArn: string,
  shardId: string,
  position: ChangePosition = { type: "TRIM_HORIZON" },
): Promise<{ readonly records: readonly Wire[]; readonly isEnd: boolean }> {
  const records: Wire[] = [];
  let iterator = await streams.getShardIterator({ streamArn, shardId, position });
  for (;;) {
    if (iterator === undefined) return { records, isEnd: true };
    const page = await streams.getRecords(iterator, 1000);
    records.push(...page.records);
    iterator = page.nextShardIterator;
    if (iterator !== undefined && page.records.length === 0) return { records, isEnd: false };
  }
}

async function refusal(work: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(work, AwsServiceError)).code;
}

const firstShard = (bed: { stream: { shards(): readonly { shardId: string }[] } }) =>
  bed.stream.shards()[0]?.shardId ?? "";

for (
  const [viewType, images] of [
    ["KEYS_ONLY", []],
    ["NEW_IMAGE", ["NewImage"]],
    ["OLD_IMAGE", ["OldImage"]],
    ["NEW_AND_OLD_IMAGES", ["NewImage", "OldImage"]],
  ] as const
) {
  Deno.test(`a stream of ${viewType} keeps ${images.join(" and ") || "no image"} of a change`, async () => {
    const bed = await tableStreamBed({}, viewType);
    await bed.put("a", { n: { N: "1" } });
    await bed.put("a", { n: { N: "2" } });
    await bed.put("a", { n: { N: "2" } }); // changes nothing
    await bed.remove("a");
    await bed.remove("a"); // changes nothing
    const { records, isEnd } = await readAll(bed.streams, bed.arn, firstShard(bed));
    assertEquals(isEnd, false);
    assertEquals(records.map(({ eventName }) => eventName), ["INSERT", "MODIFY", "REMOVE"]);
    const [inserted, modified, removed] = records;
    assertEquals(
      ["NewImage", "OldImage"].filter((name) => name in modified.dynamodb),
      [...images],
    );
    assertEquals("OldImage" in inserted.dynamodb || "NewImage" in removed.dynamodb, false);
    assertEquals(modified.dynamodb.Keys, { id: { S: "a" } });
    assertEquals(modified.dynamodb.StreamViewType, viewType);
    if (viewType === "NEW_AND_OLD_IMAGES") {
      assertEquals([modified.dynamodb.OldImage.n, modified.dynamodb.NewImage.n], [{ N: "1" }, { N: "2" }]);
    }
    assertMatch(modified.dynamodb.SequenceNumber, /^\d{21,40}$/);
    assertEquals(modified.eventVersion, "1.1");
    assertEquals(Number.isInteger(modified.dynamodb.ApproximateCreationDateTime), true);
  });
}

Deno.test("updates, batches and transactions each leave their changes in a stream", async () => {
  const bed = await tableStreamBed();
  const item = (id: string) => ({ id: { S: id } });
  await bed.call("UpdateItem", {
    TableName: "orders",
    Key: item("a"),
    UpdateExpression: "SET n = :n",
    ExpressionAttributeValues: { ":n": { N: "1" } },
  });
  await bed.call("BatchWriteItem", {
    RequestItems: { orders: [{ PutRequest: { Item: item("b") } }, { DeleteRequest: { Key: item("a") } }] },
  });
  await bed.call("TransactWriteItems", {
    TransactItems: [
      { Put: { TableName: "orders", Item: item("c") } },
      { Delete: { TableName: "orders", Key: item("b") } },
    ],
  });
  bed.aws.table("orders").expire({ id: { S: "c" } });
  const { records } = await readAll(bed.streams, bed.arn, firstShard(bed));
  assertEquals(records.map(({ eventName, dynamodb: { Keys } }) => `${eventName} ${Keys.id.S}`), [
    "INSERT a",
    "INSERT b",
    "REMOVE a",
    "INSERT c",
    "REMOVE b",
    "REMOVE c",
  ]);
  assertEquals(records.map(({ userIdentity }) => userIdentity?.PrincipalId), [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    "dynamodb.amazonaws.com",
  ]);
});

Deno.test("a shard ends after its life, and its one child goes on", async () => {
  const bed = await tableStreamBed({ tableStreamShardLifeMs: 60_000 });
  await bed.put("a");
  bed.clock.jump(60_000);
  await bed.put("b");
  const [parent, child] = bed.stream.shards();
  assertEquals([parent?.isOpen, child?.isOpen, child?.parentShardId], [false, true, parent?.shardId]);
  const ended = await readAll(bed.streams, bed.arn, parent?.shardId ?? "");
  assertEquals([ended.records.length, ended.isEnd], [1, true]);
  const next = await readAll(bed.streams, bed.arn, child?.shardId ?? "");
  assertEquals(next.records.map(({ dynamodb }) => dynamodb.Keys.id.S), ["b"]);
  const { shards } = await bed.streams.describeStream({
    streamArn: bed.arn,
    childrenOf: parent?.shardId ?? "",
  });
  assertEquals(shards.map(({ shardId }) => shardId), [child?.shardId]);
});

Deno.test("DescribeStream gives its shards in pages, and ListStreams a table's streams", async () => {
  const bed = await tableStreamBed({ tableStreamShards: 3 });
  const first = await bed.streams.describeStream({ streamArn: bed.arn, limit: 2 });
  assertEquals([first.status, first.viewType, first.shards.length], ["ENABLED", "NEW_AND_OLD_IMAGES", 2]);
  const second = await bed.streams.describeStream({ streamArn: bed.arn, afterShardId: first.lastShardId });
  assertEquals([second.shards.length, second.lastShardId], [1, undefined]);
  assertEquals(await bed.streams.listStreams("orders"), [bed.arn]);
  assertEquals(await bed.streams.listStreams("nothing"), []);
  const { body } = await bed.call("DescribeTable", { TableName: "orders" });
  assertEquals(body.Table.LatestStreamArn, bed.arn);
  assertEquals(body.Table.StreamSpecification, {
    StreamEnabled: true,
    StreamViewType: "NEW_AND_OLD_IMAGES",
  });
});

Deno.test("iterators begin where they are asked to, and say what was trimmed and what has expired", async () => {
  const bed = await tableStreamBed();
  for (const id of ["a", "b", "c"]) await bed.put(id);
  const shardId = firstShard(bed);
  const { records } = await readAll(bed.streams, bed.arn, shardId);
  const numbers = records.map(({ dynamodb }): string => dynamodb.SequenceNumber);
  const from = async (position: ChangePosition) =>
    (await readAll(bed.streams, bed.arn, shardId, position)).records.map(({ dynamodb }) =>
      dynamodb.Keys.id.S
    );
  const at = (type: "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", sequenceNumber = numbers[1] ?? "") =>
    ({ type, sequenceNumber }) as const;
  assertEquals(await from(at("AT_SEQUENCE_NUMBER")), ["b", "c"]);
  assertEquals(await from(at("AFTER_SEQUENCE_NUMBER")), ["c"]);
  assertEquals(await from({ type: "LATEST" }), []);
  assertEquals(await refusal(() => from(at("AT_SEQUENCE_NUMBER", "1"))), "ValidationException");
  const iterator = await bed.streams.getShardIterator({
    streamArn: bed.arn,
    shardId,
    position: { type: "TRIM_HORIZON" },
  }) ?? "";
  bed.stream.trim(shardId);
  assertEquals(await refusal(() => bed.streams.getRecords(iterator, 10)), "TrimmedDataAccessException");
  assertEquals(await refusal(() => from(at("AT_SEQUENCE_NUMBER"))), "TrimmedDataAccessException");
  assertEquals(await from({ type: "TRIM_HORIZON" }), []);
  bed.clock.jump(900_001);
  assertEquals(await refusal(() => bed.streams.getRecords(iterator, 10)), "ExpiredIteratorException");
  const missing = { streamArn: bed.arn, shardId: "shardId-none", position: { type: "LATEST" } } as const;
  assertEquals(await refusal(() => bed.streams.getShardIterator(missing)), "ResourceNotFoundException");
});

Deno.test("a stream that is switched off is kept for a day, and another one has a label of its own", async () => {
  const bed = await tableStreamBed();
  await bed.put("a");
  await bed.call("UpdateTable", { TableName: "orders", StreamSpecification: { StreamEnabled: false } });
  await bed.put("b");
  bed.clock.jump(1000);
  const { status, shards } = await bed.streams.describeStream({ streamArn: bed.arn });
  assertEquals([status, shards.map(({ endingSequenceNumber }) => endingSequenceNumber !== undefined)], [
    "DISABLED",
    [true],
  ]);
  assertEquals((await readAll(bed.streams, bed.arn, shards[0]?.shardId ?? "")).records.length, 1);
  await bed.call("UpdateTable", { ...ordersTable("KEYS_ONLY"), KeySchema: undefined });
  bed.clock.jump(1000);
  assertEquals((await bed.streams.listStreams("orders")).length, 2);
  bed.clock.jump(86_400_000);
  assertEquals(await bed.streams.listStreams("orders"), [bed.aws.table("orders").stream.arn]);
  assertEquals(
    await refusal(() => bed.streams.describeStream({ streamArn: bed.arn })),
    "ResourceNotFoundException",
  );
});

Deno.test("a table takes no second stream, and no view type that there is not", async () => {
  const bed = await tableStreamBed();
  const update = {
    TableName: "orders",
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
  };
  const { status, body } = await bed.call("UpdateTable", update);
  assertEquals([status, body.message], [400, "Table already has an enabled stream: TableName: orders"]);
  const { body: other } = await bed.call("CreateTable", { ...ordersTable("ALL"), TableName: "other" });
  assertMatch(other.message, /enum value set/);
  assertThrows(() => simulatedAws({ tableStreamShards: 0 }), RangeError, "tableStreamShards");
});

Deno.test("simulatedAws() has tables at once, whose items and streams are moved by hand", () => {
  const aws = simulatedAws({
    tables: { orders: { key: "id", sortKey: "at", stream: "KEYS_ONLY" }, plain: { key: "id" } },
  });
  const table = aws.table("orders");
  const key = { id: { S: "a" }, at: { S: "1" } };
  table.put({ ...key, n: { N: "1" } });
  table.delete(key);
  table.expire(key); // there is none
  assertEquals(table.items(), []);
  assertEquals(table.stream.shards().map(({ changes, isOpen }) => [changes, isOpen]), [[2, true]]);
  assertThrows(() => aws.table("plain").stream, RangeError, "set its StreamSpecification");
  assertThrows(() => table.put({ id: { S: "a" } }), Error, "Missing the key at");
});
