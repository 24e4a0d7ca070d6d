/**
 * What `kclite handoff` is.
 *
 * @module
 */

import {
  type CommandOption,
  type CommandSpec,
  DURATION,
  flag,
  JSON_FLAG,
  MAX_RCU,
  option,
  text,
} from "./command_spec.ts";

/** Who gets the lease. */
export const TO: CommandOption<string> = option(
  "to",
  text("WORKER"),
  "the worker that gets it, by its name in the table",
);

/** How long it is watched. */
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

/** The command. */
export const HANDOFF: CommandSpec = {
  name: "handoff",
  summary: "moves a lease to another worker, in order",
  about: [
    "Moves a lease as a leader of KCL 3.x does. The table names the next owner. The present owner finishes its batch, " +
    "stores a checkpoint, and passes the lease on. No record is lost, and none comes twice because of it.",
    "Both workers must be alive: the owner must renew the lease, and the target must report. A lease without an owner is " +
    "refused, since the leader gives it to a worker by itself.",
    "The leader may move the lease again when it balances.",
  ],
  operands: [{ name: "LEASE", help: "the key of a lease; the end of it is enough if it is unique" }],
  target: "application",
  options: [TO, HANDOFF_TIMEOUT, NO_WAIT, MAX_RCU, JSON_FLAG],
  examples: [
    {
      command: "kclite handoff 00000 --to worker-b app.properties",
      what: "moves the lease whose key ends in 00000",
    },
    {
      command: "kclite handoff 00000 --to worker-b --json app.properties",
      what: "the same, for a program",
    },
    {
      command: "kclite handoff 00000 --to worker-c app.properties",
      what: "a target that has died is refused",
    },
  ],
  exitCodes: [{ code: 1, meaning: "the handoff was refused, or the new owner does not renew the lease" }],
  load: async () => (await import("./handoff_program.ts")).handoff,
};
