/**
 * What `kclite clone` is.
 *
 * @module
 */

import { AS, AT, EXECUTE, TO_STREAM } from "./clone_options.ts";
import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";

/** The command. */
export const CLONE: CommandSpec = {
  name: "clone",
  summary: "gives a new application the positions of this one",
  about: [
    "Makes the lease table of a new application, billed as that of this one and in the format of KCL 3. Its leases have no owners: start " +
    "workers with the new name afterwards. This application is only read, and may run. Without --execute nothing " +
    "is written.",
    "Without --at the copy begins at the same positions, with what was stored beside them, such as prepared " +
    "checkpoints. Checkpoints lag behind the work: records that this application has processed since its last " +
    "checkpoints come again. With --at the copy reads all records from that time on, parents before children.",
    "With --to-stream the copy begins when the oldest unread record of all shards arrived, or at --at. Nothing is " +
    "lost if records arrive in the other stream at the same time or later; some come again. If they arrive " +
    "there sooner, use --at with an earlier time.",
    "A table that has other leases is refused. If a clone ends half-way, the same command writes the rest, as long " +
    "as positions are the same. Otherwise it says so: delete the new table, and clone again.",
  ],
  operands: [],
  target: "application",
  options: [AS, AT, TO_STREAM, EXECUTE, MAX_RCU, JSON_FLAG],
  examples: [
    {
      command: "kclite clone app.properties --as orders-copy",
      what: "shows what a second application would begin with",
    },
    {
      command: "kclite clone app.properties --as orders-replay --at 2026-01-30T13:30:00Z --execute",
      what: "makes an application that begins at a time",
    },
    {
      command: "kclite clone app.properties --as orders-eu --to-stream orders-eu --execute",
      what: "moves to another stream with the same records",
      isShown: false,
    },
  ],
  exitCodes: [{ code: 1, meaning: "when the new table has other leases, or a part was not written" }],
  load: async () => (await import("./clone_program.ts")).clone,
};
