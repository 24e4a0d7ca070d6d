/** The signed DynamoDB calls against dynalite, and against the simulated DynamoDB: what the one does the other must do. */

import { assertEquals, assertRejects } from "@std/assert";
import { type DynamoDB, type Item, signedDynamoDB } from "../../src/aws/dynamodb.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { realSystem } from "../../src/system.ts";
import { startDynalite } from "../support/emulators.ts";
import { simulated } from "../support/simulated.ts";

const KEYS = { accessKeyId: "a", secretAccessKey: "s", sessionToken: undefined, expiresEpochMs: undefined };
const KEY: Item = { leaseKey: { S: "shard-1" } };
const SHARD: Item = { leaseKey: { S: "shard-1" }, leaseCounter: { N: "1" }, leaseOwner: { S: "me" } };
const TABLE = {
  TableName: "leases",
  AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }, {
    AttributeName: "leaseOwner",
    AttributeType: "S",
  }],
  KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
  BillingMode: "PAY_PER_REQUEST",
  GlobalSecondaryIndexes: [{
    IndexName: "ByOwner",
    KeySchema: [{ AttributeName: "leaseOwner", KeyType: "HASH" }, {
      AttributeName: "leaseKey",
      KeyType: "RANGE",
    }],
    Projection: { ProjectionType: "KEYS_ONLY" },
  }],
};

/** Registers a test for each of both, with a table. */
function testOnBoth(name: string, body: (dynamodb: DynamoDB) => Promise<void>): void {
  Deno.test(`${name}, on dynalite`, async () => {
    await using emulator = await startDynalite();
    const service = { region: "us-east-1", endpoint: emulator.url, credentials: KEYS, system: realSystem };
    await withTable(signedDynamoDB(service), body);
  });
  Deno.test(`${name}, simulated`, () => withTable(simulated().dynamodb, body));
}

async function withTable(dynamodb: DynamoDB, body: (dynamodb: DynamoDB) => Promise<void>): Promise<void> {
  assertEquals(await dynamodb.createTable(TABLE), true);
  while ((await dynamodb.describeTable("leases"))?.tableStatus !== "ACTIVE") await realSystem.clock.sleep(5);
  await body(dynamodb);
}

testOnBoth(
  "describeTable() tells keys, indexes and billing, and undefined for no table",
  async (dynamodb) => {
    assertEquals(await dynamodb.describeTable("none"), undefined);
    const table = await dynamodb.describeTable("leases");
    assertEquals(table?.keySchema, [{ attributeName: "leaseKey", keyType: "HASH" }]);
    assertEquals(table?.indexes, { ByOwner: "ACTIVE" });
    assertEquals(table?.billingMode, "PAY_PER_REQUEST");
    assertEquals(table?.provisionedThroughput, undefined);
    assertEquals(table?.tableSizeBytes, 0);
  },
);

testOnBoth("createTable() answers false for a table that exists", async (dynamodb) => {
  assertEquals(await dynamodb.createTable(TABLE), false);
});

testOnBoth("tableOperation() changes the billing mode", async (dynamodb) => {
  await dynamodb.tableOperation("UpdateTable", {
    TableName: "leases",
    BillingMode: "PROVISIONED",
    ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 4 },
    GlobalSecondaryIndexUpdates: [{
      Update: {
        IndexName: "ByOwner",
        ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
      },
    }],
  });
  while ((await dynamodb.describeTable("leases"))?.tableStatus !== "ACTIVE") {
    await realSystem.clock.sleep(5);
  }
  const table = await dynamodb.describeTable("leases");
  assertEquals(table?.billingMode, "PROVISIONED");
  assertEquals(table?.provisionedThroughput, { read: 3, write: 4 });
});

testOnBoth("putItem() with a condition is applied once, then refused", async (dynamodb) => {
  const absent = { ConditionExpression: "attribute_not_exists(leaseKey)" };
  assertEquals(await dynamodb.putItem("leases", SHARD, absent), { applied: true, item: undefined });
  assertEquals((await dynamodb.putItem("leases", SHARD, absent)).applied, false);
  assertEquals(await dynamodb.getItem("leases", KEY), SHARD);
  assertEquals(await dynamodb.getItem("leases", { leaseKey: { S: "none" } }), undefined);
});

testOnBoth(
  "updateItem() returns the new item when applied, and is refused by its condition",
  async (dynamodb) => {
    await dynamodb.putItem("leases", SHARD, {});
    const renew = (counter: string) =>
      dynamodb.updateItem("leases", KEY, "SET leaseCounter = :next", {
        ConditionExpression: "leaseCounter = :seen",
        ExpressionAttributeValues: { ":seen": { N: counter }, ":next": { N: "2" } },
      });
    assertEquals(await renew("1"), { applied: true, item: { ...SHARD, leaseCounter: { N: "2" } } });
    assertEquals((await renew("1")).applied, false);
  },
);

testOnBoth("deleteItem() obeys its condition", async (dynamodb) => {
  await dynamodb.putItem("leases", SHARD, {});
  const ifOwnedBy = (owner: string) => ({
    ConditionExpression: "leaseOwner = :o",
    ExpressionAttributeValues: { ":o": { S: owner } },
  });
  assertEquals((await dynamodb.deleteItem("leases", KEY, ifOwnedBy("you"))).applied, false);
  assertEquals((await dynamodb.deleteItem("leases", KEY, ifOwnedBy("me"))).applied, true);
  assertEquals(await dynamodb.getItem("leases", KEY), undefined);
});

testOnBoth(
  "scan() reads all pages, in one segment and in many; queryIndex() all of one owner",
  async (dynamodb) => {
    // 1.2 MB: more than the 1 MB that one page of Scan may hold.
    const filler = { S: "x".repeat(30_000) };
    const keys = Array.from({ length: 40 }, (_, i) => `shard-${i.toString().padStart(2, "0")}`);
    for (const [i, key] of keys.entries()) {
      const leaseOwner = { S: i % 4 === 0 ? "me" : "you" };
      await dynamodb.putItem("leases", { leaseKey: { S: key }, leaseOwner, filler }, {});
    }
    const keysOf = (items: readonly Item[]) => items.map((item) => (item.leaseKey as { S: string }).S).sort();
    assertEquals(keysOf(await dynamodb.scan("leases")), keys);
    assertEquals(keysOf(await dynamodb.scan("leases", 4)), keys);
    const mine = await dynamodb.queryIndex("leases", "ByOwner", "leaseOwner = :me", {
      ExpressionAttributeValues: { ":me": { S: "me" } },
    });
    assertEquals(keysOf(mine), keys.filter((_, i) => i % 4 === 0));
  },
);

testOnBoth("scan() of a table that does not exist fails, in one segment and in many", async (dynamodb) => {
  for (const segments of [1, 3]) {
    const error = await assertRejects(() => dynamodb.scan("none", segments), AwsServiceError);
    assertEquals(error.code, "ResourceNotFoundException");
  }
});
