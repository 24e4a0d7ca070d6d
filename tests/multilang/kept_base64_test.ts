import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { decodeBase64 } from "../../src/aws/payload_slab.ts";
import { encodeLine } from "../../src/multilang/message.ts";
import { keptBase64 } from "../../src/stream/text_slab.ts";
import type { RecordFields } from "../../src/stream/record.ts";
import { recordWith } from "../support/consumer_bed.ts";
import { seeded } from "../support/seed.ts";

const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** The line of such records; `cut` takes a part of a payload, as a user record of an aggregate is one. */
function lineOf(views: readonly Uint8Array[], keys: readonly string[], cut: number): string {
  const records = views.map((data, i): RecordFields => ({
    ...recordWith(`${i + 1}`, keys[i % keys.length] ?? "", i),
    data: i % 4 === 3 ? data.subarray(Math.min(cut, data.length)) : data,
  }));
  const decoder = new TextDecoder();
  let line = "";
  for (const piece of encodeLine({ action: "processRecords", records, millisBehindLatest: 0 })) {
    line += decoder.decode(piece);
  }
  return line;
}

Deno.test("encodeLine() writes the same line whether payloads have kept their texts or not", () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.tuple(fc.nat(200_000), fc.nat(255)).map(([length, step]) =>
      Uint8Array.from({ length }, (_, i) => i * step)
    ),
  );
  const keys = fc.array(fc.oneof(fc.string(), fc.string({ unit: "binary" })), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 8 }), keys, fc.nat(5), (payloads, keys, cut) => {
      const texts = payloads.map(base64);
      const line = lineOf(decodeBase64(texts, true).views, keys, cut);
      assertEquals(line === lineOf(decodeBase64(texts).views, keys, cut), true);
      assertEquals(line === lineOf(payloads, keys, cut), true);
    }),
    { ...seeded(), numRuns: 60 },
  );
});

Deno.test("keptBase64() finds a text by its whole payload, with empty ones between, and by no part of it", () => {
  const texts = ["", "AQID", "", "", "BAU=", ""];
  const { views } = decodeBase64(texts, true);
  for (const [i, view] of views.entries()) {
    if (view.length > 0) assertStrictEquals(keptBase64(view), texts[i]);
    assertStrictEquals(keptBase64(view.subarray(1)), view.length > 1 ? undefined : keptBase64(view));
    assertStrictEquals(keptBase64(view.slice()), undefined);
  }
  assertStrictEquals(keptBase64(new Uint8Array(views[1]?.buffer ?? new ArrayBuffer(5), 0, 5)), undefined);
  assertStrictEquals(keptBase64(decodeBase64(["AQID"]).views[0] ?? new Uint8Array()), undefined);
});

Deno.test("keptBase64() has no text that encoding would not give back", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const last of alphabet) {
    for (const text of [`QU${last}=`, `Q${last}==`]) {
      const data = decodeBase64([text], true).views[0] ?? new Uint8Array();
      assertStrictEquals(keptBase64(data), base64(data) === text ? text : undefined, text);
    }
  }
});
