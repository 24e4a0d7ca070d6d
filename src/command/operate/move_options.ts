// Pure.
/**
 * The options of the commands that move leases.
 *
 * @module
 */

import { type CommandOption, DURATION, flag, option, text } from "./command_spec.ts";

/** Who gets the lease. */
export const TO: CommandOption<string> = option(
  "to",
  text("WORKER"),
  "the worker that gets it, by its name in the table",
);

/** How long a handoff is watched. */
export const HANDOFF_TIMEOUT: CommandOption<number> = option(
  "timeout",
  DURATION,
  "how long to wait for the new owner (gracefulLeaseHandoffTimeoutMillis and two failover times: 50s)",
);

/** Not to watch it. */
export const NO_WAIT: CommandOption<true> = flag(
  "no-wait",
  "asks only, and does not wait until the lease has moved",
);

/** Ends a drain. */
export const CANCEL: CommandOption<true> = flag("cancel", "ends the drain: the worker gets leases again");

/** How long a drain is watched. */
export const DRAIN_TIMEOUT: CommandOption<number> = option(
  "timeout",
  DURATION,
  "how long to wait until the worker has no leases to read (10m)",
);
