import { assertEquals, assertMatch } from "@std/assert";
import { ADVICE, adviceOf } from "../../src/observe/advice.ts";

Deno.test("ADVICE is a sentence for each fault", () => {
  for (const [code, text] of Object.entries(ADVICE)) assertMatch(text, /^[A-Z`].*\.$/, code);
});

Deno.test("adviceOf() knows faults of workers and of fleets, and no other text", () => {
  assertEquals(adviceOf("superseded"), "Stop one, or give each a `workerIdentifier` of its own.");
  assertEquals(adviceOf("leaseUnreadable"), "Mend the rows, or delete them.");
  assertEquals([adviceOf("constructor"), adviceOf("")], [undefined, undefined]);
});
