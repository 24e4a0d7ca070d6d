/** What each adapter must be. */

import { assertEquals } from "@std/assert";
import { codeOf, commentsOf } from "../../support/source_text.ts";

const ADAPTERS = ["durable_object", "cloudflare_scheduled", "deno_cron", "lambda_scheduled", "fetch_handler"];
const MOST_LINES = 60;

Deno.test("each adapter for a platform has at most 60 lines of code", async () => {
  for (const name of ADAPTERS) {
    const text = await Deno.readTextFile(new URL(`../../../src/edge/adapters/${name}.ts`, import.meta.url));
    let code = text;
    for (const { text: comment } of commentsOf(text)) code = code.replace(comment, "");
    const lines = code.split("\n").filter((line) => line.trim() !== "");
    assertEquals([name, lines.length > MOST_LINES ? lines.length : "few"], [name, "few"]);
    assertEquals(codeOf(text).length > 0, true);
  }
});
