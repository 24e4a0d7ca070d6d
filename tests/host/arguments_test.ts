import { assertEquals, assertStringIncludes } from "@std/assert";
import { helpText, parseCommand } from "../../src/host/arguments.ts";
import { PROPERTIES } from "../../src/properties/property_table.ts";
import cases from "../cases/arguments.json" with { type: "json" };

const HELP = helpText([]);

const NOTHING = { type: "run", file: undefined, entries: [], systemProperties: {}, warnings: [] };

for (const { comment, args, command } of cases) {
  Deno.test(`parseCommand() of "${args.join(" ")}": ${comment}`, () => {
    const expected = command.type === "run" ? { ...NOTHING, ...command } : command;
    assertEquals(parseCommand(args), expected as ReturnType<typeof parseCommand>);
  });
}

Deno.test("parseCommand() repeats no secret that stands in the wrong place", () => {
  assertEquals(parseCommand(["--set", "geheim"]), {
    type: "misuse",
    problem: "Expected KEY=VALUE after --set: got something else",
  });
});

Deno.test("each flag of --help sets a property that there is", () => {
  const names = PROPERTIES.map(({ name }) => name);
  const flags = [...HELP.matchAll(/^ +--([\w-]+) [A-Z]+/gm)].map((match) => match[1] ?? "");
  const keys = flags.filter((flag) => flag !== "set").map((flag) => {
    const command = parseCommand([`--${flag}`, "x"]);
    return command.type === "run" ? command.entries[0]?.key : command.type;
  });
  assertEquals(keys.length, 10);
  assertEquals(keys.filter((key) => key === undefined || !names.includes(key)), []);
});

Deno.test("--help fits into a terminal, and names every flag", () => {
  assertEquals(HELP.split("\n").filter((line) => line.length > 110), []);
  for (
    const flag of ["-p, --properties-file", "-l, --log-configuration", "--set", "-h, --help", "-V, --version"]
  ) {
    assertStringIncludes(HELP, flag);
  }
});
