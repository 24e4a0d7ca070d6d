/**
 * The log of a worker, as a listener: give it to the worker's `log`.
 *
 * ```ts ignore
 * const worker = new KinesisWorker({ ...options, log: logTo(console.log, { level: "info", format: "json" }) });
 * ```
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { type Clock, realClock } from "../system.ts";
import { lineWriter, type LogFormat } from "./line_writer.ts";
import type { LogLevel } from "./log_lines.ts";
import { quietLog } from "./quiet_log.ts";

/** Options of a log. */
export interface LogOptions {
  /**
   * The least important lines to write. `debug` has lines for every page and checkpoint.
   *
   * @default {"info"}
   */
  readonly level?: LogLevel | undefined;
  /**
   * `"text"`, or `"json"`: one {@linkcode LogRecord} a line.
   *
   * @default {"text"}
   */
  readonly format?: LogFormat | undefined;
  /** The clock for the written times, for tests. */
  readonly clock?: Clock | undefined;
}

/**
 * A listener that puts events into lines. The same failure is written at most once a minute.
 *
 * @param write Gets each line, e.g. `console.error`. If it throws or rejects, the worker continues, and the
 * log says later how many lines are missing.
 * @throws {RangeError} for a level or a format that does not exist.
 */
export function logTo(write: (line: string) => void, options: LogOptions = {}): WorkerEventListener {
  const { level: least = "info", format = "text", clock = realClock } = options;
  check("level", least, ["debug", "info", "warning", "error"]);
  check("format", format, ["text", "json"]);
  return quietLog(clock, lineWriter(write, { clock, format: () => format, least: () => least }));
}

/** In JavaScript a misspelt level would write everything, or nothing. */
function check(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new RangeError(
    `Cannot make a log: expected ${name} to be one of ${allowed.join(", ")}: got "${value}"`,
  );
}
