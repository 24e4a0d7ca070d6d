/**
 * What `kclite lag` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const LAG: CommandSpec = {
  name: "lag",
  summary: "shows how far each shard is behind, and when unread records are lost",
  about: [],
  operands: [],
  target: "application",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite lag app.properties",
    what: "shows how far each shard is behind, and when unread records are lost",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./lag_program.ts")).lag,
};
