/**
 * Sinks that are functions of the user's: one gets the letter, one gets lines of JSON.
 *
 * @module
 */

import { unlessAborted } from "../../async/waiting.ts";
import type { DeadLetter, DeadLetterSink } from "../dead_letter.ts";
import { documentText } from "./document.ts";
import { checkedBytes, type SinkOptions } from "./signed_sink.ts";

/** Options of {@linkcode linesSink}. */
export interface LinesSinkOptions extends SinkOptions {
  /** Names the place in messages. @default {"the function of linesSink()"} */
  readonly name?: string | undefined;
}

/** Longer than the largest batch of records: 10 MiB of them in base64. */
const MOST_BYTES = 16_777_216;

/**
 * Stores dead letters as lines of JSON. A line has at most 16 MiB, so that its records are always there.
 *
 * @param write Gets one line, without a line break. It resolves when the line is stored. When it throws or
 * rejects, the letter comes again.
 * @throws {RangeError} when `maxBytes` is out of range.
 */
export function linesSink(
  write: (line: string, signal: AbortSignal) => void | Promise<void>,
  options: LinesSinkOptions = {},
): DeadLetterSink {
  const { name = "the function of linesSink()" } = options;
  const maxBytes = checkedBytes(options.maxBytes, { defaultBytes: MOST_BYTES, mostBytes: MOST_BYTES }, name);
  return {
    name,
    async store(letter, { credentials, region }, signal) {
      const keys = await unlessAborted(credentials(signal), signal);
      const line = documentText(letter, {
        region,
        maxBytes,
        functionArn: options.functionArn,
        records: options.withRecords === false ? "none" : "list",
        secrets: [keys.secretAccessKey, keys.sessionToken],
      });
      await write(line, signal);
    },
  };
}

/**
 * Gives dead letters to a function, as they are.
 *
 * @param store Resolves when the letter is stored. When it throws or rejects, the letter comes again.
 * @param name Names the place in messages.
 */
export function functionSink(
  store: (letter: DeadLetter, signal: AbortSignal) => void | Promise<void>,
  name = "the function of functionSink()",
): DeadLetterSink {
  return { name, store: async (letter, _, signal) => await store(letter, signal) };
}
