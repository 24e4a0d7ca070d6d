/**
 * What `kclite plan` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const PLAN: CommandSpec = {
  name: "plan",
  summary: "shows what a start would do and cost, and writes nothing",
  about: [],
  operands: [],
  target: "file",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite plan app.properties",
    what: "shows what a start would do and cost, and writes nothing",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./plan_program.ts")).plan,
};
