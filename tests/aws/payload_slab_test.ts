import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import { decodeBase64 } from "../../src/aws/payload_slab.ts";
import { seeded } from "../support/seed.ts";

/** Runs the body as on a runtime without `setFromBase64`. */
function withoutNative<T>(body: () => T): T {
  const prototype = Uint8Array.prototype as { setFromBase64?: unknown };
  const native = Object.getOwnPropertyDescriptor(prototype, "setFromBase64");
  assert(native !== undefined);
  delete prototype.setFromBase64;
  try {
    return body();
  } finally {
    Object.defineProperty(prototype, "setFromBase64", native);
  }
}

/** Runs the body as on a runtime that has neither `setFromBase64` nor `Buffer`. */
function byHand<T>(body: () => T): T {
  const buffer = Object.getOwnPropertyDescriptor(globalThis, "Buffer");
  assert(buffer !== undefined);
  Object.defineProperty(globalThis, "Buffer", { value: undefined, configurable: true, writable: true });
  try {
    return withoutNative(body);
  } finally {
    Object.defineProperty(globalThis, "Buffer", buffer);
  }
}

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

Deno.test("decodeBase64() gives back what was encoded, natively and by hand", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 }), (payloads) => {
      const texts = payloads.map(base64);
      for (
        const decoded of [
          decodeBase64(texts),
          withoutNative(() => decodeBase64(texts)),
          byHand(() => decodeBase64(texts)),
        ]
      ) {
        assertEquals(decoded.views.map((view) => [...view]), payloads.map((payload) => [...payload]));
        assertEquals(decoded.bytes, payloads.reduce((sum, payload) => sum + payload.length, 0));
      }
    }),
    seeded(),
  );
});

Deno.test("decodeBase64() puts all payloads of a page into one piece of memory", () => {
  const { views } = decodeBase64([base64(new Uint8Array(5)), base64(new Uint8Array(7))]);
  assert(views[0]?.buffer === views[1]?.buffer);
  assertEquals(views[0]?.buffer.byteLength, 12);
});

Deno.test("decodeBase64() refuses what is not padded base64, natively and by hand", () => {
  for (
    const text of ["A", "AAA", "!!!!", "AA==AAAA", "====", "AA A", "A\u00e9==", "--__", "AB-_", "AAA\u0141"]
  ) {
    assertThrows(() => decodeBase64([text]), SyntaxError);
    assertThrows(() => withoutNative(() => decodeBase64([text])), SyntaxError);
    assertThrows(() => byHand(() => decodeBase64([text])), SyntaxError);
  }
});
