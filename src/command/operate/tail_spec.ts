/**
 * What `kclite tail` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";
import { FROM_BEGINNING, FROM_TIME, MAX_MESSAGES, SHARD, TO_TIME, UNTIL_LATEST } from "./tail_options.ts";

/** The command. */
export const TAIL: CommandSpec = {
  name: "tail",
  summary: "prints the records of a stream, without leases",
  about: [
    "Prints time, shard, partition key and data of each record, and follows the stream until Ctrl-C. No lease " +
    "is touched. Aggregates of the KPL are taken apart. Children of shards that end are read after them.",
    "Each shard is read at half the rate that Kinesis allows, so that its consumers keep the rest. Records of " +
    "one shard are in order. Shards are read side by side.",
    "Control characters are printed as \\n, \\t and \\u001b. Data that is not UTF-8 is printed as base64. On a " +
    "terminal long data is cut. --json prints one whole record a line.",
  ],
  operands: [],
  target: "stream",
  options: [FROM_TIME, FROM_BEGINNING, TO_TIME, UNTIL_LATEST, SHARD, MAX_MESSAGES, JSON_FLAG],
  examples: [
    {
      command: "kclite tail app.properties",
      what: "prints what arrives from now on",
      isShown: false,
    },
    {
      command: "kclite tail --shard 2 --from-beginning --max-messages 5 app.properties",
      what: "prints the first five records of a shard, and ends",
    },
    {
      command: "kclite tail --shard 4 --from-beginning --max-messages 2 --json app.properties",
      what: "prints two records of shardId-000000000004 as JSON",
    },
    {
      command:
        "kclite tail --from-datetime 2026-01-30T12:00:00Z --to-datetime 2026-01-30T12:05:00Z app.properties",
      what: "prints what arrived in five minutes",
      isShown: false,
    },
  ],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./tail_program.ts")).tail,
};
