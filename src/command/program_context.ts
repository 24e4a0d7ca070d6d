/**
 * What a run of the command line takes from its process, and what the parts of one run share.
 *
 * @module
 */

import type { Lookup } from "../aws/credentials.ts";
import type { RunCommand } from "../host/arguments.ts";
import type { UncaughtListener } from "../host/uncaught.ts";
import type { LineWriter, LogFormat } from "../observe/line_writer.ts";
import type { LogLevel, LogLine } from "../observe/log_lines.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { System } from "../system.ts";
import type { Screen } from "../terminal/terminal.ts";

/** What a command line program takes from its process. */
export interface Host {
  /** Prints a line of what was asked for (`--help`, `--version`). */
  readonly out: (line: string) => void;
  /** Prints a line of the log. */
  readonly err: (line: string) => void;
  /**
   * Prints what child processes complain, where the log does not: text in pieces, with line breaks of its
   * own.
   */
  readonly childStderr: (text: string) => void;
  /** Whether `childStderr` writes to a terminal. @default {false} */
  readonly isTerminal?: boolean | undefined;
  /** Where commands show their results. @default lines by `out`, which is no terminal */
  readonly screen?: Screen | undefined;
  /** What is typed or piped in, read only by commands that take it. @default nothing */
  readonly input?: (() => AsyncIterable<Uint8Array>) | undefined;
  /** Looks up environment variables. */
  readonly env: Lookup;
  /** Their names, as far as they may be seen. */
  readonly envNames: readonly string[];
  /** Aborts when the program is to stop in order. */
  readonly signal: AbortSignal;
  /**
   * Lets the program hear of rejections and exceptions that nobody handles.
   *
   * @default they end the process, as the runtime has it
   */
  readonly uncaught?: ((hear: UncaughtListener) => void) | undefined;
  /**
   * Lets the program say itself that a signal stops it.
   *
   * @default the process prints it
   */
  readonly stopping?: ((hear: (signalName: string) => void) => void) | undefined;
  /** Beats all that properties say: another system, a simulated Kinesis, a listener. */
  readonly options?: Partial<WorkerOptions>;
}

/** What the parts of one run share. */
export interface ProgramContext {
  readonly command: RunCommand;
  readonly host: Host;
  readonly system: System;
  /** For addresses of this machine, which no proxy must see. */
  readonly directFetch: System["fetch"];
  readonly log: LineWriter;
  /** The least level that the log shows. */
  readonly leastLevel: () => LogLevel;
  readonly logFormat: () => LogFormat;
  /** Takes what is odd about the configuration. It is logged after the first line, which says what runs. */
  readonly notices: LogLine[];
  /** Aborted with the error by which the run must end. */
  readonly failure: AbortController;
}
