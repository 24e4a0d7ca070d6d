/**
 * What `kclite clone` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const CLONE: CommandSpec = {
  name: "clone",
  summary: "gives a new application the positions of this one",
  about: [],
  operands: [],
  target: "application",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite clone app.properties",
    what: "gives a new application the positions of this one",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./clone_program.ts")).clone,
};
