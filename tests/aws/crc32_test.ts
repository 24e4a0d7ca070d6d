import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { crc32 } from "../../src/aws/crc32.ts";
import { nativeCrc32 } from "../../src/aws/native_crc32.ts";
import { seeded } from "../support/seed.ts";

Deno.test("crc32() gives the check value of the standard, unsigned, and 0 for nothing", () => {
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assertEquals(crc32(new Uint8Array()), 0);
});

Deno.test("crc32() equals the runtime's own, wherever the bytes begin and end in their memory", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), fc.nat(20), (memory, from, cut) => {
      const bytes = memory.subarray(Math.min(from, memory.length), Math.max(from, memory.length - cut));
      assertEquals(crc32(bytes), nativeCrc32()?.(bytes));
    }),
    seeded(),
  );
});
