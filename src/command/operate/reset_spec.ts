/**
 * What `kclite reset` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const RESET: CommandSpec = {
  name: "reset",
  summary: "moves the checkpoints of an application that is stopped",
  about: [],
  operands: [],
  target: "application",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite reset app.properties",
    what: "moves the checkpoints of an application that is stopped",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./reset_program.ts")).reset,
};
