import { assertEquals } from "@std/assert";
import { oneLine, printable } from "../../src/observe/one_line.ts";

Deno.test("oneLine() and printable() take out a terminal's colours whole", () => {
  const text = "\u001b[0m\u001b[36mhint:\u001b[0m try `deno add`";
  assertEquals(oneLine(text), "hint: try `deno add`");
  assertEquals(printable(`${text}\n\u001b[2J`), "hint: try `deno add`\n [2J");
});
