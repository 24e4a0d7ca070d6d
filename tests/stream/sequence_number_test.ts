import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  compare,
  isRecordNumber,
  isSequenceNumber,
  positionAt,
  SHARD_END,
} from "../../src/stream/sequence_number.ts";

const ORDER = [
  positionAt("AT_TIMESTAMP"),
  positionAt("TRIM_HORIZON"),
  positionAt("LATEST"),
  positionAt("0"),
  positionAt("9"),
  positionAt("9", 1),
  positionAt("10"),
  positionAt("9".repeat(129)),
  SHARD_END,
];

Deno.test("compare() orders sentinels, numbers by value, then sub-sequence numbers, then the end", () => {
  for (const [i, a] of ORDER.entries()) {
    for (const [j, b] of ORDER.entries()) assertEquals(Math.sign(compare(a, b)), Math.sign(i - j));
  }
  assertEquals(compare(SHARD_END, { ...SHARD_END, subSequenceNumber: 3 }), 0);
  assertEquals(compare(positionAt("007"), positionAt("7")), 0);
});

Deno.test("compare() refuses what is no sequence number, on either side, whatever the other one is", () => {
  for (const text of ["bogus", "", "-1", "1.5", "0x10", "9".repeat(130)]) {
    for (const other of [SHARD_END, positionAt("5"), positionAt("LATEST"), positionAt("bogus")]) {
      assertThrows(() => compare(positionAt(text), other), SyntaxError, "Cannot compare sequence numbers");
      assertThrows(() => compare(other, positionAt(text)), SyntaxError, "Cannot compare sequence numbers");
    }
  }
});

Deno.test("compare() names the beginning of a long text, and not millions of digits", () => {
  const error = assertThrows(() => compare(positionAt("9".repeat(3_000_000)), SHARD_END), SyntaxError);
  assert(error.message.length < 300, `${error.message.length} characters`);
  assert(error.message.endsWith("(3000000 characters)"), error.message);
});

Deno.test("isSequenceNumber() and isRecordNumber() take at most 129 digits, the latter no zeros in front", () => {
  const cases = [["0", true, true], ["07", true, false], ["9".repeat(129), true, true], [
    "9".repeat(130),
    false,
    false,
  ]] as const;
  for (const [text, isSequence, isRecord] of cases) {
    assertEquals([isSequenceNumber(text), isRecordNumber(text)], [isSequence, isRecord], text);
  }
  assertEquals([isSequenceNumber("SHARD_END"), isRecordNumber("SHARD_END")], [true, false]);
});
