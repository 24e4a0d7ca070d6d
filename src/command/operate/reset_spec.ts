/**
 * What `kclite reset` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";
import { RESET_OPTIONS } from "./reset_options.ts";

/** The command. */
export const RESET: CommandSpec = {
  name: "reset",
  summary: "moves the checkpoints of an application that is stopped",
  about: [
    "Prints where each lease stands and where it would stand. It writes only with --execute, and then stores the " +
    "old positions in a file first: --from-file of that file undoes the reset.",
    "All workers must have stopped. It is refused while a worker reports or a lease is renewed, which takes one " +
    "failover time to see.",
    "A time becomes the sequence number of the last record before it, by reading the stream. Every record that " +
    "arrived at the time or later is delivered then, parents before children. For that, leases of closed shards " +
    "that still have such records are made or set back from their end, and all that descend from them begin at " +
    "their oldest record. Shards that ended before are set to their end.",
    "A database of ./sql keeps positions of its own, which count there. It is not moved: --sql-table prints what " +
    "to run in it.",
  ],
  operands: [],
  target: "application",
  options: [...Object.values(RESET_OPTIONS), MAX_RCU, JSON_FLAG],
  examples: [
    {
      command: "kclite reset app.properties --to 2026-01-30T13:30:00Z",
      what: "shows what it would take to read again from a time on",
      isStopped: true,
    },
    {
      command: "kclite reset app.properties --by-duration -PT10M --shard 2 --export before.json --execute",
      what: "reads the last ten minutes of one shard again",
      isStopped: true,
    },
    {
      command: "kclite reset app.properties --from-file before.json --execute",
      what: "sets all leases back to what a file says",
      isShown: false,
    },
    {
      command: "kclite reset app.properties --to latest --execute",
      what: "skips what is not read yet, but not while workers are alive",
    },
  ],
  exitCodes: [{
    code: 1,
    meaning: "when a worker is alive, a lease changed meanwhile, or a part was not written",
  }],
  load: async () => (await import("./reset_program.ts")).reset,
};
