/**
 * Dead letters in a file, for Deno, Node.js and Bun: one line of JSON each.
 *
 * ```ts
 * import { fileSink } from "@kclite/kclite/failures/file";
 *
 * const sink = fileSink("/var/lib/orders/dead.jsonl");
 * ```
 *
 * `kclite redrive` reads such a file back. See docs/dead-letters.md.
 *
 * @module
 */

import { appendLine } from "../../host/line_file.ts";
import type { DeadLetterSink } from "../dead_letter.ts";
import { linesSink } from "../letters/lines_sink.ts";
import type { SinkOptions } from "../letters/signed_sink.ts";

export type { DeadLetter, DeadLetterSink, SinkConnection } from "../dead_letter.ts";
export type { SinkOptions } from "../letters/signed_sink.ts";

/**
 * Appends dead letters to a file. A letter counts as stored when its line is on the disk. A file that is not
 * there is made, readable for this user alone; its folder must be there. Several processes of one machine may
 * share the file; a disk of one's own is lost with the machine.
 *
 * @param path A relative one starts at the working directory.
 * @throws {TypeError} when the path is empty; {@link RangeError} when `maxBytes` is out of range.
 */
export function fileSink(path: string, options: SinkOptions = {}): DeadLetterSink {
  if (path === "") throw new TypeError('Cannot use a file for dead letters: expected a path: got ""');
  const { maxBytes, withRecords, functionArn } = options;
  // One after the other, so that lines do not mix and none is seen half written.
  let last: Promise<unknown> = Promise.resolve();
  return linesSink((line) => {
    const written = last.then(() => appendLine(path, line)).catch((error) => {
      throw new Error(`Cannot store a dead letter in ${JSON.stringify(path)}: ${adviceOf(error)}`, {
        cause: error,
      });
    });
    last = written.catch(() => {});
    return written;
  }, { name: path, maxBytes, withRecords, functionArn });
}

function adviceOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return "its folder does not exist: create it";
    case "EISDIR":
      return "it is a folder: name a file in it";
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ERR_ACCESS_DENIED":
      return "this user may not write it";
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    default:
      return error instanceof Error && error.name === "NotCapable"
        ? "the runtime does not permit it: allow --allow-read and --allow-write for it"
        : "it cannot be written";
  }
}
