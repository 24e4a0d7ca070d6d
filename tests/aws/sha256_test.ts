import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { Sha256 } from "../../src/aws/sha256.ts";
import { seeded } from "../support/seed.ts";

const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const hexOf = (bytes: ArrayBuffer | Uint8Array<ArrayBuffer>) => new Uint8Array(bytes).toHex();
/** Of every length around one and two blocks, and longer ones. */
const someBytes = fc.oneof(fc.uint8Array({ maxLength: 140 }), fc.uint8Array({ maxLength: 3000 }))
  .map((bytes) => new Uint8Array(bytes));

Deno.test("digest() gives the digests that FIPS 180-4 was published with", () => {
  const sha256 = new Sha256();
  assertEquals(hexOf(sha256.digest(bytesOf("abc"))), ABC);
  assertEquals(
    hexOf(sha256.digest(bytesOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
  assertEquals(
    hexOf(sha256.digest(bytesOf("a".repeat(1_000_000)))),
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  );
});

Deno.test("digest() gives what Web Crypto gives, for random bytes and each length to 200", async () => {
  const sha256 = new Sha256();
  const same = async (bytes: Uint8Array<ArrayBuffer>) =>
    assertEquals(hexOf(sha256.digest(bytes)), hexOf(await crypto.subtle.digest("SHA-256", bytes)));
  for (let length = 0; length <= 200; length++) await same(new Uint8Array(length).fill(length));
  await fc.assert(fc.asyncProperty(someBytes, same), seeded());
});

Deno.test("digest() reads a view of a longer memory, and leaves earlier digests alone", () => {
  const sha256 = new Sha256();
  const memory = bytesOf(`..abc${".".repeat(100)}`);
  const first = sha256.digest(memory.subarray(2, 5));
  sha256.digest(memory);
  assertEquals(hexOf(first), ABC);
});

Deno.test("hmac() gives the code that RFC 4231 was published with, and what Web Crypto gives", async () => {
  const sha256 = new Sha256();
  assertEquals(
    hexOf(sha256.hmac(sha256.hmacKey(bytesOf("Jefe")), bytesOf("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  await fc.assert(
    fc.asyncProperty(someBytes.filter(({ length }) => length > 0), someBytes, async (secret, message) => {
      const hash = { name: "HMAC", hash: "SHA-256" };
      const key = await crypto.subtle.importKey("raw", secret, hash, false, ["sign"]);
      const code = await crypto.subtle.sign("HMAC", key, message);
      assertEquals(hexOf(sha256.hmac(sha256.hmacKey(secret), message)), hexOf(code));
    }),
    seeded(),
  );
});
