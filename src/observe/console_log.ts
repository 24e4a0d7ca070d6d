/**
 * What a worker logs by default: warnings and errors, to the console's standard error. This is the only place
 * in src that prints.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import { logTo } from "./log.ts";

/** The default log. `console.error` is looked up at each line, so that a later patch of it is seen. */
export function consoleLog(clock: Clock): WorkerEventListener {
  return logTo((line) => console.error(line), { level: "warning", clock });
}
