/**
 * What `kclite explain` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const EXPLAIN: CommandSpec = {
  name: "explain",
  summary: "says why a shard is being read, or is not",
  about: [],
  operands: [{ name: "LEASE", help: "the key of a lease; the end of it is enough if it is unique" }],
  target: "application",
  options: [JSON_FLAG],
  examples: [{ command: "kclite explain app.properties", what: "says why a shard is being read, or is not" }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./explain_program.ts")).explain,
};
