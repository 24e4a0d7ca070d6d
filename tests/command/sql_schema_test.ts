/** `kclite sql-schema`, and what `kclite reset` says of a database. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { commandsWorld } from "../../docs/commands_world.ts";
import { Statements } from "../../src/sql/statements.ts";
import { OperateBed } from "../support/operate_bed.ts";

Deno.test("sql-schema prints the table as the sink would create it, without a configuration", async () => {
  const bed = new OperateBed();
  const printed = await bed.run(["sql-schema"], { isBare: true });
  const expected = `${new Statements("postgres", "kclite_positions").create()};`;
  assertEquals([printed.code, printed.out.trimEnd(), printed.err], [0, expected, ""]);
  const json = await bed.run(["sql-schema", "--dialect", "mysql", "--table", "ops.p", "--json"], {
    isBare: true,
  });
  assertEquals(JSON.parse(json.out), {
    dialect: "mysql",
    table: "ops.p",
    schema: `${new Statements("mysql", "ops.p").create()};`,
  });
});

Deno.test("sql-schema refuses a table whose name could be a statement", async () => {
  const { code, err } = await new OperateBed().run(["sql-schema", "--table", "a; DROP"], { isBare: true });
  assertEquals(code, 2);
  assertStringIncludes(err, "Expected --table to be a name of letters, digits");
});

Deno.test("reset --sql-table prints what makes the leases count again in a database, and runs nothing", async () => {
  const bed = await commandsWorld({ isStopped: true });
  const { code, out } = await bed.run(["reset", "--to", "earliest", "--sql-table", "kclite_positions"]);
  assertEquals(code, 0);
  assertStringIncludes(
    out,
    "The database keeps its own positions. Run this in it while all workers are stopped:",
  );
  assertStringIncludes(out, 'DELETE FROM "kclite_positions"');
  assertStringIncludes(out, "  'shardId-000000000002'");
  const json = await bed.run([
    ...["reset", "--to", "earliest", "--sql-table", "kclite_positions", "--dialect", "mysql", "--json"],
  ]);
  assertStringIncludes(JSON.parse(json.out).sql, "DELETE FROM `kclite_positions`");
  const without = await bed.run(["reset", "--to", "earliest"]);
  assertEquals(without.out.includes("DELETE"), false);
});
