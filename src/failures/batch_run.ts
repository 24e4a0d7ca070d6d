// Pure.
/**
 * What becomes of one batch, call after call: a state machine. It says what to call the processor with next,
 * and takes what came of it.
 *
 * A batch is a stack of pieces, the leftmost on top. The one thing to get wrong is what a failure costs. A
 * failed call of several records that is split costs no attempt: the halves have as many as the whole had. A
 * partial answer that gets on starts a new count for the rest, in which its failure is the first; with
 * "bisect" that is a split too.
 *
 * Source: AWS Lambda's guide on Kinesis. Where it is silent, docs/failures.md says what is ours.
 *
 * @module
 */

import { isOfClass, isOfStore, RecordDecodeError } from "../errors.ts";
import type { DeadLetterCondition } from "./dead_letter.ts";
import type { ErrorSettings } from "./failure_options.ts";

/** What a run reads of the policy. */
export type RunRules = Pick<ErrorSettings, "attempts" | "split" | "maxAgeMs">;

/** Records of a batch that go to the processor together. */
export interface Piece<T> {
  /** In order, one at least. */
  readonly items: readonly T[];
  /** The failures that count. */
  readonly failures: number;
  /** How often the processor was called with them, alone or with others. */
  readonly calls: number;
  /** What the last of these calls threw. */
  readonly error: unknown;
  /** Whether trying again cannot help. */
  readonly isHopeless?: boolean;
}

/** What comes next. */
export type Step<T> =
  | { readonly type: "call"; readonly piece: Piece<T> }
  /** Give these up, then say `finished()`. */
  | { readonly type: "giveUp"; readonly piece: Piece<T>; readonly condition: DeadLetterCondition }
  | { readonly type: "done" };

/** What a failure leads to. */
export type FailureOutcome = "retrying" | "split" | "givenUp";

/** A failure, judged. */
export interface Judged {
  readonly outcome: FailureOutcome;
  /** Failures in a row of what is called next, for the pause before it; at least 1. */
  readonly inARow: number;
}

/** One batch, until each of its records is finished. */
export class BatchRun<T> {
  readonly #rules: RunRules;
  readonly #arrivalMs: (item: T) => number;
  /** The next one last. */
  #pieces: readonly Piece<T>[];

  /** @param arrivalMs When Kinesis took the record, in ms since 1970. */
  constructor(piece: Piece<T>, rules: RunRules, arrivalMs: (item: T) => number) {
    this.#pieces = piece.items.length === 0 ? [] : [piece];
    this.#rules = rules;
    this.#arrivalMs = arrivalMs;
  }

  /** What is left, the next one last. */
  get pieces(): readonly Piece<T>[] {
    return this.#pieces;
  }

  /** Forgets records that others look after from now on. */
  drop(isOthers: (item: T) => boolean): void {
    this.#pieces = this.#pieces.map((piece) => ({
      ...piece,
      items: piece.items.filter((item) => !isOthers(item)),
    })).filter(({ items }) => items.length > 0);
  }

  /** @param epochMs Wall time, as Kinesis stamps its records. */
  next(epochMs: number): Step<T> {
    const piece = this.#pieces.at(-1);
    if (piece === undefined) return { type: "done" };
    const { attempts, maxAgeMs } = this.#rules;
    if (piece.isHopeless === true) return { type: "giveUp", piece, condition: "DecodeFailed" };
    if (piece.failures > attempts) return { type: "giveUp", piece, condition: "RetryAttemptsExhausted" };
    // Only the beginning: a younger record in between would be passed by.
    const young = piece.items.findIndex((item) => epochMs - this.#arrivalMs(item) <= maxAgeMs);
    if (young === 0) return { type: "call", piece };
    const expired = young < 0 ? piece : { ...piece, items: piece.items.slice(0, young) };
    return { type: "giveUp", piece: expired, condition: "RecordAgeExceeded" };
  }

  /** The first `count` records of the present piece are finished. */
  finished(count: number): void {
    const piece = this.#pieces.at(-1);
    if (piece === undefined || count === 0) return;
    const items = piece.items.slice(count);
    this.#replace(items.length === 0 ? [] : [{ ...piece, items }]);
  }

  /**
   * The call failed.
   *
   * @param from How many records at the beginning are done all the same, as a partial answer says.
   * @param isAlone Whether the record after them failed alone, and the later ones were not tried. It goes on
   * alone, whatever `split` says, and they begin anew. A record that cannot be decoded is given up.
   */
  failed(error: unknown, from = 0, isAlone = false): Judged {
    const piece = this.#pieces.at(-1);
    const { attempts, split } = this.#rules;
    if (piece === undefined) return { outcome: "retrying", inARow: 1 };
    const items = piece.items.slice(from);
    const called = { ...piece, items, calls: piece.calls + 1, error };
    const isBisected = split === "bisect";
    if (items.length === 0) {
      this.#replace([]);
      return { outcome: "retrying", inARow: 1 };
    }
    if (isOfStore(error)) {
      this.#replace([called]);
      return { outcome: "retrying", inARow: called.calls };
    }
    const failures = from > 0 ? 1 : piece.failures + 1;
    if (isAlone) {
      const later = { items: items.slice(1), failures: 0, calls: 0, error: undefined };
      const isHopeless = isOfClass(error, RecordDecodeError);
      const alone = { ...called, items: items.slice(0, 1), failures, isHopeless };
      this.#replace(later.items.length === 0 ? [alone] : [later, alone]);
      return { outcome: isHopeless || failures > attempts ? "givenUp" : "retrying", inARow: failures };
    }
    if (from > 0 && isBisected) {
      this.#replace([called]);
      return { outcome: "split", inARow: 1 };
    }
    if (items.length > 1 && isBisected) {
      // Of an odd number the left half has one more.
      const middle = Math.ceil(items.length / 2);
      const left = { ...called, items: items.slice(0, middle) };
      this.#replace([{ ...called, items: items.slice(middle) }, left]);
      return { outcome: "split", inARow: 1 };
    }
    this.#replace([{ ...called, failures }]);
    return { outcome: failures > attempts ? "givenUp" : "retrying", inARow: failures };
  }

  #replace(pieces: readonly Piece<T>[]): void {
    this.#pieces = [...this.#pieces.slice(0, -1), ...pieces];
  }
}
