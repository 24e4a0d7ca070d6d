// Pure.
/**
 * The options of `kclite describe`.
 *
 * @module
 */

import { type CommandOption, DURATION, flag, option } from "./command_spec.ts";

/** Only that section. */
export const LEASES: CommandOption<true> = flag("leases", "shows the leases only");

/** Only that section. */
export const WORKERS: CommandOption<true> = flag("workers", "shows the workers only");

/** Looks again and again. */
export const WATCH: CommandOption<true> = flag("watch", "looks again and again, until Ctrl-C");

/** Between two looks. */
export const BETWEEN: CommandOption<number> = option(
  "between",
  DURATION,
  "the pause between two looks, in which live owners renew (4/10 of failoverTimeMillis); 0s: one look",
);
