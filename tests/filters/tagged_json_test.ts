import { assertEquals, assertThrows } from "@std/assert";
import { parseTagged, type Tagged } from "../../src/filters/tagged_json.ts";
import fc from "../support/fast_check.ts";

/** What a tagged value stands for. */
function untagged(value: Tagged): unknown {
  if (typeof value === "string") return value.startsWith("s") ? value.slice(1) : Number(value.slice(1));
  if (Array.isArray(value)) return value.map(untagged);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key.slice(1), untagged(of)]));
}

Deno.test("parseTagged() keeps the text of numbers, and marks texts and keys", () => {
  assertEquals(
    parseTagged(' {"a": [3.0e2, -0, "n1", "\\"1", true, null], "constructor": 1E+2}'),
    {
      sa: ["n3.0e2", "n-0", "sn1", 's"1', true, null],
      sconstructor: "n1E+2",
    },
  );
});

Deno.test("parseTagged() lets the last of several equal keys win", () => {
  assertEquals(parseTagged('{"a":1,"a":2,"\\u0061":3}'), { sa: "n3" });
});

Deno.test("parseTagged() gives the value of any JSON", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), (json) => {
      assertEquals(untagged(parseTagged(json)), JSON.parse(json));
    }),
  );
});

Deno.test("parseTagged() accepts a text exactly where JSON.parse does", () => {
  // Texts of the pieces that JSON is made of: nearly right, mostly wrong.
  const piece = fc.constantFrom(...'{}[],:"\\- +.01eE9\n', "true", "null", '"a"', "1.5", "{}", '"a":');
  const accepts = (parse: () => unknown) => {
    try {
      parse();
      return true;
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  };
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
      const text = pieces.join("");
      assertEquals(accepts(() => parseTagged(text)), accepts(() => JSON.parse(text)), text);
    }),
    { numRuns: 20_000 },
  );
});

for (const text of ["{1:2}", "{1 :2}", "01", "1.", "-", "1e", '"a', '"\\', "+1", ".5", "", '1"'.repeat(99)]) {
  Deno.test(`parseTagged() refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assertThrows(() => parseTagged(text), SyntaxError);
  });
}

Deno.test("parseTagged() reads a text with two million escapes, and lists nested a hundred thousand deep", () => {
  const escapes = '\\"'.repeat(2_000_000);
  assertEquals((parseTagged(`"${escapes}"`) as string).length, 2_000_001);
  assertThrows(() => parseTagged("[".repeat(100_000)), SyntaxError);
});
