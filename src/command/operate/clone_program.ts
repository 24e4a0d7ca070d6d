/**
 * Runs `kclite clone`.
 *
 * @module
 */

import type { CommandRun } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs it. */
export async function clone(_run: CommandRun, _context: OperateContext): Promise<number> {
  throw new Error("Cannot run clone: it is not there yet");
}
