/**
 * The standard output as a screen, and the standard input as bytes.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";

/** What the standard output is. */
export interface StandardScreen {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: () => number | undefined;
  readonly rows: () => number | undefined;
  readonly closed: AbortSignal;
  readonly drained: () => Promise<void>;
  readonly onResize: (hear: () => void) => () => void;
  readonly onSuspend: (leave: () => void, enter: () => void) => () => void;
  readonly writeAtExit: (text: string) => () => void;
}

/** The standard output. */
export function standardScreen(): StandardScreen {
  const { stdout } = process;
  const closed = new AbortController();
  // Deno and Node report a reader that has ended by this event, each some time after the write.
  stdout.on("error", () => closed.abort());
  stdout.on("close", () => closed.abort());
  return {
    write: (text) => void stdout.write(text),
    isTerminal: stdout.isTTY === true,
    columns: () => stdout.isTTY ? sizeOf(stdout.columns) : undefined,
    rows: () => stdout.isTTY ? sizeOf(stdout.rows) : undefined,
    closed: closed.signal,
    drained: () =>
      new Promise((resolve) => {
        if (!stdout.writableNeedDrain || closed.signal.aborted) return resolve();
        const done = () => {
          stdout.off("drain", done);
          closed.signal.removeEventListener("abort", done);
          resolve();
        };
        stdout.on("drain", done);
        closed.signal.addEventListener("abort", done);
      }),
    onResize: (hear) => {
      stdout.on("resize", hear);
      return () => void stdout.off("resize", hear);
    },
    onSuspend: (leave, enter) => {
      // There are no such signals.
      if (process.platform === "win32") return () => {};
      const suspend = () => {
        leave();
        // What the terminal's own signal does to a program that does not listen to it.
        process.kill(process.pid, "SIGSTOP");
      };
      process.on("SIGTSTP", suspend);
      process.on("SIGCONT", enter);
      return () => {
        process.off("SIGTSTP", suspend);
        process.off("SIGCONT", enter);
      };
    },
    writeAtExit: (text) => {
      const write = () => {
        try {
          writeSync(1, text);
        } catch {
          // The terminal is gone, and what was on it.
        }
      };
      process.on("exit", write);
      return () => void process.off("exit", write);
    },
  };
}

/** How wide the terminal of the standard error is. Undefined when it is none. */
export function errorColumns(): number | undefined {
  return process.stderr.isTTY ? sizeOf(process.stderr.columns) : undefined;
}

/** The standard input, to its end. */
export function standardInput(): AsyncIterable<Uint8Array> {
  return process.stdin;
}

/** A terminal that does not know its size says 0. */
function sizeOf(count: number | undefined): number | undefined {
  return count === 0 ? undefined : count;
}
