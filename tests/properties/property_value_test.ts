import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  count,
  decimal,
  duration,
  listOf,
  oneOf,
  streamArn,
  streamArnParts,
  tags,
  url,
  type ValueType,
  wholeNumber,
} from "../../src/properties/property_value.ts";
import cases from "../cases/property_values.json" with { type: "json" };

const TYPES: Readonly<Record<string, ValueType<unknown>>> = {
  decimal,
  dimensions: listOf(["Operation", "ShardId", "WorkerIdentifier"]),
  duration,
  streamArn,
  tags,
  url,
};

// Booleans, numbers and words are in property_options.json, with the messages that they lead to.
for (const { comment, type, text, value } of cases) {
  Deno.test(`${type} ${value === undefined ? "refuses" : "reads"} "${text}": ${comment}`, () => {
    assertEquals(TYPES[type]?.read(text), value === undefined ? undefined : { value });
  });
}

Deno.test("wholeNumber() and count() keep to their range, ends included", () => {
  const number = wholeNumber({ min: 2, max: 4 });
  assertEquals(["1", "2", "4", "5", "+3", "-3", "3.0"].map((text) => number.read(text)?.value), [
    undefined,
    2,
    4,
    undefined,
    3,
    undefined,
    undefined,
  ]);
  assertEquals(number.wanted, "a whole number from 2 to 4");
  assertEquals(count({ min: 2 }).read("1"), undefined);
  assertEquals(count({ min: 2 }).read("00")?.value, undefined);
  assertStringIncludes(count({ min: 2 }).read("00")?.warning ?? "", "not set");
  assertEquals(wholeNumber().read("9007199254740993"), undefined);
});

Deno.test("oneOf() lists what it takes", () => {
  assertEquals(oneOf(["A"]).wanted, "A");
  assertEquals(oneOf(["A", "B", "C"], " (not D)").wanted, "A, B or C (not D)");
});

Deno.test("streamArnParts() takes an ARN apart", () => {
  assertEquals(streamArnParts("arn:aws:kinesis:eu-central-1:123456789012:stream/orders"), {
    region: "eu-central-1",
    account: "123456789012",
    streamName: "orders",
  });
  assertEquals(streamArnParts("orders"), undefined);
});
