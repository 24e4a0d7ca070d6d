import { assertEquals } from "@std/assert";
import { COMMANDS_FILE, commandsMarkdown } from "../../docs/commands_page.ts";

Deno.test("docs/commands.md shows the commands and what they print; `deno task docs` writes it", async () => {
  assertEquals(await Deno.readTextFile(COMMANDS_FILE), await commandsMarkdown());
});
