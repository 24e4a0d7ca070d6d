/**
 * What programs complain on their stderr, where the log does not show it: as it is, or as lines of a log in
 * JSON, of which each line must be one object.
 *
 * @module
 */

import { printable } from "../observe/one_line.ts";
import type { ProgramContext } from "./program_context.ts";

/** A line without an end is shown in pieces of this length, in UTF-16 units. */
const MAX_LINE_LENGTH = 8000;

/** Takes text in pieces, with line breaks of its own. It never throws. */
export function childOutput(
  { host, log, leastLevel, logFormat }: Pick<ProgramContext, "host" | "log" | "leastLevel" | "logFormat">,
): (text: string) => void {
  let rest = "";
  return (text) => {
    if (logFormat() === "json") {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE_LENGTH) {
        lines.push(rest);
        rest = "";
      }
      for (const line of lines) if (line.trim() !== "") log({ level: leastLevel(), text: line });
      return;
    }
    try {
      host.childStderr(printable(text));
    } catch {
      // What cannot be printed is no reason to stop reading: the program would wait for us.
    }
  };
}
