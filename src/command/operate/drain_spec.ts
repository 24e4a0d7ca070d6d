/**
 * What `kclite drain` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";
import { CANCEL, DRAIN_TIMEOUT } from "./move_options.ts";

/** The command. */
export const DRAIN: CommandSpec = {
  name: "drain",
  summary: "takes all leases from a worker, in order",
  about: [
    "Marks the worker in the table. A leader of kclite gives it no more leases, and hands its own over to others, twenty at a " +
    "time. The worker stays alive and idle. Then it can be stopped. The mark ends with the process, or by `--cancel`.",
    "Nothing is left unread for it: leases stay where they are while no other worker has room. When all live workers are " +
    "drained, the marks say nothing.",
    "A Java leader does not know the mark. There the command hands each lease over once, says that the leader may give " +
    "leases back, and exits with 3.",
  ],
  operands: [{ name: "WORKER", help: "the worker's name in the table" }],
  target: "application",
  options: [CANCEL, DRAIN_TIMEOUT, MAX_RCU, JSON_FLAG],
  examples: [
    { command: "kclite drain worker-b app.properties", what: "waits until worker-b has nothing to read" },
    { command: "kclite drain worker-b --json app.properties", what: "the same, for a program" },
    {
      command: "kclite drain worker-b --cancel app.properties",
      what: "lets it have leases again",
      isShown: false,
    },
  ],
  exitCodes: [
    { code: 1, meaning: "when the drain was refused, or the worker still has leases" },
    { code: 3, meaning: "when the leader does not know drains, and may give leases back" },
  ],
  load: async () => (await import("./drain_program.ts")).drain,
};
