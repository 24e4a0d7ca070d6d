import { assertEquals } from "@std/assert";
import { completionStyle } from "../../src/lambda/completion_style.ts";
import cases from "../cases/completion_style.json" with { type: "json" };

for (const { comment, source, style } of cases) {
  Deno.test(`completionStyle(): ${comment}`, () => {
    const handler = new Function(`return (${source});`)() as () => void;
    assertEquals(completionStyle(handler), style);
  });
}
