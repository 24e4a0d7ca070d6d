/**
 * A block of lines that is redrawn in place on a terminal, below the log lines that scroll by; elsewhere plain lines.
 *
 * @module
 */

/** Where the demo prints. */
export class Screen {
  readonly #isTerminal: boolean;
  readonly #print: (text: string) => void;
  #block: readonly string[] = [];

  /** @param print Prints text as it is, without a line end. */
  constructor(isTerminal: boolean, print: (text: string) => void) {
    this.#isTerminal = isTerminal;
    this.#print = print;
  }

  /** A line that stays. */
  log(line: string): void {
    this.#erase();
    this.#print(`${line}\n`);
    this.#draw();
  }

  /** Replaces the block. Away from a terminal only its first line is printed: the rest would be a flood. */
  show(lines: readonly string[]): void {
    if (!this.#isTerminal) return this.#print(`${lines[0] ?? ""}\n`);
    this.#erase();
    this.#block = lines;
    this.#draw();
  }

  /** Leaves the block where it is; what follows is printed below. */
  end(): void {
    this.#block = [];
  }

  #erase(): void {
    // Up to the block's first line, and all below it cleared.
    if (this.#block.length > 0) this.#print(`\x1b[${this.#block.length}A\x1b[J`);
  }

  #draw(): void {
    if (this.#block.length > 0) this.#print(this.#block.join("\n") + "\n");
  }
}
