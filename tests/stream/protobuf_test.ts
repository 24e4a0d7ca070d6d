import { assertEquals, assertThrows } from "@std/assert";
import { ProtobufReader } from "../../src/stream/protobuf.ts";
import { bytesField, varint, varintField } from "../support/kpl.ts";

const group = (field: number, ...inside: number[]) => [field << 3 | 3, ...inside, field << 3 | 4];

/** Reads a message to its end, passing over everything. */
function skipAll(...bytes: number[]): void {
  const reader = new ProtobufReader(Uint8Array.from(bytes));
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) reader.skip(tag);
}

Deno.test("tag() is 0 at the end of a message and of a nested one", () => {
  const reader = new ProtobufReader(
    Uint8Array.from([...bytesField(1, Uint8Array.from(varintField(2, 7))), 24, 9]),
  );
  assertEquals(reader.tag(), 10);
  assertEquals(reader.message(() => [reader.tag(), reader.varint(), reader.tag()]), [16, 7, 0]);
  assertEquals([reader.tag(), reader.varint(), reader.tag()], [24, 9, 0]);
});

Deno.test("varint() keeps the low 32 bits, signed, as Java's cast to int does", () => {
  for (
    const [value, expected] of [[0, 0], [127, 127], [128, 128], [2 ** 31 - 1, 2 ** 31 - 1], [
      2 ** 31,
      -(2 ** 31),
    ], [
      2 ** 32 + 5,
      5,
    ], [-1, -1]] as const
  ) {
    assertEquals(new ProtobufReader(Uint8Array.from(varint(value))).varint(), expected, `${value}`);
  }
});

Deno.test("bytes() is a view of the message's own memory", () => {
  const memory = Uint8Array.from([2, 5, 6]);
  const view = new ProtobufReader(memory).bytes();
  assertEquals([...view], [5, 6]);
  assertEquals(view.buffer, memory.buffer);
});

Deno.test("skip() passes over every wire type, groups inside groups included", () => {
  skipAll(
    8,
    1,
    17,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    26,
    2,
    0,
    0,
    37,
    1,
    2,
    3,
    4,
    ...group(5, ...group(6, 8, 1), 26, 1, 9),
  );
});

const MALFORMED: Readonly<Record<string, readonly number[]>> = {
  "a varint that is cut off": [8, 0x80],
  "a varint of eleven bytes": [8, ...Array(10).fill(0x80), 1],
  "a 64-bit number that is cut off": [9, 1, 2, 3, 4, 5, 6, 7],
  "a 32-bit number that is cut off": [13, 1, 2, 3],
  "a value longer than the message": [10, 3, 0, 0],
  "a value of negative length": [10, ...varint(-1)],
  "a value of 2 GiB and more": [10, ...varint(2 ** 31 + 1), 0],
  "field number 0": [2, 0],
  "wire type 6": [14],
  "wire type 7": [15],
  "an end of a group that never began": [12],
  "a group that does not end": [11, 8, 1],
  "a group that ends as another": [11, 20],
  "groups nested 101 deep": [...Array(101).fill(11), ...Array(101).fill(12)],
};

for (const [what, bytes] of Object.entries(MALFORMED)) {
  Deno.test(`skip() refuses ${what}`, () => {
    assertThrows(() => skipAll(...bytes), SyntaxError, "Cannot read protobuf message: ");
  });
}

Deno.test("skip() takes groups nested 100 deep", () => {
  skipAll(...Array(100).fill(11), ...Array(100).fill(12));
});

Deno.test("message() refuses a value that reaches beyond the nested message, though not beyond the whole", () => {
  const reader = new ProtobufReader(Uint8Array.of(10, 2, 10, 3, 0, 0, 0));
  reader.tag();
  assertThrows(() =>
    reader.message(() => {
      reader.tag();
      return reader.bytes();
    }), SyntaxError);
});
