/**
 * What `kclite handoff` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";
import { HANDOFF_TIMEOUT, NO_WAIT, TO } from "./move_options.ts";

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
  exitCodes: [{
    code: 1,
    meaning: "when the handoff was refused, or the new owner does not renew the lease",
  }],
  load: async () => (await import("./handoff_program.ts")).handoff,
};
