/**
 * What `kclite describe` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";
import { BETWEEN, LEASES, WATCH, WORKERS } from "./describe_options.ts";

/** The command. */
export const DESCRIBE: CommandSpec = {
  name: "describe",
  summary: "shows leases, workers, leader and table of an application",
  about: [
    "Looks at the lease table twice. An owner that lives has renewed its leases in between, so that their " +
    "counters have moved. What may not be read is named with the permission that is missing.",
    "A lease is held, not renewed, in a handoff, free, or finished. After one look an owned lease is assigned: " +
    "whether its owner lives is not known.",
    "The age of a report is as this machine's clock has it. Owners that report nothing are workers of KCL 2.x, " +
    "or have just begun.",
  ],
  operands: [],
  target: "application",
  options: [LEASES, WORKERS, WATCH, BETWEEN, MAX_RCU, JSON_FLAG],
  examples: [
    { command: "kclite describe app.properties", what: "shows the whole fleet" },
    { command: "kclite describe --workers --json app.properties", what: "prints the workers for a program" },
    {
      command: "kclite describe --watch app.properties",
      what: "follows the fleet, e.g. during a deploy",
      isShown: false,
    },
  ],
  exitCodes: [{ code: 1, meaning: "when the table cannot be read" }],
  load: async () => (await import("./describe_program.ts")).describe,
};
