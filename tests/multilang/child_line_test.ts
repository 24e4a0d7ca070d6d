import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { readChildLine } from "../../src/multilang/child_line.ts";
import cases from "../cases/child_lines.json" with { type: "json" };
import { seeded } from "../support/seed.ts";

for (const { comment, line, message } of cases) {
  Deno.test(`readChildLine() ${message === null ? "takes for noise" : "reads"}: ${comment}`, () => {
    const found = readChildLine(line);
    const plain = found?.type === "checkpoint"
      ? { ...found, subSequenceNumber: found.subSequenceNumber?.toString() ?? null }
      : found ?? null;
    assertEquals<unknown>(plain, message);
  });
}

Deno.test("readChildLine() reads a checkpoint of any digits, quoted or not, among any fields", () => {
  const digits = fc.bigInt({ min: 0n, max: 1n << 190n });
  const others = fc.dictionary(fc.string().filter((key) => !RESERVED.includes(key)), fc.jsonValue());
  fc.assert(
    fc.property(digits, fc.boolean(), others, (number, isQuoted, fields) => {
      const rest = JSON.stringify(fields).slice(1, -1);
      const sequenceNumber = isQuoted ? `"${number}"` : `${number}`;
      const line = `{${rest}${
        rest === "" ? "" : ","
      }"sequenceNumber": ${sequenceNumber},"action":"checkpoint"}`;
      assertEquals<unknown>(readChildLine(line), {
        type: "checkpoint",
        sequenceNumber: `${number}`,
        subSequenceNumber: null,
        isAlias: false,
      });
    }),
    seeded(),
  );
});

Deno.test("readChildLine() takes every beginning of a message for noise, and never throws", () => {
  const line = '{"action":"checkpoint","x":[{"y":"\\"}"},-1.5e3,null],"sequenceNumber":"1"}';
  for (let length = 0; length < line.length; length++) {
    assertEquals(readChildLine(line.slice(0, length)), undefined, line.slice(0, length));
  }
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void readChildLine(text)), seeded());
});

const RESERVED = ["action", "sequenceNumber", "subSequenceNumber", "checkpoint"];

Deno.test("readChildLine() makes no BigInt of millions of digits", () => {
  const digits = "9".repeat(3_000_000);
  const { BigInt: original } = globalThis;
  const lengths: number[] = [];
  const counting = (value: string | number) => {
    lengths.push(`${value}`.length);
    return original(value);
  };
  Object.assign(globalThis, { BigInt: Object.assign(counting, { asIntN: original.asIntN }) });
  try {
    for (const sub of [digits, `-${digits}`, `"${digits}"`, `1.${digits}`, `1e${digits}`]) {
      readChildLine(`{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":${sub}}`);
    }
    const read = readChildLine(`{"action":"checkpoint","sequenceNumber":${digits}}`);
    assertEquals(read?.type === "checkpoint" ? read.sequenceNumber : undefined, digits);
  } finally {
    Object.assign(globalThis, { BigInt: original });
  }
  assertEquals(lengths.filter((length) => length > 20), []);
});

Deno.test("readChildLine() takes what is nested deeper than Jackson reads for noise, and what is not for a message", () => {
  const nested = (depth: number) =>
    `{"a":${"[".repeat(depth)}${"]".repeat(depth)},"action":"status","responseFor":"x"}`;
  assertEquals(readChildLine(nested(999)), { type: "status", responseFor: "x" });
  assertEquals(readChildLine(nested(1000)), undefined);
  assertEquals(readChildLine(nested(3_000_000)), undefined);
});
