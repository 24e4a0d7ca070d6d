/**
 * A block of lines that is redrawn in place on a terminal, below the lines that stay; elsewhere plain lines.
 *
 * @module
 */

/** What a screen is made of. */
export interface ScreenOptions {
  /** The terminal's size now; undefined: there is no terminal. */
  readonly size: () => { readonly columns: number; readonly rows: number } | undefined;
  /** Prints text as it is, without a line end. */
  readonly print: (text: string) => void;
}

/** Lines that stay take at least this many rows above the block. */
const ROWS_ABOVE = 4;

/** Where the demo prints. */
export class Screen {
  readonly #options: ScreenOptions;
  #block: readonly string[] = [];

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** Whether lines can be drawn again. */
  get isTerminal(): boolean {
    return this.#options.size() !== undefined;
  }

  /**
   * A line that stays.
   *
   * @param head What stands before it; where the line is broken, the rest is as far to the right.
   */
  log(line: string, head = ""): void {
    const size = this.#options.size();
    const lines = size === undefined ? [line] : wrapped(line, size.columns - 1 - head.length);
    this.#erase();
    lines.forEach((part, i) => this.#options.print(`${i === 0 ? head : " ".repeat(head.length)}${part}\n`));
    this.#draw();
  }

  /** Replaces the block. Away from a terminal only its first line is printed: the rest would be a flood. */
  show(lines: readonly string[]): void {
    const size = this.#options.size();
    if (size === undefined) return this.#options.print(`${lines[0] ?? ""}\n`);
    this.#erase();
    this.#block = fitting(["", ...lines], size);
    this.#draw();
  }

  /** Takes the block away; what follows is printed in its place. */
  end(): void {
    this.#erase();
    this.#block = [];
  }

  #erase(): void {
    // Up to the block's first line, and all below it cleared.
    if (this.#block.length > 0) this.#options.print(`\x1b[${this.#block.length}A\x1b[J`);
  }

  #draw(): void {
    if (this.#block.length > 0) this.#options.print(this.#block.join("\n") + "\n");
  }
}

/** Lines cut so that none is broken by the terminal, and so few that the first can still be reached. */
function fitting(
  lines: readonly string[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const most = Math.max(2, rows - ROWS_ABOVE);
  const rest = lines.length - most + 1;
  const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), `and ${rest} more lines`];
  return shown.map((line) => line.slice(0, columns - 1));
}

/** A text broken between words. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
