/**
 * What `kclite describe` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const DESCRIBE: CommandSpec = {
  name: "describe",
  summary: "shows leases, workers, leader and table of an application",
  about: [],
  operands: [],
  target: "application",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite describe app.properties",
    what: "shows leases, workers, leader and table of an application",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./describe_program.ts")).describe,
};
