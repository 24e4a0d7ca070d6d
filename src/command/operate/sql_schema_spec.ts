/**
 * What `kclite sql-schema` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";
import { DIALECT, POSITIONS_TABLE } from "./sql_options.ts";

/** The command. */
export const SQL_SCHEMA: CommandSpec = {
  name: "sql-schema",
  summary: "prints the table that keeps positions beside results in a database of SQL",
  about: [
    "Prints the statement that creates the table of positions of ./sql, for migrations. Nothing is called: it " +
    "works without a configuration and without credentials.",
  ],
  operands: [],
  target: "application",
  options: [DIALECT, POSITIONS_TABLE, JSON_FLAG],
  examples: [
    { command: "kclite sql-schema", what: "prints the table for PostgreSQL" },
    {
      command: "kclite sql-schema --dialect mysql --table ops.positions",
      what: "prints it for MySQL, by another name",
    },
  ],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./sql_schema_program.ts")).sqlSchema,
};
