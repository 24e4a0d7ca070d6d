// Pure.
/**
 * The options of `kclite reset`.
 *
 * @module
 */

import { TARGET_FORMS, targetOf, type TargetPosition } from "../../operate/change/positions.ts";
import type { SqlDialect } from "../../sql/statements.ts";
import { DIALECT, SQL_TABLE } from "./sql_options.ts";
import {
  type CommandOption,
  flag,
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
  readonly sqlTable: CommandOption<string>;
  readonly dialect: CommandOption<SqlDialect>;
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
    "this long before now; PT1H and -PT1H mean the same; where the checkpoint is does not matter",
  ),
  shard: repeated(
    "shard",
    text("SHARD"),
    "only this shard, by its id, its number, or the end of its id; may be repeated",
  ),
  exportTo: option("export", text("FILE"), "first writes the leases as they are to a new file"),
  fromFile: option("from-file", text("FILE"), "sets the leases back to what such a file says"),
  sqlTable: SQL_TABLE,
  dialect: DIALECT,
  execute: flag("execute", "writes; without it the plan is only printed"),
};
