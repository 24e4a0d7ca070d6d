import { assertEquals } from "@std/assert";
import { FAILURES_FILE, withCases } from "../../docs/failures_page.ts";

Deno.test("docs/failures.md shows the cases that the tests run; `deno task docs` writes them", async () => {
  const page = await Deno.readTextFile(FAILURES_FILE);
  assertEquals(page, withCases(page));
});
