/** The writes of a transaction before they are sent. */

import { assertEquals, assertThrows } from "@std/assert";
import { marshall } from "../../src/transact/mod.ts";
import { checkedWrites, type TransactWrite } from "../../src/transact/transact_write.ts";

const LEASES = "arn:aws:dynamodb:eu-central-1:123456789012:table/leases";

function put(Item: object, TableName = "results"): TransactWrite {
  return { Put: { TableName, Item } } as TransactWrite;
}

Deno.test("checkedWrites() passes values on, and bytes as base64", () => {
  const Item = {
    id: { S: "ä" },
    n: { N: "12" },
    yes: { BOOL: true },
    none: { NULL: true },
    bytes: { B: new Uint8Array([1, 2, 3]) },
    text: { B: "AQID" },
    set: { BS: [new Uint8Array([1]), "Ag=="] },
    deep: { L: [{ M: { x: { SS: ["a"] }, y: { NS: ["1", "2"] } } }] },
  };
  const [sent] = checkedWrites([put(Item)], LEASES);
  assertEquals(JSON.parse(JSON.stringify(sent)), {
    Put: {
      TableName: "results",
      Item: { ...Item, bytes: { B: "AQID" }, set: { BS: ["AQ==", "Ag=="] } },
    },
  });
});

Deno.test("checkedWrites() refuses what is too much, with the numbers", () => {
  const many = (count: number) => Array.from({ length: count }, (_, id) => put({ id: { N: `${id}` } }));
  assertEquals(checkedWrites(many(99), LEASES).length, 99);
  assertThrows(
    () => checkedWrites(many(100), LEASES),
    RangeError,
    "at most 99 writes beside the checkpoint: got 100",
  );
  // A name of two bytes; a character of three bytes a time; a pair of surrogates, which has four.
  const large = (text: string, times: number) => put({ id: { S: text.repeat(times) } });
  const limit = 4 * 1024 ** 2;
  assertEquals(checkedWrites([large("a", limit - 2)], LEASES).length, 1);
  assertThrows(
    () => checkedWrites([large("a", limit - 1)], LEASES),
    RangeError,
    `got ${limit + 1} in 1 writes`,
  );
  assertThrows(() => checkedWrites([large("€", limit)], LEASES), RangeError, `got ${3 * limit + 2} in`);
  assertThrows(() => checkedWrites([large("😀", limit)], LEASES), RangeError, `got ${4 * limit + 2} in`);
  assertThrows(() => checkedWrites([large("é", limit)], LEASES), RangeError, `got ${2 * limit + 2} in`);
});

Deno.test("checkedWrites() refuses tables that one transaction cannot reach, and the lease table", () => {
  const to = (TableName: string) => () => checkedWrites([put({ id: { S: "a" } }, TableName)], LEASES);
  assertEquals(to("arn:aws:dynamodb:eu-central-1:123456789012:table/results")().length, 1);
  for (
    const wrong of [
      "arn:aws:dynamodb:eu-west-1:123456789012:table/results",
      "arn:aws:dynamodb:eu-central-1:210987654321:table/results",
    ]
  ) {
    assertThrows(
      to(wrong),
      TypeError,
      "write 1 (Put): expected a table in eu-central-1 of account 123456789012",
    );
  }
  assertThrows(to("arn:aws:s3:::bucket"), TypeError, "expected the ARN of a table");
  assertThrows(to("leases"), TypeError, 'got the lease table "leases"');
  assertThrows(to(LEASES), TypeError, 'got the lease table "leases"');
});

Deno.test("checkedWrites() names the write and the attribute that are wrong", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ["x", "expected an array of writes: got string"],
    [[1], "write 1: expected an object such as { Put: { … } }: got number"],
    [[{}], "write 1: expected one of Put, Update, Delete, ConditionCheck: got nothing"],
    [[{ Get: {} }], "got Get"],
    [[{ Put: {}, Delete: {} }], "got Put, Delete"],
    [[{ Put: {} }], "write 1 (Put): expected TableName as a text: got undefined"],
    [
      [put({ a: { S: "x" } }), put({ id: { S: 1 } })],
      'write 2 (Put): Item.id: expected a value such as { S: "text" }',
    ],
    [
      [put({ id: "a" })],
      'Item.id: expected a value such as { S: "text" } or { N: "1" }: got "a": marshall()',
    ],
    [[put({ id: { N: 1 } })], "Item.id"],
    [[put({ id: { S: "a", N: "1" } })], "Item.id"],
    [[put({ id: { L: [{ S: "a" }, { X: 1 }] } })], "Item.id[1]"],
    [[put({ id: { M: { deep: { SS: ["a", 1] } } } })], "Item.id.deep"],
    [[put([])], "Item: expected attributes by name"],
  ];
  for (const [writes, message] of cases) {
    assertThrows(() => checkedWrites(writes as TransactWrite[], LEASES), TypeError, message);
  }
});

Deno.test("marshall() makes attribute values of plain values", () => {
  assertEquals(
    marshall({
      text: "",
      number: -1.5,
      big: 12345678901234567890n,
      no: false,
      nothing: null,
      left: undefined,
      bytes: new Uint8Array([1]),
      list: [1, "a", [true]],
      map: { a: { b: 1 }, gone: undefined },
      texts: new Set(["a", "b"]),
      numbers: new Set([1, 2n]),
    }),
    {
      text: { S: "" },
      number: { N: "-1.5" },
      big: { N: "12345678901234567890" },
      no: { BOOL: false },
      nothing: { NULL: true },
      bytes: { B: new Uint8Array([1]) },
      list: { L: [{ N: "1" }, { S: "a" }, { L: [{ BOOL: true }] }] },
      map: { M: { a: { M: { b: { N: "1" } } } } },
      texts: { SS: ["a", "b"] },
      numbers: { NS: ["1", "2"] },
    },
  );
});

Deno.test("marshall() refuses what has no form in DynamoDB, and says where it is", () => {
  const loop: Record<string, unknown> = {};
  loop["again"] = loop;
  const cases: readonly (readonly [unknown, string])[] = [
    [NaN, "Cannot marshall x: expected a finite number: got NaN"],
    [2 ** 60, "expected an exact number, or a bigint"],
    [new Date(0), "got Date"],
    [() => {}, "got function"],
    [new Set(), "with one member at least: got 0 members"],
    [new Set(["a", 1]), "expected a set of texts"],
    [{ y: [Symbol()] }, "Cannot marshall x.y[0]"],
    [loop, "expected at most 32 levels"],
  ];
  for (const [x, message] of cases) assertThrows(() => marshall({ x }), TypeError, message);
});
