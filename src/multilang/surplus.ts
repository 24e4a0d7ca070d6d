// Pure.
/**
 * Decides what is shown of a child's stdout once its session is over. A child may print thousands of messages
 * before a signal ends it. They have no reader, so they are counted. Its other last lines, such as a stack
 * trace, are shown.
 *
 * @module
 */

import type { ChildMessage } from "./child_line.ts";

/** The most lines that are shown of one child. Ours: room for a stack trace. */
const MAX_SHOWN = 50;

/** What one child prints after the end of its session. */
export class Surplus {
  #shown = 0;
  #messages = 0;
  #lines = 0;

  /** Counts a line. @returns Whether it is shown: the first few that are no messages. */
  isShown(message: ChildMessage | undefined): boolean {
    if (message !== undefined) this.#messages++;
    else if (this.#shown < MAX_SHOWN) {
      this.#shown++;
      return true;
    } else this.#lines++;
    return false;
  }

  /** What was not shown; undefined for nothing. */
  text(): string | undefined {
    const parts = [[this.#messages, "message"], [this.#lines, "more line"]] as const;
    const counted = parts.flatMap(([count, what]) =>
      count === 0 ? [] : [`${count} ${what}${count === 1 ? "" : "s"}`]
    );
    return counted.length === 0 ? undefined : `${counted.join(" and ")} after the end of its session`;
  }
}
