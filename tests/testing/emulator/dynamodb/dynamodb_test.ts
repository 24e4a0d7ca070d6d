/** DynamoDB as the emulator has it, beyond what the stores' contracts ask of it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { crc32 } from "node:zlib";
import { AwsServiceError } from "../../../../src/errors.ts";
import { addIndexInput, createTableInput, OWNER_INDEX } from "../../../../src/store/lease_table.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { signedHeaders, simulated } from "../../../support/simulated.ts";

const TABLE = { TableName: "leases" };
const LEASES = createTableInput({ tableName: "leases" });
const { GlobalSecondaryIndexes: _, AttributeDefinitions: __, ...rest } = LEASES;
const WITHOUT_INDEX = { ...rest, AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }] };

const VALIDATION = "com.amazon.coral.validate#ValidationException";
const NOT_FOUND = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
const IN_USE = "com.amazonaws.dynamodb.v20120810#ResourceInUseException";

/** An emulator with an empty lease table, in a time that stands still. */
async function bed(table: Readonly<Record<string, unknown>> = LEASES) {
  const clock = new FakeClock();
  const made = simulated({ changeMs: 100, system: { clock, random: () => 0 } });
  await made.call("CreateTable", table);
  clock.jump(100);
  const call = async (operation: string, input: object) =>
    (await made.call(operation, { ...TABLE, ...input })).body;
  const put = (leaseKey: string, more: object = {}) =>
    call("PutItem", { Item: { leaseKey: { S: leaseKey }, ...more } });
  return { ...made, clock, call, put };
}

const keysOf = (items: readonly { readonly leaseKey: { readonly S: string } }[]) =>
  items.map(({ leaseKey }) => leaseKey.S);

Deno.test("a table is CREATING, ACTIVE, DELETING, and gone; items are refused before and after", async () => {
  const clock = new FakeClock();
  const { call, dynamodb } = simulated({ changeMs: 100, system: { clock, random: () => 0 } });
  const get = { ...TABLE, Key: { leaseKey: { S: "a" } } };
  assertEquals((await call("GetItem", get)).body.__type, NOT_FOUND);
  assertEquals((await call("CreateTable", LEASES)).body.TableDescription.TableStatus, "CREATING");
  assertEquals((await call("CreateTable", LEASES)).body.__type, IN_USE);
  assertEquals((await call("GetItem", get)).body.__type, NOT_FOUND);
  assertEquals((await call("DeleteTable", TABLE)).body.__type, IN_USE);
  clock.jump(100);
  assertEquals((await dynamodb.describeTable("leases"))?.indexes, { [OWNER_INDEX]: "ACTIVE" });
  assertEquals((await call("GetItem", get)).body, {});
  assertEquals((await call("ListTables", { ...TABLE })).body.TableNames, ["leases"]);
  assertEquals((await call("DeleteTable", TABLE)).status, 200);
  assertEquals((await call("DescribeTable", TABLE)).body.Table.TableStatus, "DELETING");
  clock.jump(100);
  assertEquals((await call("DescribeTable", TABLE)).body.__type, NOT_FOUND);
});

Deno.test("an index that is added later is filled while the table is in use", async () => {
  const { call, clock, dynamodb, put } = await bed(WITHOUT_INDEX);
  await put("a", { leaseOwner: { S: "me" } });
  const query = () =>
    call("Query", {
      IndexName: OWNER_INDEX,
      KeyConditionExpression: "leaseOwner = :o",
      ExpressionAttributeValues: { ":o": { S: "me" } },
    });
  assertEquals((await query()).__type, VALIDATION);
  const table = await dynamodb.describeTable("leases");
  assert(table !== undefined);
  await dynamodb.tableOperation("UpdateTable", addIndexInput(table));
  const building = await dynamodb.describeTable("leases");
  assertEquals([building?.tableStatus, building?.indexes], ["UPDATING", { [OWNER_INDEX]: "CREATING" }]);
  assertEquals(
    (await query()).message,
    `Cannot read from backfilling global secondary index: ${OWNER_INDEX}`,
  );
  await put("b", { leaseOwner: { S: "me" } });
  clock.jump(100);
  assertEquals((await query()).Items, [
    { leaseKey: { S: "a" }, leaseOwner: { S: "me" } },
    { leaseKey: { S: "b" }, leaseOwner: { S: "me" } },
  ]);
  assertEquals((await call("UpdateTable", addIndexInput(table))).__type, VALIDATION);
});

Deno.test("tables keep their tags, throughput, recovery and protection", async () => {
  const options = {
    tableName: "leases",
    billingMode: { readCapacity: 3, writeCapacity: 4 },
    leaseTableDeletionProtectionEnabled: true,
    leaseTableTags: { team: "words" },
  };
  const { aws, call, clock, dynamodb } = await bed(createTableInput(options));
  assertEquals((await dynamodb.describeTable("leases"))?.provisionedThroughput, { read: 3, write: 4 });
  const ResourceArn = (await call("DescribeTable", {})).Table.TableArn;
  assertEquals((await call("ListTagsOfResource", { ResourceArn })).Tags, [{ Key: "team", Value: "words" }]);
  const view = aws.table("leases");
  assertEquals([view.isProtected, view.isRecoverable, view.tags.get("team")], [true, false, "words"]);
  assertEquals((await call("DeleteTable", {})).__type, VALIDATION);
  await dynamodb.tableOperation("UpdateContinuousBackups", {
    ...TABLE,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  assertEquals(view.isRecoverable, true);
  await call("UpdateTable", { BillingMode: "PAY_PER_REQUEST", DeletionProtectionEnabled: false });
  clock.jump(100);
  assertEquals((await dynamodb.describeTable("leases"))?.billingMode, "PAY_PER_REQUEST");
  assertEquals((await call("DeleteTable", {})).TableDescription.TableStatus, "DELETING");
});

Deno.test("a refused condition tells the item where it is asked for, and only there", async () => {
  const { call, dynamodb, put } = await bed();
  await put("a", { leaseCounter: { N: "7" } });
  const update = {
    Key: { leaseKey: { S: "a" } },
    UpdateExpression: "ADD leaseCounter :one",
    ConditionExpression: "leaseCounter = :seen",
    ExpressionAttributeValues: { ":one": { N: "1" }, ":seen": { N: "6" } },
  };
  const code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
  assertEquals(await call("UpdateItem", update), { __type: code, message: "The conditional request failed" });
  const told = await call("UpdateItem", { ...update, ReturnValuesOnConditionCheckFailure: "ALL_OLD" });
  assertEquals(told.Item, { leaseKey: { S: "a" }, leaseCounter: { N: "7" } });
  const { Key, UpdateExpression, ...expressions } = update;
  assertEquals(await dynamodb.updateItem("leases", Key, UpdateExpression, expressions), {
    applied: false,
    item: told.Item,
  });
});

Deno.test("numbers are exact to 38 digits", async () => {
  const { call, put } = await bed();
  await put("a", { n: { N: "99999999999999999999999999999999999998" } });
  const add = (N: string) =>
    call("UpdateItem", {
      Key: { leaseKey: { S: "a" } },
      UpdateExpression: "SET n = n + :n",
      ExpressionAttributeValues: { ":n": { N } },
      ReturnValues: "UPDATED_NEW",
    });
  assertEquals((await add("1")).Attributes, { n: { N: "99999999999999999999999999999999999999" } });
  assertEquals((await add("0.5")).__type, VALIDATION);
  assertEquals((await add("-99999999999999999999999999999999999998.99")).__type, VALIDATION);
  assertEquals((await add("-9.9999999999999999999999999999999999999e37")).Attributes, { n: { N: "0" } });
  assertEquals((await add("-1.50e-3")).Attributes, { n: { N: "-0.0015" } });
  assertEquals((await add("1e126")).__type, VALIDATION);
});

Deno.test("a scan comes in pages and segments, each item once, also when one is deleted in between", async () => {
  const { call, put } = await bed();
  const keys = Array.from({ length: 25 }, (_, i) => `shard-${i + 10}`);
  for (const key of keys) await put(key);
  const scan = async (more: object, onPage: (last: object) => Promise<unknown> = () => Promise.resolve()) => {
    const found: string[] = [];
    let ExclusiveStartKey: object | undefined;
    do {
      const page = await call("Scan", {
        Limit: 4,
        ...more,
        ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
      });
      assertEquals(page.Count, page.Items.length);
      found.push(...keysOf(page.Items));
      ExclusiveStartKey = page.LastEvaluatedKey;
      if (ExclusiveStartKey !== undefined) await onPage(ExclusiveStartKey);
    } while (ExclusiveStartKey !== undefined);
    return found;
  };
  assertEquals((await scan({})).toSorted(), keys);
  const segments = await Promise.all([0, 1, 2].map((Segment) => scan({ Segment, TotalSegments: 3 })));
  assert(segments.every((segment) => segment.length > 0 && segment.length < 25));
  assertEquals(segments.flat().toSorted(), keys);
  assertEquals((await scan({}, (Key) => call("DeleteItem", { Key }))).toSorted(), keys);
  assertEquals((await call("Scan", { Segment: 3, TotalSegments: 3 })).__type, VALIDATION);
  const filtered = await call("Scan", {
    FilterExpression: "begins_with(leaseKey, :p)",
    ExpressionAttributeValues: { ":p": { S: "shard-1" } },
    Select: "COUNT",
  });
  assertEquals(filtered.Items, undefined);
  assert(filtered.ScannedCount > filtered.Count);
});

Deno.test("a query finds a partition by its range key, in pages, in either direction", async () => {
  const { call, put } = await bed();
  for (const key of ["a1", "a2", "b1", "b2", "c1"]) {
    await put(key, { leaseOwner: { S: key.startsWith("c") ? "you" : "me" } });
  }
  await put("free");
  const query = (range: string, more: object = {}, values: object = {}) =>
    call("Query", {
      IndexName: OWNER_INDEX,
      KeyConditionExpression: `leaseOwner = :o${range}`,
      ExpressionAttributeValues: { ":o": { S: "me" }, ...values },
      ...more,
    });
  const k = (S: string) => ({ ":k": { S } });
  assertEquals(keysOf((await query("")).Items), ["a1", "a2", "b1", "b2"]);
  assertEquals(keysOf((await query(" AND leaseKey >= :k", {}, k("a2"))).Items), ["a2", "b1", "b2"]);
  assertEquals(keysOf((await query(" AND begins_with(leaseKey, :k)", {}, k("b"))).Items), ["b1", "b2"]);
  assertEquals(
    keysOf((await query(" AND leaseKey BETWEEN :k AND :m", {}, { ...k("a2"), ":m": { S: "b1" } })).Items),
    ["a2", "b1"],
  );
  const page = await query("", { Limit: 3, ScanIndexForward: false });
  assertEquals(keysOf(page.Items), ["b2", "b1", "a2"]);
  assertEquals(page.LastEvaluatedKey, { leaseKey: { S: "a2" }, leaseOwner: { S: "me" } });
  const next = await query("", { ScanIndexForward: false, ExclusiveStartKey: page.LastEvaluatedKey });
  assertEquals([keysOf(next.Items), next.LastEvaluatedKey], [["a1"], undefined]);
  assertEquals((await query("", { ConsistentRead: true })).__type, VALIDATION);
  assertEquals((await query(" AND other = :k", {}, k("x"))).__type, VALIDATION);
  assertEquals((await query(" OR leaseKey = :k", {}, k("x"))).__type, VALIDATION);
  assertEquals(
    (await call("Query", {
      KeyConditionExpression: "leaseKey = :o",
      ExpressionAttributeValues: { ":o": { S: "free" } },
    })).Count,
    1,
  );
  assertEquals(
    (await call("Query", {
      KeyConditionExpression: "leaseKey > :o",
      ExpressionAttributeValues: { ":o": { S: "free" } },
    })).__type,
    VALIDATION,
  );
});

const REFUSED: readonly (readonly [string, object, string])[] = [
  ["a reserved word by itself", { UpdateExpression: "SET data = :v" }, "reserved keyword: data"],
  [
    "a placeholder for nothing",
    { UpdateExpression: "SET a = :v", ExpressionAttributeNames: { "#b": "b" } },
    "unused in expressions: keys: {#b}",
  ],
  ["a value that is not given", { UpdateExpression: "SET a = :w" }, "attribute value: :w"],
  ["a key that is changed", { UpdateExpression: "SET leaseKey = :v" }, "part of the key"],
  ["a section twice", { UpdateExpression: "SET a = :v SET b = :v" }, "can only be used once"],
  ["an expression of nothing", { UpdateExpression: " " }, "can not be empty"],
  ["a character that is none", { UpdateExpression: "SET a = :v;" }, 'token: ";"'],
  [
    "an index key of another type",
    { UpdateExpression: "SET leaseOwner = :v" },
    "Type mismatch for Index Key leaseOwner",
  ],
  ["text for an index key that is empty", {
    UpdateExpression: "SET leaseOwner = :v",
    ExpressionAttributeValues: { ":v": { S: "" } },
  }, "empty string value"],
  ["an item that is too large", {
    UpdateExpression: "SET a = :v",
    ExpressionAttributeValues: { ":v": { S: "x".repeat(410_000) } },
  }, "exceeded the maximum"],
  [
    "both ways of writing",
    { UpdateExpression: "SET a = :v", Expected: { a: { Exists: false } } },
    "non-expression parameters",
  ],
  [
    "a key of another shape",
    { Key: { id: { S: "a" } }, UpdateExpression: "SET a = :v" },
    "does not match the schema",
  ],
  ["brackets without an end", {
    UpdateExpression: "SET a = :v",
    ConditionExpression: `${"(".repeat(200)}a = :v`,
  }, "nested too deeply"],
];
for (const [what, input, message] of REFUSED) {
  Deno.test(`UpdateItem refuses ${what}`, async () => {
    const { call } = await bed();
    const body = await call("UpdateItem", {
      Key: { leaseKey: { S: "a" } },
      ExpressionAttributeValues: { ":v": { N: "1" } },
      ...input,
    });
    assertEquals(body.__type, VALIDATION);
    assert(body.message.includes(message), body.message);
    assertEquals((await call("Scan", {})).Count, 0);
  });
}

Deno.test("items at paths are read and written by expressions", async () => {
  const { call, put } = await bed();
  await put("a", { m: { M: { x: { L: [{ S: "0" }, { S: "1" }, { S: "2" }] }, "d.e": { N: "1" } } } });
  const Key = { leaseKey: { S: "a" } };
  const updated = await call("UpdateItem", {
    Key,
    UpdateExpression: "REMOVE m.x[0], m.x[2] SET #m.#de = #m.#de + :one, other = size",
    ExpressionAttributeNames: { "#m": "m", "#de": "d.e" },
    ExpressionAttributeValues: { ":one": { N: "1" } },
  });
  assertEquals(updated.__type, VALIDATION); // `size` is reserved
  const { Attributes } = await call("UpdateItem", {
    Key,
    UpdateExpression: "REMOVE m.x[0], m.x[2] SET #m.#de = #m.#de + :one",
    ExpressionAttributeNames: { "#m": "m", "#de": "d.e" },
    ExpressionAttributeValues: { ":one": { N: "1" } },
    ReturnValues: "ALL_NEW",
  });
  assertEquals(Attributes.m, { M: { x: { L: [{ S: "1" }] }, "d.e": { N: "2" } } });
  const { Item } = await call("GetItem", { Key, ProjectionExpression: "m.x[0], leaseKey" });
  assertEquals(Item, { m: { M: { x: { L: [{ S: "1" }] } } }, leaseKey: { S: "a" } });
});

Deno.test("numbers are added and subtracted, sets joined and parted", async () => {
  const { call, put } = await bed();
  await put("a", { n: { N: "10" }, s: { SS: ["x", "y"] } });
  const after = async (UpdateExpression: string, v: object) =>
    (await call("UpdateItem", {
      Key: { leaseKey: { S: "a" } },
      UpdateExpression,
      ExpressionAttributeValues: { ":v": v },
      ReturnValues: "UPDATED_NEW",
    })).Attributes;
  assertEquals(await after("SET n = n - :v", { N: "2.5" }), { n: { N: "7.5" } });
  assertEquals(await after("SET n = :v - n", { N: "2.5" }), { n: { N: "-5" } });
  assertEquals(await after("ADD n :v", { N: "-1e2" }), { n: { N: "-105" } });
  assertEquals(await after("ADD s :v", { SS: ["y", "z"] }), { s: { SS: ["x", "y", "z"] } });
  assertEquals(await after("DELETE s :v", { SS: ["y", "w"] }), { s: { SS: ["x", "z"] } });
  assertEquals(await after("DELETE s :v", { SS: ["x", "z"] }), {});
  assertEquals(await after("SET l = list_append(if_not_exists(l, :v), :v)", { L: [{ S: "i" }] }), {
    l: { L: [{ S: "i" }, { S: "i" }] },
  });
});

Deno.test("the conditions of before expressions hold and fail as those of expressions do", async () => {
  const { call, put } = await bed();
  await put("a", { n: { N: "5" }, t: { S: "text" } });
  const cases: readonly (readonly [string, object, boolean])[] = [
    ["n", { Value: { N: "5.0" } }, true],
    ["n", { Value: { N: "6" } }, false],
    ["n", { Exists: false }, false],
    ["x", { Exists: false }, true],
    ["n", { ComparisonOperator: "NOT_NULL" }, true],
    ["x", { ComparisonOperator: "NOT_NULL" }, false],
    ["x", { ComparisonOperator: "NULL" }, true],
    ["n", { ComparisonOperator: "GE", AttributeValueList: [{ N: "5" }] }, true],
    ["n", { ComparisonOperator: "LT", AttributeValueList: [{ N: "5" }] }, false],
    ["n", { ComparisonOperator: "NE", AttributeValueList: [{ N: "5" }] }, false],
    ["n", { ComparisonOperator: "BETWEEN", AttributeValueList: [{ N: "1" }, { N: "5" }] }, true],
    ["n", { ComparisonOperator: "IN", AttributeValueList: [{ N: "1" }, { N: "5" }] }, true],
    ["t", { ComparisonOperator: "BEGINS_WITH", AttributeValueList: [{ S: "te" }] }, true],
    ["t", { ComparisonOperator: "CONTAINS", AttributeValueList: [{ S: "ex" }] }, true],
    ["t", { ComparisonOperator: "NOT_CONTAINS", AttributeValueList: [{ S: "ex" }] }, false],
  ];
  const write = async (input: object) =>
    (await call("UpdateItem", { Key: { leaseKey: { S: "a" } }, ...input })).__type?.split("#")[1];
  for (const [name, condition, wanted] of cases) {
    const found = await write({
      Expected: { [name]: condition },
      AttributeUpdates: { m: { Value: { S: "m" } } },
    });
    assertEquals(
      found,
      wanted ? undefined : "ConditionalCheckFailedException",
      JSON.stringify([name, condition]),
    );
  }
  const both = { n: { Value: { N: "5" } }, t: { Value: { S: "other" } } };
  assertEquals(await write({ Expected: both }), "ConditionalCheckFailedException");
  assertEquals(await write({ Expected: both, ConditionalOperator: "OR" }), undefined);
  assertEquals(
    await write({ AttributeUpdates: { n: { Action: "ADD", Value: { N: "1" } }, t: { Action: "DELETE" } } }),
    undefined,
  );
  assertEquals(await write({ AttributeUpdates: { n: { Action: "PUT" } } }), "ValidationException");
  assertEquals(await write({ Expected: { n: { ComparisonOperator: "EQ" } } }), "ValidationException");
  const { Items } = await call("Scan", {});
  assertEquals(Items, [{ leaseKey: { S: "a" }, n: { N: "6" }, m: { S: "m" } }]);
});

Deno.test("each answer carries its checksum, refusals too", async () => {
  const { aws, dynamodb } = await bed();
  for (const [table, status] of [["leases", 200], ["none", 400]] as const) {
    const response = await aws.fetch("http://x", {
      method: "POST",
      headers: signedHeaders("DynamoDB_20120810.DescribeTable", "application/x-amz-json-1.0"),
      body: JSON.stringify({ TableName: table }),
    });
    const body = new Uint8Array(await response.arrayBuffer());
    assertEquals(response.status, status);
    assertEquals(response.headers.get("x-amz-crc32"), `${crc32(body)}`);
    assertEquals(response.headers.get("content-type"), "application/x-amz-json-1.0");
  }
  await assertRejects(() => dynamodb.getItem("none", { leaseKey: { S: "a" } }), AwsServiceError);
});

Deno.test("attributes, functions and operators are not found in what every object inherits", async () => {
  const { call, put } = await bed();
  await put("a");
  const names = ["constructor", "toString", "__proto__"];
  for (const name of names) {
    const update = {
      Key: { leaseKey: { S: "a" } },
      UpdateExpression: "SET #n = :v",
      ConditionExpression: "attribute_not_exists(#n)",
      ExpressionAttributeNames: { "#n": name },
      ExpressionAttributeValues: { ":v": { M: {} } },
    };
    assertEquals(await call("UpdateItem", update), {}, name);
    assertEquals(
      (await call("UpdateItem", update)).__type.endsWith("#ConditionalCheckFailedException"),
      true,
    );
    const inside = {
      ...update,
      UpdateExpression: "SET #n.#n = :v",
      ConditionExpression: "attribute_not_exists(#n.#n)",
    };
    assertEquals(await call("UpdateItem", inside), {}, name);
    const read = {
      Key: { leaseKey: { S: "a" } },
      ProjectionExpression: "#n",
      ExpressionAttributeNames: { "#n": name },
    };
    const { Item } = await call("GetItem", read);
    assertEquals(Object.entries(Item), [[name, { M: Object.fromEntries([[name, { M: {} }]]) }]]);
    const odd = { ...update, ConditionExpression: `${name}(#n, :v)` };
    assertEquals((await call("UpdateItem", odd)).__type, VALIDATION);
    const legacy = {
      Item: { leaseKey: { S: "a" } },
      Expected: { a: { ComparisonOperator: name, AttributeValueList: [{ S: "a" }] } },
    };
    assertEquals((await call("PutItem", legacy)).__type, VALIDATION);
  }
});
