/**
 * Lets a program continue when nothing can be printed: the disk is full, or the reader of its output has
 * ended. Java and Node then drop the output. Deno throws, also in the middle of a user's `processRecords`.
 * Node and Deno end the process by an `error` event of a broken pipe.
 *
 * @module
 */

import process from "node:process";

/** Prints as the runtime does, and throws if it cannot. */
export interface Printers {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

/**
 * Guards the console and the standard streams of this process, for the rest of its life.
 *
 * @returns The console as it was.
 */
export function guardConsole(): Printers {
  const { log, error } = console;
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  for (const name of ["debug", "error", "info", "log", "warn"] as const) {
    const print = console[name];
    console[name] = (...data: unknown[]) => {
      try {
        print.apply(console, data);
      } catch {
        // There is nowhere left to report it.
      }
    };
  }
  return { out: (line) => log.call(console, line), err: (line) => error.call(console, line) };
}
