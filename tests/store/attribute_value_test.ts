import { assertEquals, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import {
  AttributeReader,
  bytesValue,
  numberValue,
  textSetValue,
  textValue,
} from "../../src/store/attribute_value.ts";
import { seeded } from "../support/seed.ts";

Deno.test("numberValue() writes plain decimal digits", () => {
  for (
    const [value, text] of [
      [0, "0"],
      [42, "42"],
      [-1, "-1"],
      [9_007_199_254_740_991, "9007199254740991"],
      [0.5, "0.5"],
      [12.3456786, "12.345679"],
      [100.1, "100.1"],
      [1e-6, "0.000001"],
      [1e-9, "0"],
      [-1e-9, "0"],
    ] as const
  ) assertEquals(numberValue("x", value), { N: text });
});

Deno.test("numberValue() never writes an exponent, and stays within half of the sixth decimal", () => {
  fc.assert(
    fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
      const { N } = numberValue("x", value);
      assertEquals(/^-?\d+(\.\d*[1-9])?$/.test(N), true, N);
      assertEquals(Math.abs(Number(N) - value) <= 5.1e-7, true, N);
    }),
    seeded(),
  );
});

Deno.test("values that Java could not read are refused", () => {
  for (const number of [NaN, Infinity, -Infinity, 2 ** 53, 1e300]) {
    assertThrows(
      () => numberValue("lut", number),
      RangeError,
      `Cannot write attribute "lut": expected an exact finite number: got ${number}`,
    );
  }
  assertThrows(() => textValue("mb", ""), RangeError, 'Cannot write attribute "mb": expected a text: got ""');
  assertThrows(() => textSetValue("childShardIds", []), RangeError, "expected texts: got []");
  assertThrows(() => textSetValue("childShardIds", ["a", ""]), RangeError);
});

Deno.test("textSetValue() sorts and drops repetitions", () => {
  assertEquals(textSetValue("x", ["b", "a", "b"]), { SS: ["a", "b"] });
});

Deno.test("bytesValue() and AttributeReader.bytes() are inverse", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assertEquals(new AttributeReader({ state: bytesValue(bytes) }).bytes("state"), bytes);
    }),
    seeded(),
  );
});

Deno.test("AttributeReader notes the first problem and reads on", () => {
  const reader = new AttributeReader({ a: { N: "1" }, b: { S: "x" }, c: { N: "" }, d: { BOOL: true } });
  assertEquals(reader.text("none"), undefined);
  assertEquals(reader.problem, undefined);
  assertEquals(reader.text("a"), undefined);
  assertEquals(reader.number("c"), undefined);
  assertEquals(reader.textSet("d"), undefined);
  assertEquals(reader.text("b"), "x");
  assertEquals(reader.problem, "a has type N, expected S");
  const numbers = new AttributeReader({ c: { N: "" } });
  numbers.number("c");
  assertEquals(numbers.problem, 'c is not a number: ""');
});

Deno.test("AttributeReader.numberLists() reads maps of lists of numbers and nothing else", () => {
  const read = (C: unknown) => {
    const reader = new AttributeReader({ sts: { M: { C } } } as never);
    return [reader.numberLists("sts"), reader.problem];
  };
  assertEquals(read({ L: [{ N: "1" }, { N: "-1" }, { N: "0.5" }] }), [{ C: [1, -1, 0.5] }, undefined]);
  assertEquals(read({ L: [] }), [{ C: [] }, undefined]);
  assertEquals(read({ L: [{ S: "1" }] })[1], "sts.C has type S, expected N");
  assertEquals(read({ N: "1" })[1], "sts.C has type N, expected L");
});
