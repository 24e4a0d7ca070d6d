// Pure.
/**
 * The options of `kclite lag`.
 *
 * @module
 */

import { type CommandOption, DURATION, flag, option } from "./command_spec.ts";

/** Looks again and again. */
export const WATCH: CommandOption<true> = flag("watch", "looks again and again, until Ctrl-C");

/** Between two looks of `--watch`. */
export const EVERY: CommandOption<number> = option(
  "every",
  DURATION,
  "the pause between the looks of --watch, at least 10s (30s)",
);

/** Between the two looks of one report. */
export const BETWEEN: CommandOption<number> = option(
  "between",
  DURATION,
  "the pause between the two looks (4/10 of failoverTimeMillis); 0s: one look, without a forecast",
);

/** A limit. */
export const MAX: CommandOption<number> = option(
  "max",
  DURATION,
  "ends with 1 when a shard is further behind than this",
);
