/**
 * What `kclite clone` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG, MAX_RCU } from "./command_spec.ts";
import { CLONE_OPTIONS } from "./clone_options.ts";

/** The command. */
export const CLONE: CommandSpec = {
  name: "clone",
  summary: "gives a new application the positions of this one",
  about: [
    "Makes the lease table of a new application, billed as that of this one, with its leases and without owners. " +
    "This one is only read, and may run: the copy has the positions as they were read. It writes only with " +
    "--execute, and never to a table that has leases.",
    "The copy may repeat what the old application read after the copy was made. What an application stored with a " +
    "prepared checkpoint is copied too, as long as positions stay the same.",
  ],
  operands: [],
  target: "application",
  options: [...Object.values(CLONE_OPTIONS), MAX_RCU, JSON_FLAG],
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
  exitCodes: [{ code: 1, meaning: "when the new table has leases already, or a part was not written" }],
  load: async () => (await import("./clone_program.ts")).clone,
};
