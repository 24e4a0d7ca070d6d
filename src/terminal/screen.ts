// Pure.
/**
 * What a terminal or a pipe is to a command.
 *
 * @module
 */

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
  /** Waits until what was written is taken. @default it is taken at once */
  readonly drained?: (() => Promise<void>) | undefined;
  /** Calls when columns or rows have changed. @returns what ends that. */
  readonly onResize?: ((hear: () => void) => () => void) | undefined;
  /**
   * Calls `leave` before the terminal stops the program (Ctrl-Z), and `enter` when it goes on. @returns what
   * ends that.
   */
  readonly onSuspend?: ((leave: () => void, enter: () => void) => () => void) | undefined;
  /** Writes this when the process ends, by whatever way. @returns what calls it off. */
  readonly writeAtExit?: ((text: string) => () => void) | undefined;
}
