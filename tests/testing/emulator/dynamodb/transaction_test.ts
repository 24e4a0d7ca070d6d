/** Transactions of DynamoDB as the emulator has them. */

import { assertEquals } from "@std/assert";
import { FakeClock } from "../../../support/fake_clock.ts";
import { simulated } from "../../../support/simulated.ts";

const TABLE = { TableName: "one" };
const VALIDATION = "com.amazon.coral.validate#ValidationException";
const DYNAMODB = "com.amazonaws.dynamodb.v20120810#";

const item = (id: string, more: object = {}) => ({ id: { S: id }, ...more });
const put = (id: string, more: object = {}) => ({ Put: { ...TABLE, Item: item(id), ...more } });
const ids = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

/** An emulator with the empty table "one", in a time that stands still. */
async function bed() {
  const clock = new FakeClock();
  const made = simulated({ changeMs: 100, system: { clock, random: () => 0 } });
  await made.call("CreateTable", {
    ...TABLE,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  });
  clock.jump(100);
  return {
    ...made,
    clock,
    items: () => made.aws.table("one").items(),
    write: async (TransactItems: readonly object[], more: object = {}) =>
      (await made.call("TransactWriteItems", { TransactItems, ...more })).body,
    get: async (keys: readonly object[]) =>
      (await made.call("TransactGetItems", {
        TransactItems: keys.map((key) => ({ Get: { ...TABLE, Key: key } })),
      })).body,
  };
}

Deno.test("TransactWriteItems puts, updates, deletes and checks as one", async () => {
  const { write, items } = await bed();
  assertEquals(await write([put("a"), put("b"), put("c")]), {});
  const more = await write([
    {
      Update: {
        ...TABLE,
        Key: item("a"),
        UpdateExpression: "SET n = :n",
        ExpressionAttributeValues: { ":n": { N: "1" } },
      },
    },
    { Delete: { ...TABLE, Key: item("b"), ConditionExpression: "attribute_exists(id)" } },
    { ConditionCheck: { ...TABLE, Key: item("c"), ConditionExpression: "attribute_exists(id)" } },
    put("d", { ConditionExpression: "attribute_not_exists(id)" }),
  ]);
  assertEquals(more, {});
  assertEquals(items(), [item("a", { n: { N: "1" } }), item("c"), item("d")]);
});

Deno.test("TransactWriteItems leaves all as it was when one condition fails, and gives a reason for each part", async () => {
  const { write, items } = await bed();
  await write([put("a", { Item: item("a", { n: { N: "1" } }) })]);
  const isNew = { ConditionExpression: "attribute_not_exists(id)" };
  const refused = await write([
    put("b"),
    put("a", { ...isNew, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
    { ConditionCheck: { ...TABLE, Key: item("c"), ConditionExpression: "attribute_exists(id)" } },
  ]);
  assertEquals(refused, {
    __type: `${DYNAMODB}TransactionCanceledException`,
    message: "Transaction cancelled, please refer cancellation reasons for specific reasons " +
      "[None, ConditionalCheckFailed, ConditionalCheckFailed]",
    CancellationReasons: [
      { Code: "None" },
      {
        Code: "ConditionalCheckFailed",
        Message: "The conditional request failed",
        Item: item("a", { n: { N: "1" } }),
      },
      { Code: "ConditionalCheckFailed", Message: "The conditional request failed" },
    ],
  });
  assertEquals(items(), [item("a", { n: { N: "1" } })]);
});

Deno.test("TransactWriteItems gives ValidationError as the reason for what does not fit the table or its items", async () => {
  const { write, items } = await bed();
  await write([put("a", { Item: item("a", { n: { S: "text" } }) })]);
  const add = { UpdateExpression: "ADD n :n", ExpressionAttributeValues: { ":n": { N: "1" } } };
  const refused = await write([
    { Update: { ...TABLE, Key: item("a"), ...add } },
    { Delete: { ...TABLE, Key: { other: { S: "a" } } } },
    put("b", { Item: { id: { N: "1" } } }),
    put("c"),
  ]);
  assertEquals(refused.CancellationReasons, [
    { Code: "ValidationError", Message: "An operand in the update expression has an incorrect data type" },
    { Code: "ValidationError", Message: "The provided key element does not match the schema" },
    {
      Code: "ValidationError",
      Message: "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
    },
    { Code: "None" },
  ]);
  assertEquals(items().length, 1);
});

Deno.test("TransactWriteItems refuses as a whole what no table is needed to see", async () => {
  const { write, items } = await bed();
  const refusals: readonly (readonly [readonly object[], string, string])[] = [
    [[put("a"), put("a")], VALIDATION, "Transaction request cannot include multiple operations on one item"],
    [
      [{ ...put("a"), Delete: { ...TABLE, Key: item("b") } }],
      VALIDATION,
      "TransactItems can only contain one of Check, Put, Update or Delete",
    ],
    [[{}], VALIDATION, "TransactItems can only contain one of Check, Put, Update or Delete"],
    [
      ids(101).map((id) => put(id)),
      VALIDATION,
      "1 validation error detected: Value '101 items' at 'transactItems' failed to satisfy constraint: " +
      "Member must have length less than or equal to 100",
    ],
    [
      [put("a", { ConditionExpression: "a ) b" })],
      VALIDATION,
      'Invalid ConditionExpression: Syntax error; token: ")", near: ")"',
    ],
    [
      [put("a"), { Put: { TableName: "none", Item: item("b") } }],
      `${DYNAMODB}ResourceNotFoundException`,
      "Requested resource not found",
    ],
    [
      [{ ConditionCheck: { ...TABLE, Key: item("a") } }],
      VALIDATION,
      "1 validation error detected: Value 'null' at 'conditionExpression' failed to satisfy constraint: Member must not be null",
    ],
    [
      ids(11).map((id) => put(id, { Item: item(id, { big: { S: "x".repeat(390 * 1024) } }) })),
      VALIDATION,
      "Transaction request size has exceeded the maximum allowed size of 4194304 bytes",
    ],
  ];
  for (const [parts, type, message] of refusals) {
    const { __type, message: said } = await write(parts);
    assertEquals([__type, said], [type, message]);
  }
  assertEquals((await write([])).__type, VALIDATION);
  assertEquals(items(), []);
});

Deno.test("TransactWriteItems is done once for a token, for ten minutes, and refuses another content under it", async () => {
  const { write, items, clock } = await bed();
  const add = {
    Update: {
      ...TABLE,
      Key: item("a"),
      UpdateExpression: "ADD n :n",
      ExpressionAttributeValues: { ":n": { N: "1" } },
    },
  };
  const count = () => items()[0]?.n;
  const token = { ClientRequestToken: "token" };
  assertEquals(await write([add], token), {});
  assertEquals(await write([add], token), {});
  assertEquals(count(), { N: "1" });
  assertEquals((await write([put("b")], token)).__type, `${DYNAMODB}IdempotentParameterMismatchException`);
  assertEquals((await write([add], { ClientRequestToken: "x".repeat(37) })).__type, VALIDATION);
  clock.jump(600_001);
  await write([add], token);
  assertEquals(count(), { N: "2" });
});

Deno.test("a cancelled transaction does not use up its token", async () => {
  const { write, items } = await bed();
  const parts = [{ Delete: { ...TABLE, Key: item("a"), ConditionExpression: "attribute_exists(id)" } }];
  const token = { ClientRequestToken: "token" };
  assertEquals((await write(parts, token)).__type, `${DYNAMODB}TransactionCanceledException`);
  await write([put("a")]);
  assertEquals(await write(parts, token), {});
  assertEquals(items(), []);
});

Deno.test("TransactGetItems gets each, an empty answer for none, and cancels for a key that does not fit", async () => {
  const { call, write, get } = await bed();
  await write([put("a", { Item: item("a", { n: { N: "1" } }) })]);
  assertEquals((await get([item("a"), item("none")])).Responses, [
    { Item: item("a", { n: { N: "1" } }) },
    {},
  ]);
  const Get = { ...TABLE, Key: item("a"), ProjectionExpression: "n" };
  assertEquals((await call("TransactGetItems", { TransactItems: [{ Get }] })).body.Responses, [{
    Item: { n: { N: "1" } },
  }]);
  assertEquals((await get([item("a"), { x: { S: "a" } }])).CancellationReasons, [
    { Code: "None" },
    { Code: "ValidationError", Message: "The provided key element does not match the schema" },
  ]);
  assertEquals(
    (await get([item("a"), item("a")])).message,
    "Transaction request cannot include multiple operations on one item",
  );
  assertEquals((await get(ids(101).map((id) => item(id)))).__type, VALIDATION);
});

Deno.test("the fault cancelled gives one part of TransactWriteItems a reason, and does nothing", async () => {
  const { write, items, aws } = await bed();
  aws.faults.next("TransactWriteItems", { type: "cancelled", part: 1, code: "ThrottlingError" });
  aws.faults.next("TransactWriteItems", { type: "cancelled" });
  const codes = async () =>
    (await write([put("a"), put("b")])).CancellationReasons?.map((reason: { Code: string }) => reason.Code);
  assertEquals(await codes(), ["None", "ThrottlingError"]);
  assertEquals(await codes(), ["TransactionConflict", "None"]);
  assertEquals(items(), []);
  assertEquals(await codes(), undefined);
  assertEquals(items().length, 2);
});
