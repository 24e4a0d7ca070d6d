/**
 * Passes a child's stderr on as text: immediately as it arrives, and line by line for the log.
 *
 * Java holds a line back until its newline. AWS's own Python sample writes none, so that nothing shows until
 * the child has ended, and memory grows until then. Here a line without an end is passed on after a second,
 * or after 64 KiB.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import { LineCutter } from "./lines.ts";
import { settlesWithin } from "../async/waiting.ts";

/** The receiver of a child's stderr. */
export interface StderrTarget {
  /** Gets everything, immediately. An incomplete character waits for its other bytes. */
  readonly text: (text: string) => void;
  /** Gets each line, without its end; a long one in pieces. Empty lines are left out. */
  readonly line: (text: string) => void;
}

/** Relays until the stream ends or fails. Never rejects: a pipe that breaks has nothing more to say. */
export async function relayStderr(
  stderr: AsyncIterable<Uint8Array>,
  target: StderrTarget,
  clock: Clock,
): Promise<void> {
  const decoder = new TextDecoder();
  // A decoder of its own: the part of a character that it keeps belongs to the next bytes.
  const streaming = new TextDecoder();
  const cutter = new LineCutter(MAX_LINE_BYTES);
  const tell = (lines: readonly Uint8Array[]) =>
    lines.flatMap((line) => piecesOf(decoder.decode(line))).forEach((text) => target.line(text));
  const pass = (text: string) => text === "" ? undefined : target.text(text);
  const reader = stderr[Symbol.asyncIterator]();
  let dueMs = Infinity;
  try {
    for (let next = reader.next();; next = reader.next()) {
      if (cutter.pendingBytes > 0 && !await settlesWithin(next, dueMs - clock.monotonicMs(), clock)) {
        tell(cutter.flush());
      }
      const { done, value } = await next;
      if (done === true) break;
      pass(streaming.decode(value, { stream: true }));
      if (cutter.pendingBytes === 0) dueMs = clock.monotonicMs() + PARTIAL_LINE_MS;
      tell(cutter.push(value));
    }
  } catch {
    // The child has ended, or our end of the pipe was closed.
  }
  pass(streaming.decode());
  tell(cutter.flush());
}

/** The bound on memory. */
const MAX_LINE_BYTES = 64 * 1024;
/** The longest text given at a time, in UTF-16 units: a line of the log shows a thousand. */
const MAX_TEXT_LENGTH = 800;
/** How long a line may wait for its end. */
const PARTIAL_LINE_MS = 1000;

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += MAX_TEXT_LENGTH) pieces.push(text.slice(at, at + MAX_TEXT_LENGTH));
  return pieces;
}
