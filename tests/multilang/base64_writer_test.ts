import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { base64Length, encodeBase64 } from "../../src/multilang/base64_writer.ts";
import { seeded } from "../support/seed.ts";

const WAYS = {
  "as this runtime does": (data: Uint8Array) => data,
  "without toBase64": (data: Uint8Array) => Object.defineProperty(data, "toBase64", { value: undefined }),
};

for (const [way, prepared] of Object.entries(WAYS)) {
  Deno.test(`encodeBase64() writes what btoa() writes, and nothing else, ${way} (promise 13)`, () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 10 }),
      fc.uint8Array({ minLength: 190, maxLength: 300 }),
    );
    fc.assert(
      fc.property(bytes, fc.nat(5), (bytes, offset) => {
        const target = new Uint8Array(offset + base64Length(bytes.length) + 3).fill(33);
        encodeBase64(prepared(bytes.slice()), target, offset);
        const expected = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        assertEquals(new TextDecoder().decode(target), `${"!".repeat(offset)}${expected}!!!`);
      }),
      seeded(),
    );
  });
}
