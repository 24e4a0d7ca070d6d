/**
 * What `kclite clone` is.
 *
 * @module
 */

import type { TargetPosition } from "../../operate/change/positions.ts";
import {
  type CommandOption,
  type CommandSpec,
  flag,
  JSON_FLAG,
  MAX_RCU,
  option,
  text,
  type ValueKind,
} from "./command_spec.ts";
import { POSITION } from "./reset_options.ts";

/** A position that all shards have: no sequence number. */
const TIME_OF_ALL: ValueKind<TargetPosition> = {
  label: "POSITION",
  expected: "earliest, latest, or a time such as 2026-01-30T12:00:00Z",
  read: (text) => {
    const target = POSITION.read(text);
    return target?.type === "sequenceNumber" ? undefined : target;
  },
};

/** The command's options. */
export const CLONE_OPTIONS: {
  readonly as: CommandOption<string>;
  readonly at: CommandOption<TargetPosition>;
  readonly toStream: CommandOption<string>;
  readonly execute: CommandOption<true>;
} = {
  as: option("as", text("NAME"), "the new application, which is also the name of its lease table"),
  at: option("at", TIME_OF_ALL, "begins at earliest, latest or a time, in place of the same positions"),
  toStream: option(
    "to-stream",
    text("STREAM"),
    "another stream with the same records, by name or ARN; read from when the oldest unread record of all shards " +
      "arrived, so that nothing is lost and some records come again",
  ),
  execute: flag("execute", "writes; without it the plan is only printed"),
};

/** The command. */
export const CLONE: CommandSpec = {
  name: "clone",
  summary: "gives a new application the positions of this one",
  about: [
    "Makes the lease table of a new application, billed as that of this one, with its leases and without owners. " +
    "This one is only read, and may run: the copy has the positions as they were read. It writes only with " +
    "--execute, and never to a table that has leases.",
    "The copy may repeat what the old application read after the copy was made. What an application stored with a " +
    "prepared checkpoint is copied too, as long as positions stay the same.",
  ],
  operands: [],
  target: "application",
  options: [...Object.values(CLONE_OPTIONS), MAX_RCU, JSON_FLAG],
  examples: [
    {
      command: "kclite clone app.properties --as orders-copy",
      what: "shows what a second application would begin with",
    },
    {
      command: "kclite clone app.properties --as orders-replay --at 2026-01-30T13:30:00Z --execute",
      what: "makes an application that begins at a time",
    },
    {
      command: "kclite clone app.properties --as orders-eu --to-stream orders-eu --execute",
      what: "moves to another stream with the same records",
      isShown: false,
    },
  ],
  exitCodes: [{ code: 1, meaning: "when the new table has leases already, or a part was not written" }],
  load: async () => (await import("./clone_program.ts")).clone,
};
