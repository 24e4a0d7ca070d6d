// Pure.
/**
 * The options of `kclite plan`.
 *
 * @module
 */

import { type CommandOption, option, wholeNumber } from "./command_spec.ts";

/** Of the fleet whose cost is estimated. */
export const PLANNED_WORKERS: CommandOption<number> = option(
  "workers",
  wholeNumber(1),
  "the workers of the fleet whose cost is estimated (those that report now; else 1)",
);
