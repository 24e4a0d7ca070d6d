/**
 * The standard output as a screen, and the standard input as bytes.
 *
 * @module
 */

import process from "node:process";

/** What the standard output is. */
export interface StandardScreen {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: () => number | undefined;
  readonly rows: () => number | undefined;
  readonly closed: AbortSignal;
}

/** The standard output. */
export function standardScreen(): StandardScreen {
  const { stdout } = process;
  const closed = new AbortController();
  stdout.on("error", () => closed.abort());
  return {
    write: (text) => void stdout.write(text),
    isTerminal: stdout.isTTY === true,
    columns: () => stdout.isTTY ? stdout.columns : undefined,
    rows: () => stdout.isTTY ? stdout.rows : undefined,
    closed: closed.signal,
  };
}

/** The standard input, to its end. */
export function standardInput(): AsyncIterable<Uint8Array> {
  return process.stdin;
}
