import { assertEquals, assertStringIncludes } from "@std/assert";
import { retrievalModeOf, type RetrievalModeQuestion } from "../../src/properties/retrieval_mode.ts";
import cases from "../cases/retrieval_mode.json" with { type: "json" };

for (const { comment, question, mode, says } of cases) {
  Deno.test(`retrievalModeOf(): ${comment}`, () => {
    const decision = retrievalModeOf(
      { retrievalMode: undefined, pollingOptions: {}, ...question } as RetrievalModeQuestion,
    );
    assertEquals(decision.mode, mode);
    for (const words of says) assertStringIncludes(decision.reason, words);
  });
}
