import { assertEquals, assertThrows } from "@std/assert";
import { number, oneOf, position, required, shown } from "../../src/options/option_checks.ts";

Deno.test("number() takes its limits themselves and refuses what lies beyond, naming both", () => {
  for (const value of [1, 5, 10]) number({ min: 1, max: 10 })("n", value);
  for (const value of [0.999, 10.001, -Infinity]) {
    assertThrows(
      () => number({ min: 1, max: 10 })("n", value),
      RangeError,
      `n must be 1 to 10: got ${value}`,
    );
  }
  assertThrows(
    () => number({ min: 1 })("n", Infinity),
    RangeError,
    "n must be a finite number >= 1: got Infinity",
  );
  number({ min: 1, mayBeInfinite: true })("n", Infinity);
  number({ min: 1, mayBeInfinite: true, isInteger: true })("n", Infinity);
  assertThrows(() => number({ min: 1 })("n", 0), RangeError, "n must be >= 1: got 0");
  assertThrows(() => number({ min: 1, isInteger: true })("n", 1.5), RangeError, "an integer >= 1");
});

Deno.test("number() refuses what is no number", () => {
  for (const value of [NaN, "5", null, {}, 5n]) {
    assertThrows(() => number({ min: 1 })("n", value), TypeError, "expected n to be a number");
  }
});

Deno.test("required() refuses what is no text, or blank", () => {
  assertEquals(required("name", " a "), " a ");
  for (const value of [undefined, "", "  \t", 5 as unknown as string]) {
    assertThrows(() => required("name", value), TypeError, "expected name to be a text that is not empty");
  }
});

Deno.test("oneOf() lists what it takes", () => {
  oneOf("a", "b")("mode", "a");
  assertThrows(() => oneOf("a", "b")("mode", "A"), TypeError, 'one of "a", "b": got "A"');
});

Deno.test("position() takes a time only where it is one", () => {
  const date = new Date(0);
  for (const value of ["TRIM_HORIZON", "LATEST", date]) position("at", value);
  for (const value of [new Date("no"), "AT_TIMESTAMP", 0]) {
    assertThrows(
      () => position("at", value),
      TypeError,
      'expected at to be "TRIM_HORIZON", "LATEST" or a valid Date',
    );
  }
});

Deno.test("shown() puts texts in quotes, and nothing else", () => {
  assertEquals([shown('a "b"'), shown(5), shown(undefined)], ['"a \\"b\\""', "5", "undefined"]);
});
