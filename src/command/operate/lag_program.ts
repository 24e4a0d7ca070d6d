/**
 * Runs `kclite lag`.
 *
 * @module
 */

import type { CommandRun } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs it. */
export async function lag(_run: CommandRun, _context: OperateContext): Promise<number> {
  throw new Error("Cannot run lag: it is not there yet");
}
