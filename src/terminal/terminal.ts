/**
 * What a command shows to people: lines on a terminal or in a pipe, colours, progress, and a view that is
 * drawn again in place.
 *
 * @module
 */

import type { Clock } from "../system.ts";

/** Where a command shows its results. */
export interface Screen {
  /** Writes text as it is. It may throw when nobody reads it. */
  readonly write: (text: string) => void;
  /** Whether a person sees it. */
  readonly isTerminal: boolean;
  /** How many columns a line has now. Undefined in a pipe. */
  readonly columns: () => number | undefined;
  /** How many lines are seen at once. Undefined in a pipe. */
  readonly rows: () => number | undefined;
  /** Aborts when nobody reads what is written. */
  readonly closed: AbortSignal;
}

/** What a {@linkcode Terminal} writes to. */
export interface TerminalOptions {
  readonly screen: Screen;
  /** Takes progress: lines in a pipe, a bar on a terminal. */
  readonly writeProgress: (text: string) => void;
  /** Whether `writeProgress` writes to a terminal. */
  readonly isProgressSeen: boolean;
  /** From NO_COLOR and the kind of screen. */
  readonly hasColour: boolean;
  readonly clock: Clock;
}

/** A colour by its meaning. */
export type Tone = "good" | "warning" | "bad" | "dim" | "bold";

/** Work that takes its time. */
export interface Progress {
  /** @param total Undefined while it is not known. */
  update(done: number, total: number | undefined): void;
  /** Removes the bar from a terminal. */
  end(): void;
}

/** A view that is drawn again and again. */
export interface LiveView {
  /** Shows these lines in place of those before. */
  show(lines: readonly string[]): void;
  /** Leaves the screen as it was found. */
  end(): void;
}

/** One place for all that a command prints. */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #closed = new AbortController();

  constructor(options: TerminalOptions) {
    this.#options = options;
    options.screen.closed.addEventListener("abort", () => this.#closed.abort(), { once: true });
  }

  /** Aborts when nobody reads any more, as with `| head`. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get isTerminal(): boolean {
    return this.#options.screen.isTerminal;
  }

  /** How wide a line may be; Infinity in a pipe. */
  get columns(): number {
    return this.#options.screen.columns() ?? Infinity;
  }

  /** Prints whole lines. Control characters must be gone already. */
  print(...lines: readonly string[]): void {
    try {
      this.#options.screen.write(lines.map((line) => `${line}\n`).join(""));
    } catch {
      this.#closed.abort();
    }
  }

  /** In a colour, where there are colours. */
  paint(_tone: Tone, text: string): string {
    return text;
  }

  /** @param what Is under way, e.g. `Reading leases`. @param _unit Is counted, e.g. `lease`. */
  progress(_what: string, _unit: string): Progress {
    return { update: () => {}, end: () => {} };
  }

  /** Begins a view. */
  live(): LiveView {
    return { show: (lines) => this.print(...lines), end: () => {} };
  }
}
