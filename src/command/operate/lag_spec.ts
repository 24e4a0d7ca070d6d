/**
 * What `kclite lag` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";
import { BETWEEN, EVERY, MAX, WATCH } from "./lag_options.ts";

/** The command. */
export const LAG: CommandSpec = {
  name: "lag",
  summary: "shows how far each shard is behind, and when unread records are lost",
  about: [
    "Reads two records of each shard at the checkpoint of its lease, twice. BEHIND is how far the checkpoint " +
    "is behind the newest record. CHECKPOINT is the age of its record. TRIMMED IN is when the oldest unread " +
    "record is as old as the stream keeps records: after that it is lost.",
    "PACE compares the two looks. Checkpoints move in steps: where workers checkpoint once a minute, " +
    "--between 2m says more. Children whose parents are not finished wait. Finished leases are counted only.",
    "A look takes one of the five reads a second that Kinesis allows each shard.",
  ],
  operands: [],
  target: "application",
  options: [MAX, WATCH, EVERY, BETWEEN, MAX_RCU, JSON_FLAG],
  examples: [
    { command: "kclite lag app.properties", what: "shows the lag of each shard" },
    {
      command: "kclite lag --max 5m --between 0s app.properties",
      what: "checks a limit, e.g. in a script",
    },
    {
      command: "kclite lag --watch --every 1m app.properties",
      what: "follows the lag, e.g. while a fleet catches up",
      isShown: false,
    },
  ],
  exitCodes: [{
    code: 1,
    meaning: "when something cannot be read; with --max also when a shard is over it, or has no lease",
  }],
  load: async () => (await import("./lag_program.ts")).lag,
};
