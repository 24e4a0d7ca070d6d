/**
 * What `kclite explain` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";

/** The command. */
export const EXPLAIN: CommandSpec = {
  name: "explain",
  summary: "says why a shard is being read, or is not",
  about: [
    "Looks at the table twice, at the stream and at the shard, and gives the first reason that holds: e.g. its " +
    "owner has stopped, its parents are not finished, a handoff is pending, no worker has room, no worker leads, " +
    "or its checkpoint has been trimmed. --json has the reason as a word, and all that it was found from.",
    "A shard that has no lease can be named too. What may not be read is named with the permission that is " +
    "missing, and the rest is explained.",
  ],
  operands: [{
    name: "LEASE",
    help: "the key of a lease or the id of a shard; the end of it is enough if it is unique",
  }],
  target: "application",
  options: [MAX_RCU, JSON_FLAG],
  examples: [
    { command: "kclite explain 0003 app.properties", what: "says why a shard is not being read" },
    { command: "kclite explain 0004 app.properties", what: "explains a shard in a handoff" },
    { command: "kclite explain 0002 --json app.properties", what: "prints reason and facts for a program" },
  ],
  exitCodes: [{ code: 1, meaning: "when there is no such lease or shard, or the leases cannot be read" }],
  load: async () => (await import("./explain_program.ts")).explain,
};
