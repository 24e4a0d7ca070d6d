/**
 * What `kclite doctor` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";

/** The command. */
export const DOCTOR: CommandSpec = {
  name: "doctor",
  summary: "checks file, credentials, clock, stream, table, program and permissions",
  about: [
    "Checks one thing after the other as a worker of this file would meet it, on the machine and with the " +
    "credentials of the command. Beside each failure stands what mends it. No check takes longer than five " +
    "seconds, and none stops the others.",
    "Nothing is changed. A permission to write is shown by a write on a condition that never holds. What has " +
    "no call without effect is not tried. STS is asked whose credentials these are, which needs no permission.",
    "At the end stands the least IAM policy of a worker.",
  ],
  operands: [],
  target: "file",
  options: [JSON_FLAG],
  examples: [
    { command: "kclite doctor app.properties", what: "checks everything before the first start" },
    { command: "kclite doctor --json app.properties", what: "prints checks for a program", isShown: false },
  ],
  exitCodes: [{ code: 1, meaning: "when a check failed" }],
  load: async () => (await import("./doctor_program.ts")).doctor,
};
