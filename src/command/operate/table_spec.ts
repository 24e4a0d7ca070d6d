/**
 * What `kclite table` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";
import { ACCOUNT, PRINT } from "./table_options.ts";

/** The command. */
export const TABLE: CommandSpec = {
  name: "table",
  summary: "prints the lease table and the permissions that are to be created",
  about: [
    "Prints what to create before the first start, so that workers need not be allowed to create tables. " +
    "Nothing is called: it works without credentials.",
  ],
  operands: [],
  target: "application",
  options: [PRINT, ACCOUNT, JSON_FLAG],
  examples: [
    {
      command: "kclite table --print terraform app.properties",
      what: "prints a table and a policy for Terraform",
    },
    {
      command: "kclite table --print iam --account 123456789012 app.properties",
      what: "prints the least policy of a worker",
    },
    { command: "kclite table --print json app.properties", what: "prints the body of CreateTable" },
  ],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./table_program.ts")).table,
};
