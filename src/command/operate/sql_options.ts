// Pure.
/**
 * The options of commands about a database of `./sql`.
 *
 * @module
 */

import { isTableName, type SqlDialect } from "../../sql/statements.ts";
import { type CommandOption, oneOf, option, type ValueKind } from "./command_spec.ts";

/** How statements are written. */
export const DIALECT: CommandOption<SqlDialect> = option(
  "dialect",
  oneOf(["postgres", "mysql"]),
  "how the statement is written (postgres)",
);

const TABLE_NAME: ValueKind<string> = {
  label: "TABLE",
  expected: 'a name of letters, digits and "_", with a schema before it or not',
  read: (text) => isTableName(text) ? text : undefined,
};

/** The table that is created. */
export const POSITIONS_TABLE: CommandOption<string> = option(
  "table",
  TABLE_NAME,
  "the table of positions, as the sink has it (kclite_positions)",
);

/** The table whose rows a reset must forget. */
export const SQL_TABLE: CommandOption<string> = option(
  "sql-table",
  TABLE_NAME,
  "prints what to run in a database of ./sql, whose positions count there and are not moved",
);
