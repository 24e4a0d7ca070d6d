/**
 * Begins a run of the command line: its log, whose level and format are known only once the configuration is
 * read, and what its parts share.
 *
 * @module
 */

import { directFetch } from "../host/direct_fetch.ts";
import type { RunCommand } from "../host/arguments.ts";
import { lineWriter, type LogFormat } from "../observe/line_writer.ts";
import type { LogLevel } from "../observe/log_lines.ts";
import { realSystem } from "../system.ts";
import type { Host, ProgramContext } from "./program_context.ts";

/** What a run begins with. */
export interface ProgramStart {
  readonly context: ProgramContext;
  /** Sets how the log is written from now on. */
  readonly setLog: (level: LogLevel, format: LogFormat) => void;
}

/** @param print Takes the lines of the log. @default {host.err} */
export function startProgram(
  command: RunCommand,
  host: Host,
  level: LogLevel,
  print: (line: string) => void = host.err,
): ProgramStart {
  const system = host.options?.system ?? realSystem;
  let least = level, format: LogFormat = "text";
  const leastLevel = () => least, logFormat = () => format;
  return {
    context: {
      command,
      host,
      system,
      directFetch: host.options?.system?.fetch ?? directFetch,
      log: lineWriter(print, { clock: system.clock, least: leastLevel, format: logFormat }),
      leastLevel,
      logFormat,
      notices: [],
      failure: new AbortController(),
    },
    setLog: (newLevel, newFormat) => {
      least = newLevel;
      format = newFormat;
    },
  };
}
