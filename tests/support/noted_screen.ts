/**
 * A terminal that notes the bytes that it is sent, and shows what people would see.
 *
 * @module
 */

import { Terminal, type TerminalOptions } from "../../src/terminal/terminal.ts";
import { FakeClock } from "./fake_clock.ts";

/** See the module. */
export class NotedScreen {
  readonly clock: FakeClock = new FakeClock();
  readonly #closed = new AbortController();
  readonly #resized = new Set<() => void>();
  columns: number | undefined;
  rows: number | undefined;
  /** All that was written to the screen. */
  written = "";
  /** All that was written as progress. */
  progress = "";
  /** What would be written if the process ended now. */
  readonly atExit: Set<string> = new Set<string>();
  /** What Ctrl-Z and going on do; undefined while nobody listens. */
  suspended: { readonly leave: () => void; readonly enter: () => void } | undefined;
  readonly terminal: Terminal;

  /** @param columns Undefined for a pipe. */
  constructor(columns: number | undefined, rows: number = 24, more: Partial<TerminalOptions> = {}) {
    this.columns = columns;
    this.rows = columns === undefined ? undefined : rows;
    this.terminal = new Terminal({
      screen: {
        write: (text) => void (this.written += text),
        isTerminal: columns !== undefined,
        columns: () => this.columns,
        rows: () => this.rows,
        closed: this.#closed.signal,
        onResize: (hear) => {
          this.#resized.add(hear);
          return () => void this.#resized.delete(hear);
        },
        onSuspend: (leave, enter) => {
          this.suspended = { leave, enter };
          return () => void (this.suspended = undefined);
        },
        writeAtExit: (text) => {
          this.atExit.add(text);
          return () => void this.atExit.delete(text);
        },
      },
      writeProgress: (text) => void (this.progress += text),
      isProgressSeen: columns !== undefined,
      hasColour: columns !== undefined,
      clock: this.clock,
      ...more,
    });
  }

  /** Makes the terminal another size. */
  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    for (const hear of this.#resized) hear();
  }

  /** Ends the reader. */
  close(): void {
    this.#closed.abort();
  }

  /** The lines that are seen of what was written since the screen was entered. */
  get seen(): readonly string[] {
    const frame = this.written.split("\u001b[H").at(-1) ?? "";
    // deno-lint-ignore no-control-regex -- a sequence begins with a control character
    return frame.replace(/\u001b\[[\d;?]*[A-Za-z]/g, "").split("\r\n");
  }
}
