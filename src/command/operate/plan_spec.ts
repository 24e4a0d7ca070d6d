/**
 * What `kclite plan` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";
import { PLANNED_WORKERS } from "./plan_options.ts";

/** The command. */
export const PLAN: CommandSpec = {
  name: "plan",
  summary: "shows what a start would do and cost, and writes nothing",
  about: [
    "Shows what a worker of this file would create, from where it would read each shard, and why it would " +
    "poll or use enhanced fan-out. It reads the table and the stream, and writes nothing.",
    "The cost is an estimate by list prices of us-east-1, of a fleet at rest. Checkpoints, data by the " +
    "gigabyte, and the stream itself come on top.",
  ],
  operands: [],
  target: "file",
  options: [PLANNED_WORKERS, JSON_FLAG],
  examples: [
    { command: "kclite plan app.properties", what: "shows what a start would do" },
    {
      command: "kclite plan --workers 10 --json app.properties",
      what: "prints it for a program",
      isShown: false,
    },
  ],
  exitCodes: [{ code: 1, meaning: "when a worker would be refused, or parts are unreadable" }],
  load: async () => (await import("./plan_program.ts")).plan,
};
