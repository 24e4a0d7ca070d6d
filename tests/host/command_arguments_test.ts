/** @module */

import { assertEquals } from "@std/assert";
import {
  DURATION,
  flag,
  option,
  repeated,
  text,
  wholeNumber,
} from "../../src/command/operate/command_spec.ts";
import { type CommandArguments, parseCommandArguments } from "../../src/host/command_arguments.ts";

const SHAPE = {
  name: "mend",
  operands: [{ name: "LEASE" }],
  options: [
    flag("json", ""),
    option("by-duration", { ...DURATION, read: (text) => DURATION.read(text.replace(/^-/, "")) }, ""),
    option("max-rcu", wholeNumber(1), ""),
    repeated("shard", text("ID"), ""),
  ],
};

const parse = (...args: readonly string[]): CommandArguments => parseCommandArguments(SHAPE, args);

function run(...args: readonly string[]) {
  const parsed = parse(...args);
  if (parsed.type !== "run") throw new Error(JSON.stringify(parsed));
  const { operands, values, configured: { file, entries } } = parsed;
  return {
    operands,
    values: Object.fromEntries(values),
    file,
    entries: Object.fromEntries(entries.map(({ key, value }) => [key, value])),
  };
}

function problem(...args: readonly string[]): string {
  const parsed = parse(...args);
  return parsed.type === "misuse" ? parsed.problem : `not refused: ${parsed.type}`;
}

Deno.test("parseCommandArguments() takes operands, options and the file in any order", () => {
  const expected = {
    operands: ["lease-1"],
    values: { json: [true], shard: ["1", "2"], "max-rcu": [5] },
    file: "app.properties",
    entries: { regionName: "eu-central-1", maxRecords: "7" },
  };
  const region = ["--region", "eu-central-1"], set = ["--set", "maxRecords=7"];
  assertEquals(
    run(
      "lease-1",
      "app.properties",
      "--json",
      "--shard",
      "1",
      "--shard=2",
      "--max-rcu",
      "5",
      ...region,
      ...set,
    ),
    expected,
  );
  assertEquals(
    run(
      ...region,
      "--shard",
      "1",
      "lease-1",
      "--max-rcu=5",
      ...set,
      "--shard",
      "2",
      "app.properties",
      "--json",
    ),
    expected,
  );
  assertEquals(
    run(
      "--json",
      "--shard",
      "1",
      "--shard",
      "2",
      "--max-rcu",
      "5",
      ...region,
      ...set,
      "--",
      "lease-1",
      "app.properties",
    ),
    expected,
  );
});

Deno.test("parseCommandArguments() takes a properties file named like a command, or like an option", () => {
  assertEquals(run("lease-1", "describe").file, "describe");
  assertEquals(run("lease-1", "-p", "describe").file, "describe");
  assertEquals(run("lease-1", "--properties-file=x").file, "x");
  assertEquals(run("--", "lease-1", "-odd.properties").file, "-odd.properties");
});

Deno.test("parseCommandArguments() takes a value that begins with a dash, and no option as a value", () => {
  assertEquals(run("lease-1", "--by-duration", "-PT1H").values, { "by-duration": [3_600_000] });
  assertEquals(run("lease-1", "--by-duration=-PT1H").values, { "by-duration": [3_600_000] });
  assertEquals(run("lease-1", "--shard", "-x").values, { shard: ["-x"] });
  assertEquals(run("lease-1", "--shard=--json").values, { shard: ["--json"] });
  assertEquals(
    problem("lease-1", "--shard", "--json"),
    "Expected a text behind --shard: got the option --json",
  );
  assertEquals(problem("lease-1", "--shard", "-p"), "Expected a text behind --shard: got the option -p");
  assertEquals(problem("lease-1", "--region", "-p"), "Expected a value behind --region: got the option -p");
});

Deno.test("parseCommandArguments() refuses options with the nearest name", () => {
  assertEquals(problem("lease-1", "--shrad", "1"), "There is no option --shrad: did you mean --shard?");
  assertEquals(problem("lease-1", "--max_rcu=1"), "There is no option --max_rcu: did you mean --max-rcu?");
  assertEquals(problem("lease-1", "--zzzzz"), "There is no option --zzzzz: see kclite mend --help");
  assertEquals(problem("lease-1", "-x"), "There is no option -x: see kclite mend --help");
  assertEquals(problem("lease-1", "--no-json"), "There is no option --no-json: did you mean --json?");
  assertEquals(
    problem("lease-1", "--constructor"),
    "There is no option --constructor: see kclite mend --help",
  );
  assertEquals(problem("lease-1", "--deregister"), "There is no option --deregister: see kclite mend --help");
});

Deno.test("parseCommandArguments() refuses what is missing, wrong, or too much", () => {
  assertEquals(problem(), "Expected LEASE behind mend: got nothing");
  assertEquals(problem(""), "Expected LEASE behind mend: got nothing");
  assertEquals(
    problem("lease-1", "--max-rcu"),
    "Expected a whole number from 1 on behind --max-rcu: got nothing",
  );
  assertEquals(
    problem("lease-1", "--max-rcu", "0"),
    'Expected --max-rcu to be a whole number from 1 on: got "0"',
  );
  assertEquals(problem("lease-1", "--max-rcu="), 'Expected --max-rcu to be a whole number from 1 on: got ""');
  assertEquals(problem("lease-1", "--json=yes"), 'Expected --json without a value: got "yes"');
  assertEquals(problem("lease-1", "--region"), "Expected a value behind --region: got nothing");
  assertEquals(problem("lease-1", "a", "b"), "Expected one properties file: got a, b");
  assertEquals(problem("lease-1", "a", "-p", "b"), "Expected one properties file: got b, a");
  assertEquals(
    problem("lease-1", "--max-rcu", "1", "--max-rcu", "2"),
    "Expected --max-rcu once: got it 2 times",
  );
  assertEquals(
    problem("lease-1", "--set", "geheim"),
    "Expected KEY=VALUE after --set: got something else",
  );
});

Deno.test("parseCommandArguments() takes a flag twice, and help anywhere", () => {
  assertEquals(run("lease-1", "--json", "--json").values, { json: [true, true] });
  for (const args of [["--help"], ["lease-1", "-h"], ["--bogus", "--help"], ["--max-rcu", "0", "-h"]]) {
    assertEquals(parse(...args), { type: "help" });
  }
});
