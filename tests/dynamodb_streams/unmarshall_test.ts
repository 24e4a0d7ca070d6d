/** Attribute values as plain values. */

import { assertEquals, assertThrows } from "@std/assert";
import { type Item, unmarshall } from "../../src/dynamodb_streams/mod.ts";

Deno.test("unmarshall() makes plain values of every type", () => {
  const item: Item = {
    s: { S: "text" },
    n: { N: "-1.50" },
    yes: { BOOL: true },
    none: { NULL: true },
    bytes: { B: "AQID" },
    list: { L: [{ N: "1" }, { M: { a: { S: "b" } } }, { L: [] }] },
    map: { M: {} },
    texts: { SS: ["a", "b"] },
    numbers: { NS: ["1", "2"] },
    blobs: { BS: ["AQ=="] },
  };
  assertEquals(unmarshall(item), {
    s: "text",
    n: -1.5,
    yes: true,
    none: null,
    bytes: new Uint8Array([1, 2, 3]),
    list: [1, { a: "b" }, []],
    map: {},
    texts: new Set(["a", "b"]),
    numbers: new Set([1, 2]),
    blobs: new Set([new Uint8Array([1])]),
  });
});

Deno.test("unmarshall() refuses a number that would change, unless it is told what to make of it", () => {
  const of = (N: string, numbers?: "number" | "lossy" | "bigint" | "text") =>
    unmarshall({ n: { N } }, numbers === undefined ? {} : { numbers })["n"];
  const long = "12345678901234567890";
  for (const exact of ["0", "-0", "0.1", "1E2", "100", "1e-130", "0.10", "+5", "9007199254740991", "1e21"]) {
    assertEquals(of(exact), Number(exact), exact);
  }
  for (const wrong of [long, "0.12345678901234567890", "9007199254740993", "1e-400"]) {
    assertThrows(() => of(wrong), RangeError, "set numbers");
  }
  assertEquals([of(long, "lossy"), of(long, "bigint"), of(long, "text")], [
    12345678901234567000,
    12345678901234567890n,
    long,
  ]);
  assertEquals([of("7", "bigint"), of("0.5", "bigint"), of("7", "text")], [7, 0.5, "7"]);
  assertThrows(() => of("0.12345678901234567890", "bigint"), RangeError);
});

Deno.test("unmarshall() keeps an attribute that is called as a part of every object", () => {
  const item = JSON.parse('{"__proto__":{"S":"own"},"constructor":{"S":"too"}}') as Item;
  const plain = unmarshall(item);
  assertEquals(Object.entries(plain), [["__proto__", "own"], ["constructor", "too"]]);
  assertEquals(Object.getPrototypeOf(plain), Object.prototype);
});

Deno.test("unmarshall() refuses a value of no type of DynamoDB", () => {
  const odd = { n: { X: "1" } } as unknown as Item;
  assertThrows(() => unmarshall(odd), TypeError, "expected a type of DynamoDB");
});
