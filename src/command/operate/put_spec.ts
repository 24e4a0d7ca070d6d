/**
 * What `kclite put` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const PUT: CommandSpec = {
  name: "put",
  summary: "puts each line of the standard input into a stream",
  about: [],
  operands: [],
  target: "stream",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite put app.properties",
    what: "puts each line of the standard input into a stream",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./put_program.ts")).put,
};
