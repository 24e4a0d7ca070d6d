import { assertEquals, assertThrows } from "@std/assert";
import { conditionExpressions, holds, updatedItem, updateExpressions } from "../../src/store/item_write.ts";

Deno.test("conditionExpressions() aliases every name and is empty without a condition", () => {
  assertEquals(conditionExpressions({}), {});
  assertEquals(conditionExpressions({ key: "present", data: "absent", lut: { N: "7" } }), {
    ConditionExpression: "attribute_exists(#key) AND attribute_not_exists(#data) AND #lut = :when_lut",
    ExpressionAttributeNames: { "#key": "key", "#data": "data", "#lut": "lut" },
    ExpressionAttributeValues: { ":when_lut": { N: "7" } },
  });
});

Deno.test("updateExpressions() keeps the old and the new value of one attribute apart", () => {
  assertEquals(
    updateExpressions(
      { set: { owner: { S: "b" } }, add: { counter: 1 }, remove: ["gone", "away"] },
      { owner: { S: "a" } },
    ),
    {
      updateExpression: "SET #owner = :owner REMOVE #gone, #away ADD #counter :counter",
      expressions: {
        ConditionExpression: "#owner = :when_owner",
        ExpressionAttributeNames: {
          "#owner": "owner",
          "#counter": "counter",
          "#gone": "gone",
          "#away": "away",
        },
        ExpressionAttributeValues: {
          ":when_owner": { S: "a" },
          ":owner": { S: "b" },
          ":counter": { N: "1" },
        },
      },
    },
  );
});

Deno.test("updateExpressions() leaves out what there is none of", () => {
  assertEquals(updateExpressions({ set: {}, add: {}, remove: ["gone"] }, {}), {
    updateExpression: "REMOVE #gone",
    expressions: { ExpressionAttributeNames: { "#gone": "gone" } },
  });
});

Deno.test("holds() compares as DynamoDB does: by type, and numbers by value", () => {
  const item = { k: { S: "a" }, n: { N: "7" } };
  const table = [
    [{}, undefined, true],
    [{ k: "present" }, undefined, false],
    [{ k: "absent" }, undefined, true],
    [{ k: { S: "a" } }, undefined, false],
    [{ k: "present", x: "absent" }, item, true],
    [{ k: "absent" }, item, false],
    [{ x: "present" }, item, false],
    [{ k: { S: "a" }, n: { N: "7" } }, item, true],
    [{ n: { N: "7.0" } }, item, true],
    [{ n: { S: "7" } }, item, false],
    [{ k: { N: "7" } }, item, false],
    [{ k: { S: "b" } }, item, false],
  ] as const;
  for (const [when, found, wanted] of table) {
    assertEquals(holds(when, found), wanted, JSON.stringify([when, found]));
  }
});

Deno.test("updatedItem() changes what it names and makes a new item", () => {
  const item = { k: { S: "a" }, n: { N: "7" }, x: { S: "stays" }, gone: { S: "" } };
  assertEquals(
    updatedItem(item, { set: { k: { S: "b" } }, add: { n: 1, fresh: 1 }, remove: ["gone", "none"] }),
    { k: { S: "b" }, n: { N: "8" }, x: { S: "stays" }, fresh: { N: "1" } },
  );
  assertEquals(item.n, { N: "7" });
  assertThrows(() => updatedItem(item, { set: {}, add: { k: 1 }, remove: [] }), TypeError, '"k"');
});
