import { assertEquals } from "@std/assert";
import { nextSubscribeMs } from "../../src/retrieval/fan_out_pacing.ts";
import cases from "../cases/fan_out_pacing.json" with { type: "json" };

for (const { comment, last, random, nextMs } of cases) {
  Deno.test(`nextSubscribeMs(): ${comment}`, () => {
    assertEquals(nextSubscribeMs({ ...last, acceptedMs: last.acceptedMs ?? undefined }, random), nextMs);
  });
}
