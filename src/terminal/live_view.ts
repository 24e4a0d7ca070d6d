/**
 * A view that is drawn again in place, on a screen of its own: the terminal's alternate screen. What was on
 * the terminal before is back when the view ends, by whatever way the program ends.
 *
 * Source: xterm's control sequences, invisible-island.net/xterm/ctlseqs (DECSET 1049, 25 and 7).
 *
 * @module
 */

import type { Screen } from "./screen.ts";
import { cutText } from "./text_width.ts";

/** A view that is drawn again and again. */
export interface LiveView {
  /** Shows these lines in place of those before. */
  show(lines: readonly string[]): void;
  /** Leaves the screen as it was found. */
  end(): void;
}

/** The alternate screen; no cursor; lines that are too long do not go on. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";

const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";

/** To the first line. Nothing is erased before it is written over, so that nothing flickers. */
const HOME = "\u001b[H";

const CLEAR_REST_OF_LINE = "\u001b[K";

const CLEAR_BELOW = "\u001b[J";

/** On a terminal. */
export class ScreenView implements LiveView {
  readonly #screen: Screen;
  readonly #write: (text: string) => void;
  readonly #onEnd: () => void;
  readonly #callOff: (() => void)[];
  #lines: readonly string[] = [];
  #hasEnded = false;

  /** @param write Writes to the screen and never throws. @param onEnd Called once, after the end. */
  constructor(screen: Screen, write: (text: string) => void, onEnd: () => void) {
    this.#screen = screen;
    this.#write = write;
    this.#onEnd = onEnd;
    this.#callOff = [
      screen.writeAtExit?.(LEAVE) ?? (() => {}),
      screen.onResize?.(() => this.#draw()) ?? (() => {}),
      screen.onSuspend?.(() => write(LEAVE), () => {
        write(ENTER);
        this.#draw();
      }) ?? (() => {}),
    ];
    write(ENTER);
  }

  show(lines: readonly string[]): void {
    this.#lines = lines;
    this.#draw();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const callOff of this.#callOff) callOff();
    this.#write(LEAVE);
    this.#onEnd();
  }

  #draw(): void {
    if (this.#hasEnded) return;
    const { columns = 80, rows = 24 } = { columns: this.#screen.columns(), rows: this.#screen.rows() };
    const lines = fittingLines(this.#lines, Math.max(1, rows))
      .map((line) => cutText(line, Math.max(1, columns)) + CLEAR_REST_OF_LINE);
    // No line break behind the last line: it would move everything up by one.
    this.#write(HOME + lines.join("\r\n") + CLEAR_BELOW);
  }
}

/** In a pipe: each time all lines, and an empty line between two times. */
export class PrintedView implements LiveView {
  readonly #print: (lines: readonly string[]) => void;
  #isFirst = true;

  constructor(print: (lines: readonly string[]) => void) {
    this.#print = print;
  }

  show(lines: readonly string[]): void {
    this.#print(this.#isFirst ? lines : ["", ...lines]);
    this.#isFirst = false;
  }

  end(): void {}
}

/** At most this many lines; the last one says how many are missing. */
export function fittingLines(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, rows - 1);
  return [...shown, `… and ${lines.length - shown.length} more`];
}
