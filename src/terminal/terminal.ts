/**
 * What a command shows to people: lines on a terminal or in a pipe, colours, progress, and a view that is
 * drawn again in place.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import { type LiveView, PrintedView, ScreenView } from "./live_view.ts";
import { type Progress, ProgressLine } from "./progress_line.ts";
import type { Screen } from "./screen.ts";
import { paintedText, type Tone } from "./text_width.ts";

export type { LiveView } from "./live_view.ts";
export type { Progress } from "./progress_line.ts";
export type { Screen } from "./screen.ts";
export type { Tone } from "./text_width.ts";

/** What a {@linkcode Terminal} writes to. */
export interface TerminalOptions {
  readonly screen: Screen;
  /** Takes progress: lines in a pipe, a bar on a terminal. */
  readonly writeProgress: (text: string) => void;
  /** Whether `writeProgress` writes to a terminal, on which a line can be drawn again. */
  readonly isProgressSeen: boolean;
  /** How wide that terminal is. @default as wide as the screen, or 80 */
  readonly progressColumns?: (() => number | undefined) | undefined;
  /** From NO_COLOR and the kind of screen. */
  readonly hasColour: boolean;
  readonly clock: Clock;
}

/** What others print while a view is shown waits. Of more lines than this the oldest are dropped. */
const MOST_WAITING = 100;

/** One place for all that a command prints. */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #closed = new AbortController();
  /** The last one is drawn. */
  readonly #progress: ProgressLine[] = [];
  #view: LiveView | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: TerminalOptions) {
    this.#options = options;
    const { closed } = options.screen;
    if (closed.aborted) this.#closed.abort();
    else closed.addEventListener("abort", () => this.#closed.abort(), { once: true });
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
    this.printLines(lines);
  }

  /** The same, for more lines than a call takes as arguments. */
  printLines(lines: readonly string[]): void {
    if (lines.length > 0) this.#write(`${lines.join("\n")}\n`);
  }

  /** Waits until the reader has taken what was printed, so that a slow one holds up who prints. */
  async drained(): Promise<void> {
    if (!this.closed.aborted) await this.#options.screen.drained?.();
  }

  /** In a colour, where there are colours. */
  paint(tone: Tone, text: string): string {
    return this.#options.hasColour ? paintedText(tone, text) : text;
  }

  /** @param what Is under way, e.g. `Reading leases`. @param unit Is counted, e.g. `lease`. */
  progress(what: string, unit: string): Progress {
    const { clock, writeProgress, isProgressSeen, progressColumns, screen } = this.#options;
    const progress: ProgressLine = new ProgressLine({
      what,
      unit,
      clock,
      write: writeProgress,
      isBar: isProgressSeen,
      columns: () => (progressColumns ?? screen.columns)() ?? 80,
      isInFront: () => this.#view === undefined && this.#progress.at(-1) === progress,
      onEnd: () => void this.#progress.splice(this.#progress.indexOf(progress), 1),
    });
    this.#hideProgress();
    this.#progress.push(progress);
    return progress;
  }

  /** Begins a view. */
  live(): LiveView {
    this.#view?.end();
    const { screen } = this.#options;
    if (!screen.isTerminal) return new PrintedView((lines) => this.printLines(lines));
    this.#hideProgress();
    const view = new ScreenView(screen, (text) => this.#write(text), () => {
      this.#view = undefined;
      for (const write of this.#waiting.splice(0)) write();
    });
    return this.#view = view;
  }

  /** Lets others write to the terminal: bars are removed first, and a view must have ended. */
  aside(write: () => void): void {
    this.#hideProgress();
    if (this.#view === undefined || !this.#options.isProgressSeen) return write();
    this.#waiting = [...this.#waiting, write].slice(-MOST_WAITING);
  }

  /** Ends what is still shown: bars, and a view. */
  end(): void {
    for (const progress of [...this.#progress]) progress.end();
    this.#view?.end();
  }

  #hideProgress(): void {
    for (const progress of this.#progress) progress.hide();
  }

  #write(text: string): void {
    if (this.closed.aborted) return;
    if (this.#progress.length > 0) this.#hideProgress();
    try {
      this.#options.screen.write(text);
    } catch {
      this.#closed.abort();
    }
  }
}
