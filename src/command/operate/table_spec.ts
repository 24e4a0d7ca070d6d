/**
 * What `kclite table` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const TABLE: CommandSpec = {
  name: "table",
  summary: "prints the lease table and the permissions that are to be created",
  about: [],
  operands: [],
  target: "application",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite table app.properties",
    what: "prints the lease table and the permissions that are to be created",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./table_program.ts")).table,
};
