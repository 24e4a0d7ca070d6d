/** The reader of Avro in examples/typed_records, beside the package avsc. */

import { Buffer } from "node:buffer";
import { assertEquals, assertThrows } from "@std/assert";
import { avroReader } from "../../examples/typed_records/avro_reader.ts";
import { avsc } from "../support/avsc.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";

const PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/** Schemas of every kind. Names are numbered later: each may be used once. */
const schema = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom(...PRIMITIVES),
    fc.constantFrom({ type: "long", logicalType: "timestamp-millis" }, { type: "string" }),
    fc.record({ type: fc.constant("array"), items: tie("any") }),
    fc.record({ type: fc.constant("map"), values: tie("any") }),
    fc.constant({ type: "enum", symbols: ["A", "B", "C"] }),
    fc.record({ type: fc.constant("fixed"), size: fc.integer({ min: 1, max: 9 }) }),
    fc.array(tie("any"), { maxLength: 4 }).map((types) => ({
      type: "record",
      fields: types.map((type, at) => ({ name: `f${at}`, type })),
    })),
    tie("any").map((type) => ["null", type]),
  ),
})).any;

/** Gives names; and a union may hold neither a union nor a second null. */
function named(type: unknown, space: () => string | undefined, names = { count: 0 }): unknown {
  const inside = (part: unknown) => named(part, space, names);
  if (Array.isArray(type)) {
    const branch = inside(type[1]);
    return branch === "null" || Array.isArray(branch) ? branch : ["null", branch];
  }
  if (typeof type !== "object" || type === null || !("type" in type)) return type;
  if ("items" in type) return { ...type, items: inside(type.items) };
  if ("values" in type) return { ...type, values: inside(type.values) };
  if (!["enum", "fixed", "record"].includes(`${type.type}`)) return type;
  const namespace = space();
  const about = { ...type, name: `N${names.count++}`, ...(namespace === undefined ? {} : { namespace }) };
  if (!("fields" in type) || !Array.isArray(type.fields)) return about;
  return { ...about, fields: type.fields.map((field) => ({ ...field, type: inside(field.type) })) };
}

/** Without the classes that avsc makes. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? [...value]
    : Array.isArray(value)
    ? value.map(plain)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]))
    : value;

Deno.test("avroReader() reads what avsc writes, of any schema", () => {
  fc.assert(
    fc.property(
      schema,
      fc.array(fc.option(fc.constantFrom("a", "b.c"), { nil: undefined })),
      (shape, spaces) => {
        let at = 0;
        const written = named(shape, () => spaces[at++ % Math.max(spaces.length, 1)]);
        const type = avsc.Type.forSchema(structuredClone(written) as never, { wrapUnions: false });
        const read = avroReader(JSON.stringify(written));
        for (let time = 0; time < 5; time++) {
          const payload = type.toBuffer(type.random());
          assertEquals(plain(read(payload)), plain(type.fromBuffer(payload)), JSON.stringify(written));
        }
      },
    ),
    { ...seeded(), numRuns: 200 },
  );
});

Deno.test("avroReader() reads a type that uses itself, by its full and by its short name", () => {
  const written = {
    type: "record",
    name: "List",
    namespace: "a.b",
    fields: [{ name: "value", type: "long" }, { name: "next", type: ["null", "List"] }, {
      name: "more",
      type: { type: "array", items: "a.b.List" },
    }],
  };
  const type = avsc.Type.forSchema(written as never, { wrapUnions: false });
  const last = { value: -1, next: null, more: [] };
  const value = { value: 2 ** 53 - 2, next: last, more: [last, last] };
  assertEquals(plain(avroReader(JSON.stringify(written))(type.toBuffer(value))), value);
});

Deno.test("avroReader() gives a long that no number holds as a bigint", () => {
  for (const value of [2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n]) {
    const type = avsc.types.LongType.__with({
      fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
      toBuffer: (number: bigint) => {
        const buffer = Buffer.alloc(8);
        buffer.writeBigInt64LE(number);
        return buffer;
      },
      fromJSON: BigInt,
      toJSON: Number,
      isValid: (number: unknown) => typeof number === "bigint",
      compare: (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0,
    });
    assertEquals(avroReader('"long"')(type.toBuffer(value)), value);
  }
});

Deno.test("avroReader() refuses what is cut off, has no such branch, or would fill the memory", () => {
  const read = (written: unknown, ...payload: readonly number[]) => () =>
    avroReader(JSON.stringify(written))(Uint8Array.of(...payload));
  assertThrows(read("string", 4, 65), RangeError);
  assertThrows(read("string", 3), RangeError);
  assertThrows(read("double", 1, 2), RangeError);
  assertThrows(read("long", 0x80, 0x80, 0x80, 0x80, 0x80), RangeError);
  assertThrows(read(["null", "int"], 4, 2), SyntaxError);
  assertThrows(read({ type: "enum", name: "E", symbols: ["A"] }, 2), SyntaxError);
  assertThrows(read("Unknown", 2), SyntaxError);
  assertThrows(read({ type: "array", items: "null" }, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x0f, 0), RangeError);
});
