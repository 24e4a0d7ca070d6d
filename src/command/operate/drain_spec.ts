/**
 * What `kclite drain` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const DRAIN: CommandSpec = {
  name: "drain",
  summary: "takes all leases from a worker, in order",
  about: [],
  operands: [{ name: "WORKER", help: "the worker's name in the table" }],
  target: "application",
  options: [JSON_FLAG],
  examples: [{ command: "kclite drain app.properties", what: "takes all leases from a worker, in order" }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./drain_program.ts")).drain,
};
