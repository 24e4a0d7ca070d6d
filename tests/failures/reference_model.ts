/**
 * What becomes of one batch, from the first call to the last: Lambda's rules as one recursive function, to compare the state
 * machine and the whole delivery with. It knows no events, lanes or checkpoints.
 *
 * @module
 */

import type { RunRules } from "../../src/failures/batch_run.ts";

/** One thing that happens to records of a batch. */
export type Happening<T> =
  | { readonly type: "called" | "processed"; readonly items: readonly T[] }
  | {
    readonly type: "givenUp";
    readonly items: readonly T[];
    readonly condition: "RetryAttemptsExhausted" | "RecordAgeExceeded";
  };

/**
 * Runs the model.
 *
 * @param call Makes a call. Returns how many records at the beginning are done; all of them: it succeeded.
 * @param isTooOld Asked before each call.
 */
export function reference<T>(
  batch: readonly T[],
  { attempts, split }: Pick<RunRules, "attempts" | "split">,
  call: (items: readonly T[]) => number,
  isTooOld: (item: T) => boolean,
): readonly Happening<T>[] {
  const happened: Happening<T>[] = [];
  const giveUp = (items: readonly T[], condition: "RetryAttemptsExhausted" | "RecordAgeExceeded") =>
    items.length > 0 && happened.push({ type: "givenUp", items, condition });
  const run = (given: readonly T[], failures: number): unknown => {
    if (failures > attempts) return giveUp(given, "RetryAttemptsExhausted");
    const young = given.findIndex((item) => !isTooOld(item));
    giveUp(young < 0 ? given : given.slice(0, young), "RecordAgeExceeded");
    const items = young < 0 ? [] : given.slice(young);
    if (items.length === 0) return;
    happened.push({ type: "called", items });
    const done = call(items);
    if (done > 0) happened.push({ type: "processed", items: items.slice(0, done) });
    if (done === items.length) return;
    if (done > 0) return run(items.slice(done), split === "bisect" ? failures : 1);
    if (split === "none" || items.length === 1) return run(items, failures + 1);
    const middle = Math.ceil(items.length / 2);
    run(items.slice(0, middle), failures);
    run(items.slice(middle), failures);
  };
  run(batch, 0);
  return happened;
}
