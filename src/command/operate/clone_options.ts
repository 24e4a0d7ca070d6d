// Pure.
/**
 * The options of `kclite clone`.
 *
 * @module
 */

import type { TargetPosition } from "../../operate/change/positions.ts";
import { type CommandOption, flag, option, text, type ValueKind } from "./command_spec.ts";
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
