/**
 * The options of `kclite put`.
 *
 * @module
 */

import { type CommandOption, option, text } from "./command_spec.ts";

/** One key for all. */
export const PARTITION_KEY: CommandOption<string> = option(
  "partition-key",
  text("KEY"),
  "the partition key of all records (default: one by chance for each)",
);

/** A key for each. */
export const KEY_FIELD: CommandOption<string> = option(
  "key-field",
  text("NAME"),
  "each line is a JSON object, and this field of it is its partition key",
);
