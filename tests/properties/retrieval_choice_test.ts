import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Settings } from "../../src/properties/property.ts";
import { retrievalChoice } from "../../src/properties/retrieval_choice.ts";
import cases from "../cases/retrieval_choice.json" with { type: "json" };

for (const { comment, retrievalMode, given = {}, mode, level, says } of cases) {
  Deno.test(`retrievalChoice(): ${comment}`, () => {
    const choice = retrievalChoice(
      retrievalMode as Settings["retrievalMode"],
      new Map(Object.entries(given)),
    );
    assertEquals([choice.mode, choice.level], [mode, level]);
    for (const words of says) assertStringIncludes(choice.reason, words);
  });
}
