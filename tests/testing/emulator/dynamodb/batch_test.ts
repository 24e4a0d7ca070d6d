/** Batches of DynamoDB as the emulator has them. */

import { assertEquals } from "@std/assert";
import { FakeClock } from "../../../support/fake_clock.ts";
import { simulated } from "../../../support/simulated.ts";

const VALIDATION = "com.amazon.coral.validate#ValidationException";
const NOT_FOUND = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";

const item = (id: string, more: object = {}) => ({ id: { S: id }, ...more });
const put = (id: string, more: object = {}) => ({ PutRequest: { Item: item(id, more) } });
const remove = (id: string) => ({ DeleteRequest: { Key: item(id) } });
const ids = (count: number) => Array.from({ length: count }, (_, i) => `${i}`.padStart(3, "0"));

/** An emulator with the empty tables "one" and "two". */
async function bed() {
  const clock = new FakeClock();
  const made = simulated({ changeMs: 100, system: { clock, random: () => 0 } });
  for (const TableName of ["one", "two"]) {
    await made.call("CreateTable", {
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    });
  }
  clock.jump(100);
  const call = async (operation: string, RequestItems: object) =>
    (await made.call(operation, { RequestItems })).body;
  const idsIn = (table: string) =>
    made.aws.table(table).items().map(({ id }) => id !== undefined && "S" in id ? id.S : "");
  return {
    ...made,
    idsIn,
    write: (requests: object) => call("BatchWriteItem", requests),
    get: (requests: object) => call("BatchGetItem", requests),
  };
}

Deno.test("BatchWriteItem puts and deletes items of several tables", async () => {
  const { write, idsIn } = await bed();
  assertEquals(await write({ one: [put("a"), put("b")], two: [put("a")] }), { UnprocessedItems: {} });
  assertEquals(await write({ one: [remove("a"), put("c"), remove("none")] }), { UnprocessedItems: {} });
  assertEquals([idsIn("one"), idsIn("two")], [["b", "c"], ["a"]]);
});

Deno.test("BatchWriteItem writes nothing when a part of it is refused, and says what AWS says", async () => {
  const { write, idsIn } = await bed();
  const refusals: readonly (readonly [object, string, string])[] = [
    [{ one: [put("a"), remove("a")] }, VALIDATION, "Provided list of item keys contains duplicates"],
    [
      { one: ids(20).map((id) => put(id)), two: ids(6).map((id) => put(id)) },
      VALIDATION,
      "Too many items requested for the BatchWriteItem call",
    ],
    [
      { one: ids(26).map((id) => put(id)) },
      VALIDATION,
      "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: " +
      "[Member must have length less than or equal to 25, Member must have length greater than or equal to 1]",
    ],
    [
      {},
      VALIDATION,
      "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: " +
      "Member must have length greater than or equal to 1",
    ],
    [{ one: [put("a")], three: [put("a")] }, NOT_FOUND, "Requested resource not found"],
    [
      { one: [put("a"), { PutRequest: { Item: { other: { S: "x" } } } }] },
      VALIDATION,
      "One or more parameter values were invalid: Missing the key id in the item",
    ],
    [
      { one: [put("a"), { DeleteRequest: { Key: { other: { S: "x" } } } }] },
      VALIDATION,
      "The provided key element does not match the schema",
    ],
    [
      { one: [put("a"), put("b", { big: { S: "x".repeat(400 * 1024) } })] },
      VALIDATION,
      "Item size has exceeded the maximum allowed size",
    ],
  ];
  for (const [requests, type, message] of refusals) {
    const { __type, message: said } = await write(requests);
    assertEquals([__type, said], [type, message]);
  }
  assertEquals(idsIn("one"), []);
});

Deno.test("BatchGetItem gets what there is, projected for each table on its own", async () => {
  const { write, get } = await bed();
  await write({
    one: [put("a", { n: { N: "1" } }), put("b")],
    two: [put("a", { n: { N: "2" }, m: { N: "3" } })],
  });
  const { Responses, UnprocessedKeys } = await get({
    one: { Keys: [item("a"), item("none")], ConsistentRead: true },
    two: { Keys: [item("a")], ProjectionExpression: "#n", ExpressionAttributeNames: { "#n": "n" } },
  });
  assertEquals(Responses, { one: [item("a", { n: { N: "1" } })], two: [{ n: { N: "2" } }] });
  assertEquals(UnprocessedKeys, {});
  assertEquals((await get({ one: { Keys: [item("none")] } })).Responses, { one: [] });
});

Deno.test("AttributesToGet is read, and other parameters from before expressions are refused, wherever they stand", async () => {
  const { aws, call, write, get } = await bed();
  await write({ one: [put("a", { n: { N: "1" } })] });
  const table = { TableName: "one" };
  const AttributesToGet = ["n", "none"];
  assertEquals((await get({ one: { Keys: [item("a")], AttributesToGet } })).Responses, {
    one: [{ n: { N: "1" } }],
  });
  const found = await call("GetItem", { ...table, Key: item("a"), AttributesToGet });
  assertEquals(found.body, { Item: { n: { N: "1" } } });
  assertEquals((await call("Scan", { ...table, AttributesToGet })).body.Items, [{ n: { N: "1" } }]);
  const both = await call("Scan", { ...table, AttributesToGet, ProjectionExpression: "n" });
  assertEquals(both.body.__type, VALIDATION);
  const refusals = [["Scan", "ScanFilter"], ["Query", "QueryFilter"], ["Query", "KeyConditions"]] as const;
  for (const [operation, name] of refusals) {
    const { body } = await call(operation, { ...table, [name]: {} });
    assertEquals(body.message.startsWith(`The parameter ${name} is not simulated: use `), true, body.message);
  }
  assertEquals(aws.table("one").items().length, 1);
});

Deno.test("BatchGetItem refuses too many keys, the same key twice, and a key that is none", async () => {
  const { get } = await bed();
  const messageOf = async (requests: object) => (await get(requests)).message;
  assertEquals(
    await messageOf({ one: { Keys: [item("a"), item("a")] } }),
    "Provided list of item keys contains duplicates",
  );
  const [sixty, fifty] = [ids(60).map((id) => item(id)), ids(50).map((id) => item(id))];
  assertEquals(
    await messageOf({ one: { Keys: sixty }, two: { Keys: fifty } }),
    "Too many items requested for the BatchGetItem call",
  );
  assertEquals((await get({ one: { Keys: ids(101).map((id) => item(id)) } })).__type, VALIDATION);
  assertEquals((await get({ one: { Keys: [] } })).__type, VALIDATION);
  assertEquals(
    await messageOf({ one: { Keys: [{ x: { S: "a" } }] } }),
    "The provided key element does not match the schema",
  );
  assertEquals((await get({ three: { Keys: [item("a")] } })).__type, NOT_FOUND);
});

Deno.test("BatchGetItem answers 16 MiB at the most, and names the rest as UnprocessedKeys", async () => {
  const { write, get } = await bed();
  const big = { big: { S: "x".repeat(390 * 1024) } };
  for (const id of ids(45)) await write({ one: [put(id, big)] });
  const request = { Keys: ids(45).map((id) => item(id)), ProjectionExpression: "id" };
  const { Responses, UnprocessedKeys } = await get({ one: request });
  assertEquals(Responses.one.length, 42);
  assertEquals(UnprocessedKeys, {
    one: { Keys: ids(45).slice(42).map((id) => item(id)), ProjectionExpression: "id" },
  });
});

Deno.test("fault unprocessed leaves the last of a batch, which is done when it is asked for again", async () => {
  const { aws, write, get, idsIn } = await bed();
  aws.faults.next("BatchWriteItem", { type: "unprocessed", count: 2 });
  const { UnprocessedItems } = await write({ one: [put("a"), put("b")], two: [put("c")] });
  assertEquals([idsIn("one"), idsIn("two")], [["a"], []]);
  assertEquals(UnprocessedItems, { one: [put("b")], two: [put("c")] });
  assertEquals(await write(UnprocessedItems), { UnprocessedItems: {} });
  aws.faults.next("BatchGetItem", { type: "unprocessed" });
  const { Responses, UnprocessedKeys } = await get({ one: { Keys: [item("a"), item("b")] } });
  assertEquals([Responses, UnprocessedKeys], [{ one: [item("a")] }, { one: { Keys: [item("b")] } }]);
});
