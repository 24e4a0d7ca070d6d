/**
 * Reads dead letters back into a processor, one after the other: what succeeds is removed from its source,
 * what fails stays there.
 *
 * @module
 */

import type { RecordProcessorFactory } from "../../consumer/record_processor.ts";
import { errorText } from "../../errors.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { runLetter } from "./letter_run.ts";
import { type StoredLetter, storedLetter } from "./stored_letter.ts";

/** A letter where it is stored. */
export interface SourceLetter {
  /** Where it is, for people: a line, a key, a message's id. */
  readonly place: string;
  readonly text: string;
  /** Removes it for good. Undefined where nothing can be removed. */
  readonly remove: (() => Promise<void>) | undefined;
}

/** A place that dead letters are read from. */
export interface LetterSource {
  readonly name: string;
  /** Each letter once. A letter that is not removed is in its place again after `close()`. */
  letters(signal: AbortSignal): AsyncIterable<SourceLetter>;
  close(): Promise<void>;
}

/** What became of letters so far. */
export interface RedriveCounts {
  readonly processed: number;
  readonly failed: number;
  /** What is in the source and is no dead letter. */
  readonly unreadable: number;
  /** Records of the letters that were processed. */
  readonly records: number;
}

/** Something to report. */
export type RedriveStep =
  | { readonly type: "read"; readonly place: string; readonly letter: StoredLetter }
  | { readonly type: "unreadable"; readonly place: string; readonly reason: string }
  | { readonly type: "processed"; readonly place: string; readonly letter: StoredLetter }
  | {
    readonly type: "failed";
    readonly place: string;
    readonly letter: StoredLetter;
    readonly reason: string;
  };

/** What a redrive takes. */
export interface RedriveOptions {
  readonly source: LetterSource;
  /** Undefined: letters are only looked at. */
  readonly processor: RecordProcessorFactory | undefined;
  /** Fetches records that are not in the document. */
  readonly fetchRecords: (letter: StoredLetter, signal: AbortSignal) => Promise<readonly KinesisRecord[]>;
  /** The most letters that are read. */
  readonly max: number;
  readonly onStep: (step: RedriveStep, counts: RedriveCounts) => void;
}

/**
 * Redrives until the source has no more, `max` is reached, or the signal aborts. After an abort the letter
 * under way is finished.
 *
 * @throws {TypeError} when the processor stores its position with its results, and what the source throws,
 * when it cannot be read or a letter cannot be removed.
 */
export async function redrive(options: RedriveOptions, signal: AbortSignal): Promise<RedriveCounts> {
  const { source, max } = options;
  let counts: RedriveCounts = { processed: 0, failed: 0, unreadable: 0, records: 0 };
  let read = 0;
  try {
    if (options.processor?.stores === "transaction") throw new TypeError(NO_TRANSACTIONS);
    if (max === 0 || signal.aborted) return counts;
    for await (const stored of source.letters(signal)) {
      const { step, records } = await oneLetter(stored, options, signal);
      counts = {
        processed: counts.processed + Number(step.type === "processed"),
        failed: counts.failed + Number(step.type === "failed"),
        unreadable: counts.unreadable + Number(step.type === "unreadable"),
        records: counts.records + records,
      };
      options.onStep(step, counts);
      if (step.type === "processed") await stored.remove?.();
      if (++read >= max || signal.aborted) break;
    }
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    await source.close();
  }
  return counts;
}

const NO_TRANSACTIONS =
  "Cannot redrive: expected a processor that may get records in any order: got one that stores its position with its " +
  "results, which lies behind its dead letters: give it a processor of its own, whose writes may be repeated";

async function oneLetter(
  { place, text }: SourceLetter,
  { processor, fetchRecords }: RedriveOptions,
  signal: AbortSignal,
): Promise<{ readonly step: RedriveStep; readonly records: number }> {
  let letter: StoredLetter;
  try {
    letter = storedLetter(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { step: { type: "unreadable", place, reason: error.message }, records: 0 };
  }
  if (processor === undefined) return { step: { type: "read", place, letter }, records: 0 };
  try {
    const records = letter.records ?? await fetchRecords(letter, signal);
    await runLetter(letter, records, processor, signal);
    return { step: { type: "processed", place, letter }, records: records.length };
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw error;
    return { step: { type: "failed", place, letter, reason: errorText(error) }, records: 0 };
  }
}
