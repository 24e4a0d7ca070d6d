/** What the emulator cannot show: old items of failed conditions, paging, throttling. */

import { assertEquals, assertRejects } from "@std/assert";
import { type DynamoDB, type Item, signedDynamoDB } from "../../src/aws/dynamodb.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { type ScriptedSystem, scriptedSystem, type SentRequest, type Step } from "./scripted_system.ts";

const KEYS = { accessKeyId: "a", secretAccessKey: "s", sessionToken: undefined, expiresEpochMs: undefined };
const KEY: Item = { leaseKey: { S: "s0" } };
const ITEM: Item = { leaseKey: { S: "s0" }, leaseCounter: { N: "4" } };
const CONDITION = {
  ConditionExpression: "leaseCounter = :seen",
  ExpressionAttributeValues: { ":seen": { N: "3" } },
};

function dynamodbWith(...steps: readonly Step[]): ScriptedSystem & { readonly dynamodb: DynamoDB } {
  const scripted = scriptedSystem(steps);
  const { system, onEvent } = scripted;
  return {
    ...scripted,
    dynamodb: signedDynamoDB({ region: "eu-central-1", credentials: KEYS, system, onEvent }),
  };
}

const inputs = (scripted: ScriptedSystem) => scripted.requests.map((request) => JSON.parse(request.body));
const REFUSED = {
  status: 400,
  body: {
    __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
    message: "The conditional request failed",
    Item: ITEM,
  },
};

Deno.test("a refused condition is an outcome with the old item, for each kind of write", async () => {
  const scripted = dynamodbWith(REFUSED, REFUSED, REFUSED);
  const { dynamodb } = scripted;
  const outcomes = [
    await dynamodb.putItem("t", ITEM, CONDITION),
    await dynamodb.updateItem("t", KEY, "SET leaseCounter = :next", CONDITION),
    await dynamodb.deleteItem("t", KEY, CONDITION),
  ];
  for (const outcome of outcomes) assertEquals(outcome, { applied: false, item: ITEM });
  const common = { TableName: "t", ...CONDITION, ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
  assertEquals(inputs(scripted), [
    { ...common, Item: ITEM },
    { ...common, Key: KEY, UpdateExpression: "SET leaseCounter = :next", ReturnValues: "ALL_NEW" },
    { ...common, Key: KEY },
  ]);
  assertEquals(
    scripted.requests.map((request) => request.headers.get("x-amz-target")),
    ["PutItem", "UpdateItem", "DeleteItem"].map((operation) => `DynamoDB_20120810.${operation}`),
  );
});

Deno.test("a throttled write is repeated", async () => {
  const throttled: Step = { status: 400, body: { __type: "x#ProvisionedThroughputExceededException" } };
  const { dynamodb, requests } = dynamodbWith(throttled, throttled, { body: { Attributes: ITEM } });
  assertEquals(await dynamodb.updateItem("t", KEY, "SET a = :a", {}), { applied: true, item: ITEM });
  assertEquals(requests.length, 3);
});

Deno.test("getItem() reads strongly consistent", async () => {
  const scripted = dynamodbWith({ body: { Item: ITEM } }, { body: {} });
  assertEquals(await scripted.dynamodb.getItem("t", KEY), ITEM);
  assertEquals(await scripted.dynamodb.getItem("t", KEY), undefined);
  assertEquals(inputs(scripted)[0], { TableName: "t", Key: KEY, ConsistentRead: true });
});

Deno.test("glanceAtItem() reads eventually consistent", async () => {
  const scripted = dynamodbWith({ body: { Item: ITEM } }, { body: {} });
  assertEquals(await scripted.dynamodb.glanceAtItem("t", KEY), ITEM);
  assertEquals(await scripted.dynamodb.glanceAtItem("t", KEY), undefined);
  assertEquals(inputs(scripted)[0], { TableName: "t", Key: KEY });
});

Deno.test("scan() and queryIndex() go on after each page, also after an empty one", async () => {
  const pages: Step[] = [
    { body: { Items: [ITEM], LastEvaluatedKey: KEY } },
    { body: { Items: [], LastEvaluatedKey: KEY } },
    { body: { Items: [ITEM] } },
  ];
  const scan = dynamodbWith(...pages);
  assertEquals(await scan.dynamodb.scan("t"), [ITEM, ITEM]);
  assertEquals(inputs(scan), [
    { TableName: "t" },
    { TableName: "t", ExclusiveStartKey: KEY },
    { TableName: "t", ExclusiveStartKey: KEY },
  ]);
  const query = dynamodbWith(...pages);
  const values = { ExpressionAttributeValues: { ":me": { S: "me" } } };
  assertEquals(await query.dynamodb.queryIndex("t", "i", "leaseOwner = :me", values), [ITEM, ITEM]);
  assertEquals(inputs(query)[2], {
    TableName: "t",
    IndexName: "i",
    KeyConditionExpression: "leaseOwner = :me",
    ...values,
    ExclusiveStartKey: KEY,
  });
});

Deno.test("scan() in segments stops all of them when one fails, and leaves nothing running", async () => {
  const step = (request: SentRequest): Step =>
    JSON.parse(request.body).Segment === 1
      ? { status: 400, body: { __type: "AccessDeniedException", message: "dynamodb:Scan" } }
      : { body: { Items: [ITEM], LastEvaluatedKey: KEY } };
  const { dynamodb, requests, clock } = dynamodbWith(
    { body: { Items: [] } },
    ...Array.from({ length: 1000 }, () => step),
  );
  // The first call derives the key of signatures, in another thread, and the rest need none.
  await dynamodb.scan("t", 1);
  const error = await assertRejects(() => dynamodb.scan("t", 3), AwsServiceError, "dynamodb:Scan");
  assertEquals(error.code, "AccessDeniedException");
  const sent = requests.length;
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve));
  assertEquals([requests.length, clock.pendingMs], [sent, []]);
});

Deno.test("scan() in segments passes the caller's abort through", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const { dynamodb } = dynamodbWith(() => {
    queueMicrotask(() => stop.abort(reason));
    return "hang";
  }, "hang");
  assertEquals(await dynamodb.scan("t", 2, stop.signal).catch((error) => error), reason);
  assertEquals(
    await dynamodb.scan("t", 2, AbortSignal.abort(reason)).catch((error) => error),
    reason,
  );
});

Deno.test("describeTable() takes a missing summary as PROVISIONED and a missing index status as ACTIVE", async () => {
  const { dynamodb } = dynamodbWith({
    body: {
      Table: {
        TableName: "t",
        TableStatus: "UPDATING",
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }, { AttributeName: "at", KeyType: "RANGE" }],
        GlobalSecondaryIndexes: [{ IndexName: "a" }, { IndexName: "b", IndexStatus: "CREATING" }],
        ProvisionedThroughput: { ReadCapacityUnits: 10, WriteCapacityUnits: 5 },
      },
    },
  });
  assertEquals(await dynamodb.describeTable("t"), {
    tableName: "t",
    tableStatus: "UPDATING",
    keySchema: [{ attributeName: "id", keyType: "HASH" }, { attributeName: "at", keyType: "RANGE" }],
    indexes: { a: "ACTIVE", b: "CREATING" },
    billingMode: "PROVISIONED",
    provisionedThroughput: { read: 10, write: 5 },
    tableSizeBytes: undefined,
    itemCount: undefined,
  });
});

Deno.test("other failures of describeTable() and createTable() are thrown", async () => {
  const denied: Step = { status: 400, body: { __type: "AccessDeniedException", message: "no" } };
  const { dynamodb } = dynamodbWith(denied, denied);
  await assertRejects(() => dynamodb.describeTable("t"), AwsServiceError, "AccessDenied");
  await assertRejects(() => dynamodb.createTable({ TableName: "t" }), AwsServiceError, "AccessDenied");
});

Deno.test("scanPages() asks for no more pages than are wanted", async () => {
  const pages: Step[] = [
    { body: { Items: [ITEM], LastEvaluatedKey: KEY } },
    { body: { Items: [], LastEvaluatedKey: KEY } },
    { body: { Items: [ITEM] } },
  ];
  const some = dynamodbWith(...pages);
  for await (const items of some.dynamodb.scanPages("t", 5)) if (items.length > 0) break;
  assertEquals(inputs(some), [{ TableName: "t", Limit: 5 }]);
  const all = dynamodbWith(...pages);
  const sizes = (await Array.fromAsync(all.dynamodb.scanPages("t", 5))).map((items) => items.length);
  assertEquals(sizes, [1, 0, 1]);
});

Deno.test("scanPage() asks for a page of a part with its cost, and is refused at once when it is throttled", async () => {
  const scripted = dynamodbWith(
    { body: { Items: [ITEM], LastEvaluatedKey: KEY, ConsumedCapacity: { CapacityUnits: 1.5 } } },
    { body: { Items: [] } },
    { status: 400, body: { __type: "ProvisionedThroughputExceededException", message: "slow down" } },
  );
  const { dynamodb } = scripted;
  const page = await dynamodb.scanPage("t", { segment: 1, segments: 4, limit: 9, from: KEY });
  assertEquals(page, { items: [ITEM], lastKey: KEY, readUnits: 1.5 });
  assertEquals((await dynamodb.scanPage("t", { segment: 0, segments: 1 })).readUnits, undefined);
  await assertRejects(
    () => dynamodb.scanPage("t", { segment: 0, segments: 1 }),
    AwsServiceError,
    "slow down",
  );
  assertEquals(inputs(scripted), [
    {
      TableName: "t",
      ReturnConsumedCapacity: "TOTAL",
      Segment: 1,
      TotalSegments: 4,
      Limit: 9,
      ExclusiveStartKey: KEY,
    },
    { TableName: "t", ReturnConsumedCapacity: "TOTAL" },
    { TableName: "t", ReturnConsumedCapacity: "TOTAL" },
  ]);
});

Deno.test("an abort ends a call of each kind at once", async () => {
  const expressions = {};
  const calls: ((dynamodb: DynamoDB, signal: AbortSignal) => Promise<unknown>)[] = [
    (dynamodb, signal) => dynamodb.describeTable("t", signal),
    (dynamodb, signal) => dynamodb.createTable({}, signal),
    (dynamodb, signal) => dynamodb.tableOperation("UpdateTable", {}, signal),
    (dynamodb, signal) => dynamodb.getItem("t", KEY, signal),
    (dynamodb, signal) => dynamodb.putItem("t", ITEM, expressions, signal),
    (dynamodb, signal) => dynamodb.updateItem("t", KEY, "SET a = :a", expressions, signal),
    (dynamodb, signal) => dynamodb.deleteItem("t", KEY, expressions, signal),
    (dynamodb, signal) => dynamodb.scan("t", 1, signal),
    (dynamodb, signal) => dynamodb.scan("t", 2, signal),
    (dynamodb, signal) => Array.fromAsync(dynamodb.scanPages("t", 1, signal)),
    (dynamodb, signal) => dynamodb.scanPage("t", { segment: 0, segments: 1 }, signal),
    (dynamodb, signal) => dynamodb.queryIndex("t", "i", "k = :k", expressions, signal),
  ];
  for (const call of calls) {
    const stop = new AbortController();
    const reason = new Error("stop");
    const stopping: Step = () => {
      stop.abort(reason);
      return new Error("the connection is closed");
    };
    const { dynamodb, clock } = dynamodbWith(stopping, stopping);
    assertEquals(await call(dynamodb, stop.signal).catch((error) => error), reason, `${call}`);
    assertEquals(clock.pendingMs, []);
  }
});

Deno.test("a call to a table is given up after 5 s by default: a lease lives for 10 s", async () => {
  const { dynamodb, events } = dynamodbWith("hang", { body: {} });
  await dynamodb.getItem("t", KEY);
  const sent = events.flatMap((event) => event.type === "requestSent" ? [[event.code, event.ms]] : []);
  assertEquals(sent[0], ["TimeoutError", 5000]);
});

const BAD_PAGES: Readonly<Record<string, unknown>> = {
  "no Items": {},
  "Items that are null": { Items: null },
  "Items that are no list": { Items: ITEM },
  "an item that is null": { Items: [null] },
  "an attribute that is a text": { Items: [{ leaseKey: "s0" }] },
  "an attribute that is null": { Items: [{ leaseKey: null }] },
  "a number that is none": { Items: [{ leaseCounter: { N: 5 } }] },
  "an attribute of no type": { Items: [{ leaseKey: {} }] },
  "an attribute of two types": { Items: [{ leaseKey: { S: "s0", N: "1" } }] },
  "an attribute of a type that there is not": { Items: [{ leaseKey: { X: "s0" } }] },
  "a set of something else": { Items: [{ parentShardId: { SS: [1] } }] },
  "a map of something else": { Items: [{ metrics: { M: { cpu: 1 } } }] },
  "a list of something else": { Items: [{ stats: { L: [{ N: 1 }] } }] },
  "a last key that is a text": { Items: [], LastEvaluatedKey: "s0" },
};
for (const [what, body] of Object.entries(BAD_PAGES)) {
  Deno.test(`scan() takes a page for malformed that has ${what}, and not for an empty table`, async () => {
    const { dynamodb } = dynamodbWith(...Array.from({ length: 5 }, () => ({ body })));
    const error = await assertRejects(() => dynamodb.scan("t"), AwsServiceError);
    assertEquals([error.code, error.retryable], ["MalformedResponse", true]);
  });
}

Deno.test("getItem() and updateItem() take an item of a wrong shape for malformed, describeTable() a table of one", async () => {
  const five = (body: unknown) => dynamodbWith(...Array.from({ length: 5 }, () => ({ body }))).dynamodb;
  const table = {
    TableName: "t",
    TableStatus: "ACTIVE",
    KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
  };
  const calls = [
    () => five({ Item: 5 }).getItem("t", KEY),
    () => five({ Item: { leaseKey: "s0" } }).getItem("t", KEY),
    () => five({ Attributes: [] }).updateItem("t", KEY, "SET a = :a", {}),
    () => five({ Table: [] }).describeTable("t"),
    () => five({ Table: { ...table, TableStatus: undefined } }).describeTable("t"),
    () => five({ Table: { ...table, KeySchema: {} } }).describeTable("t"),
    () => five({ Table: { ...table, GlobalSecondaryIndexes: [{}] } }).describeTable("t"),
    () => five({ Table: { ...table, TableSizeBytes: "9" } }).describeTable("t"),
  ];
  for (const call of calls) {
    assertEquals((await assertRejects<AwsServiceError>(call, AwsServiceError)).code, "MalformedResponse");
  }
});

Deno.test("a refused condition whose item is none is an outcome without an item", async () => {
  const { dynamodb } = dynamodbWith({ ...REFUSED, body: { ...REFUSED.body, Item: { leaseKey: 5 } } });
  assertEquals(await dynamodb.putItem("t", ITEM, CONDITION), { applied: false, item: undefined });
});
