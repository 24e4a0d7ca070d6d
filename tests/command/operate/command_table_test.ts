/** What docs/commands.md and README promise of every command. */

import { assert, assertEquals } from "@std/assert";
import { JSON_FLAG } from "../../../src/command/operate/command_spec.ts";
import { COMMANDS } from "../../../src/command/operate/command_table.ts";
import { commandHelp } from "../../../src/command/operate/command_text.ts";

Deno.test("each command has --json, examples of itself, and a help that fits into a terminal", () => {
  assertEquals(COMMANDS.length, 13);
  assertEquals(new Set(COMMANDS.map(({ name }) => name)).size, 13);
  for (const spec of COMMANDS) {
    const { name, options, examples } = spec;
    assert(options.includes(JSON_FLAG), `${name} has no --json`);
    assertEquals(new Set(options.map((option) => option.name)).size, options.length, name);
    assert(examples.length > 0 && examples.every(({ command }) => command.includes(`kclite ${name}`)), name);
    assertEquals(commandHelp(spec).split("\n").filter((line) => line.length > 110), [], name);
  }
});
