/**
 * What `kclite handoff` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const HANDOFF: CommandSpec = {
  name: "handoff",
  summary: "moves a lease to another worker, in order",
  about: [],
  operands: [{ name: "LEASE", help: "the key of a lease; the end of it is enough if it is unique" }],
  target: "application",
  options: [JSON_FLAG],
  examples: [{ command: "kclite handoff app.properties", what: "moves a lease to another worker, in order" }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./handoff_program.ts")).handoff,
};
