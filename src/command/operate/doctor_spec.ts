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
  about: [],
  operands: [],
  target: "file",
  options: [JSON_FLAG],
  examples: [{
    command: "kclite doctor app.properties",
    what: "checks file, credentials, clock, stream, table, program and permissions",
  }],
  exitCodes: [{ code: 1, meaning: "after a failure" }],
  load: async () => (await import("./doctor_program.ts")).doctor,
};
