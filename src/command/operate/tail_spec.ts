/**
 * What `kclite tail` is.
 *
 * @module
 */

import {
  type CommandOption,
  type CommandSpec,
  flag,
  JSON_FLAG,
  option,
  repeated,
  text,
  TIME,
  wholeNumber,
} from "./command_spec.ts";

/** The first time. */
export const FROM_TIME: CommandOption<number> = option(
  "from-datetime",
  TIME,
  "begins with the records that arrived then (default: those that arrive from now on)",
);

/** All that there is. */
export const FROM_BEGINNING: CommandOption<true> = flag(
  "from-beginning",
  "begins with the oldest record that the stream has",
);

/** The last time. */
export const TO_TIME: CommandOption<number> = option(
  "to-datetime",
  TIME,
  "ends with the records that arrived then",
);

/** Not to wait for more. */
export const UNTIL_LATEST: CommandOption<true> = flag(
  "until-latest",
  "ends with the newest record, and does not wait for more",
);

/** Some shards. */
export const SHARD: CommandOption<string> = repeated(
  "shard",
  text("ID"),
  "reads this shard only: its id, the end of its id, or its number; may be repeated",
);

/** Some records. */
export const MAX_MESSAGES: CommandOption<number> = option(
  "max-messages",
  wholeNumber(1),
  "ends after this many records",
);

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
      command: "kclite tail --from-beginning --until-latest --max-messages 5 app.properties",
      what: "prints the first five records that come, and ends",
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
