/**
 * The options of `kclite tail`.
 *
 * @module
 */

import { type CommandOption, flag, option, repeated, text, TIME, wholeNumber } from "./command_spec.ts";

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
