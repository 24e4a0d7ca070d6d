/**
 * What `kclite tail` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const TAIL: CommandSpec = {
  name: "tail",
  summary: "prints the records of a stream, without leases",
  about: [],
  operands: [],
  target: "stream",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite tail app.properties",
    what: "prints the records of a stream, without leases",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./tail_program.ts")).tail,
};
