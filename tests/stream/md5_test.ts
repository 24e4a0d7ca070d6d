import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { createHash } from "node:crypto";
import { Md5 } from "../../src/stream/md5.ts";
import { seeded } from "../support/seed.ts";

function hex(digest: DataView): string {
  return Array.from({ length: 16 }, (_, i) => digest.getUint8(i).toString(16).padStart(2, "0")).join("");
}

Deno.test("Md5 computes the digests of RFC 1321", () => {
  const md5 = new Md5();
  const digestOf = (text: string) => hex(md5.digest(new TextEncoder().encode(text)));
  assertEquals(digestOf(""), "d41d8cd98f00b204e9800998ecf8427e");
  assertEquals(digestOf("a"), "0cc175b9c0f1b6a831c399e269772661");
  assertEquals(digestOf("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  assertEquals(digestOf("1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
});

Deno.test("Md5 agrees with OpenSSL at every length around the block borders, one instance for all", () => {
  const md5 = new Md5();
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => 255 - i);
  for (let length = 0; length <= bytes.length; length++) {
    const part = bytes.subarray(0, length);
    assertEquals(hex(md5.digest(part)), createHash("md5").update(part).digest("hex"), `length ${length}`);
  }
});

Deno.test("Md5 agrees with OpenSSL for any bytes, at any offset of their memory", () => {
  const md5 = new Md5();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(7), (bytes, offset) => {
      const view = bytes.subarray(offset);
      assertEquals(hex(md5.digest(view)), createHash("md5").update(view).digest("hex"));
    }),
    seeded(),
  );
});
