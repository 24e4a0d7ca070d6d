/**
 * Runs `kclite tail`.
 *
 * @module
 */

import type { CommandRun } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs it. */
export async function tail(_run: CommandRun, _context: OperateContext): Promise<number> {
  throw new Error("Cannot run tail: it is not there yet");
}
