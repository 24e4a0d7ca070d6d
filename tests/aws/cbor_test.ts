import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../src/aws/cbor.ts";
import golden from "../cases/cbor.json" with { type: "json" };
import { cbor } from "../support/cbor.ts";
import { seeded } from "../support/seed.ts";

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

Deno.test("decodeCbor() reads the examples of RFC 8949", () => {
  for (const { comment, hex, ...wanted } of golden.cases as readonly GoldenCase[]) {
    const expected = "bytes" in wanted
      ? Uint8Array.from(wanted.bytes)
      : "bigint" in wanted
      ? BigInt(wanted.bigint)
      : wanted.value;
    assertEquals(decodeCbor(bytesOf(hex)), expected as CborValue, comment);
  }
});

type GoldenCase =
  & { readonly comment: string; readonly hex: string }
  & ({ readonly value: unknown } | { readonly bytes: readonly number[] } | { readonly bigint: string });

Deno.test("decodeCbor() reads numbers that are none", () => {
  assertEquals(decodeCbor(bytesOf("f97c00")), Infinity);
  assertEquals(decodeCbor(bytesOf("f9fc00")), -Infinity);
  assertEquals(decodeCbor(bytesOf("f97e00")), NaN);
  assert(Object.is(decodeCbor(bytesOf("f98000")), -0));
});

Deno.test("decodeCbor() gives byte strings as views of the message", () => {
  const message = bytesOf("4401020304");
  assertStrictEquals((decodeCbor(message) as Uint8Array).buffer, message.buffer);
});

Deno.test("decodeCbor() reads the words of a long list of maps right, though it remembers them", () => {
  const maps = Array.from(
    { length: 300 },
    (_, i) => ({ [`k${i % 40}`]: `v${i}`, same: "NONE", aa: "ab", ab: "aa" }),
  );
  assertEquals(decodeCbor(Uint8Array.from(cbor(maps))), maps);
});

const MALFORMED: Readonly<Record<string, string>> = {
  "nothing": "",
  "a second value": "0000",
  "an integer that is cut off": "19",
  "text that is cut off": "6261",
  "bytes that are cut off": "58ff00",
  "a list that is cut off": "8201",
  "a map without the last value": "a16161",
  "a list of 2^64 members": "9bffffffffffffffff",
  "a list without end": "9f00",
  "a key that is a number": "a10101",
  "an end of nothing": "ff",
  "a reserved length": "1c",
  "text of indefinite length with bytes in it": "7f4161ff",
  "text of indefinite length inside another": "7f7f6161ffff",
  "a simple value that nobody uses": "e0",
  "33 nested lists": `${"81".repeat(33)}00`,
  "33 tags in a row": `${"c1".repeat(33)}00`,
};

for (const [what, hex] of Object.entries(MALFORMED)) {
  Deno.test(`decodeCbor() refuses ${what}`, () => {
    assertThrows(() => decodeCbor(bytesOf(hex)), SyntaxError, "Cannot read CBOR: ");
  });
}

Deno.test("decodeCbor() takes 32 nested lists", () => {
  decodeCbor(bytesOf(`${"81".repeat(32)}00`));
});

Deno.test("decodeCbor() cannot be made to change a prototype", () => {
  const map = decodeCbor(Uint8Array.from(cbor(JSON.parse('{"__proto__": {"polluted": true}, "a": 1}'))));
  assertEquals((map as { readonly polluted?: unknown }).polluted, undefined);
});

const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(fc.string().filter((key) => key !== "__proto__"), tie("value"), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
})).value;

Deno.test("decodeCbor() undoes any encoding, of definite or of indefinite length", () => {
  fc.assert(
    fc.property(value, fc.boolean(), (value, isIndefinite) => {
      assertEquals(decodeCbor(Uint8Array.from(cbor(value, isIndefinite))), value as CborValue);
    }),
    seeded(),
  );
});

Deno.test("decodeCbor() refuses every message that is cut off, and never reads beyond it", () => {
  fc.assert(
    fc.property(value, fc.boolean(), fc.nat(), (value, isIndefinite, place) => {
      const message = Uint8Array.from(cbor(value, isIndefinite));
      assertThrows(() => decodeCbor(message.subarray(0, place % message.length)), SyntaxError);
    }),
    seeded(),
  );
});

Deno.test("decodeCbor() throws nothing but SyntaxError, whatever the bytes", () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.nat(255), (value, place, byte) => {
      const message = Uint8Array.from(cbor(value));
      message[place % message.length] = byte;
      try {
        decodeCbor(message);
      } catch (error) {
        assert(error instanceof SyntaxError, String(error));
      }
    }),
    { ...seeded(), numRuns: 500 },
  );
});

Deno.test("encodeCbor() writes a request, without its undefined members", () => {
  const bytes = encodeCbor({
    ShardIterator: "ä".repeat(200),
    Limit: 10_000,
    StreamARN: undefined,
    small: 3,
    part: 1.5,
  });
  assertEquals(decodeCbor(bytes), { ShardIterator: "ä".repeat(200), Limit: 10_000, small: 3, part: 1.5 });
  assertEquals(
    encodeCbor({ a: 2 ** 40, b: 300, c: 70_000 }),
    Uint8Array.from(cbor({ a: 2 ** 40, b: 300, c: 70_000 })),
  );
});

Deno.test("decodeCbor() takes a member called __proto__ for nothing", () => {
  const name = new TextEncoder().encode("__proto__");
  // {"__proto__": {"polluted": true}, "a": 1}
  const inner = [0xa1, 0x68, ...new TextEncoder().encode("polluted"), 0xf5];
  const message = Uint8Array.of(0xa2, 0x60 + name.length, ...name, ...inner, 0x61, 0x61, 0x01);
  const map = decodeCbor(message) as Record<string, unknown>;
  assertEquals([Object.keys(map), map["polluted"]], [["a"], undefined]);
});

Deno.test("decodeCbor() believes in no more members than there are bytes", () => {
  for (const major of [0x5a, 0x7a, 0x9a, 0xba]) {
    const message = Uint8Array.of(major, 0xff, 0xff, 0xff, 0xff, 0x01);
    assertThrows(() => decodeCbor(message), SyntaxError, "4294967295 bytes or members");
  }
});
