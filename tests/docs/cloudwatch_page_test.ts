import { assertEquals, assertThrows } from "@std/assert";
import { CLOUDWATCH_FILE, withMetrics } from "../../docs/cloudwatch_page.ts";

Deno.test("docs/cloudwatch.md lists what src/cloudwatch sends, and what it costs", async () => {
  const page = await Deno.readTextFile(CLOUDWATCH_FILE);
  assertEquals(withMetrics(page), page);
  assertThrows(() => withMetrics(page.replace("<!-- sent -->", "")), Error, "expected <!-- sent -->");
});
