/**
 * What `kclite reset` is.
 *
 * @module
 */

import { TARGET_FORMS, targetOf, type TargetPosition } from "../../operate/change/positions.ts";
import {
  type CommandOption,
  type CommandSpec,
  flag,
  JSON_FLAG,
  MAX_RCU,
  option,
  readDuration,
  readTime,
  repeated,
  text,
  type ValueKind,
} from "./command_spec.ts";

/** A position in a stream. */
export const POSITION: ValueKind<TargetPosition> = {
  label: "POSITION",
  expected: TARGET_FORMS,
  read: (text) => targetOf(text, readTime),
};

/** How long ago, in ms. The minus that people write says the same. */
const AGO: ValueKind<number> = {
  label: "DURATION",
  expected: "a duration such as PT1H, -PT1H or 90m",
  read: (text) => readDuration(text.replace(/^-/, "")),
};

/** The command's options. */
export const RESET_OPTIONS: {
  readonly to: CommandOption<TargetPosition>;
  readonly byDuration: CommandOption<number>;
  readonly shard: CommandOption<string>;
  readonly exportTo: CommandOption<string>;
  readonly fromFile: CommandOption<string>;
  readonly execute: CommandOption<true>;
} = {
  to: option(
    "to",
    POSITION,
    "the first record to be read next: earliest, latest (what arrives from now on), a time with its zone, or a " +
      "record's sequence number together with one --shard",
  ),
  byDuration: option(
    "by-duration",
    AGO,
    "so long ago, counted from now and not from the checkpoint; PT1H and -PT1H are the same",
  ),
  shard: repeated(
    "shard",
    text("SHARD"),
    "only this shard, by its id, its number, or the end of its id; may be repeated",
  ),
  exportTo: option("export", text("FILE"), "first writes the leases as they are to a new file"),
  fromFile: option("from-file", text("FILE"), "sets the leases back to what such a file says"),
  execute: flag("execute", "writes; without it the plan is only printed"),
};

/** The command. */
export const RESET: CommandSpec = {
  name: "reset",
  summary: "moves the checkpoints of an application that is stopped",
  about: [
    "Prints where each lease stands and where it would stand. It writes only with --execute, and then stores the " +
    "old positions in a file first: --from-file of that file undoes the reset.",
    "All workers must have stopped. It is refused while a worker reports or a lease is renewed, which takes one " +
    "failover time to see.",
    "A time becomes the sequence number of the last record before it, by reading the stream. Every record that " +
    "arrived at the time or later is delivered then, parents before children. For that, leases of closed shards " +
    "that still have such records are made or set back from their end, and all that descend from them begin at " +
    "their oldest record. Shards that ended before are set to their end.",
  ],
  operands: [],
  target: "application",
  options: [...Object.values(RESET_OPTIONS), MAX_RCU, JSON_FLAG],
  examples: [
    {
      command: "kclite reset app.properties --to 2026-01-30T13:30:00Z",
      what: "shows what it would take to read again from a time on",
      isStopped: true,
    },
    {
      command: "kclite reset app.properties --by-duration -PT10M --shard 2 --export before.json --execute",
      what: "reads the last ten minutes of one shard again",
      isStopped: true,
    },
    {
      command: "kclite reset app.properties --from-file before.json --execute",
      what: "sets all leases back to what a file says",
      isShown: false,
    },
    {
      command: "kclite reset app.properties --to latest --execute",
      what: "skips what is not read yet, but not while workers are alive",
    },
  ],
  exitCodes: [{
    code: 1,
    meaning: "when a worker is alive, a lease changed meanwhile, or a part was not written",
  }],
  load: async () => (await import("./reset_program.ts")).reset,
};
