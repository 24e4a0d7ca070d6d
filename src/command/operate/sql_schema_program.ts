/**
 * Runs `kclite sql-schema`.
 *
 * @module
 */

import { Statements } from "../../sql/statements.ts";
import type { CommandRun } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";
import { DIALECT, POSITIONS_TABLE } from "./sql_options.ts";

/** Runs it. */
export async function sqlSchema({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const dialect = flags.of(DIALECT) ?? "postgres", table = flags.of(POSITIONS_TABLE) ?? "kclite_positions";
  const schema = `${new Statements(dialect, table).create()};`;
  const lines = context.isJson ? [JSON.stringify({ dialect, table, schema })] : schema.split("\n");
  context.terminal.printLines(lines);
  return 0;
}
