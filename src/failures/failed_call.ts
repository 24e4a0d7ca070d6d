/**
 * What a failed call means for its records: which of them are done all the same, and what becomes of the
 * rest.
 *
 * @module
 */

import { isOfClass, RecordDecodeError } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { Answer } from "./answers.ts";
import type { ErrorSettings } from "./failure_options.ts";
import type { Entry } from "./ledger.ts";
import type { Run } from "./runs.ts";

/** A failed call, judged. */
export interface FailedCall {
  /** How many records at the beginning are done. */
  readonly done: number;
  /** Failures in a row of what is called next. */
  readonly inARow: number;
  /** Whether the processor has checkpointed records that its answer calls failed. */
  readonly isContradictory: boolean;
  readonly event: Extract<WorkerEvent, { readonly type: "batchFailed" }> | undefined;
}

/** What judging takes. */
export interface FailedCallOptions {
  /** Whether the call has checkpointed this record. */
  readonly isCheckpointed: (entry: Entry) => boolean;
  readonly errors: Pick<ErrorSettings, "onExhausted" | "park">;
  readonly about: { readonly leaseKey: string; readonly shardId: string };
}

/** Judges a failure, and moves the batch on. */
export function failedCall(
  run: Run,
  items: readonly Entry[],
  { from, error, isThrown = false, isAlone = false }: Extract<Answer, { readonly type: "failure" }>,
  { isCheckpointed, errors: { onExhausted, park }, about }: FailedCallOptions,
): FailedCall {
  const open = items.findIndex((entry) => !isCheckpointed(entry));
  const checkpointed = open < 0 ? items.length : open;
  // What a call that threw has checkpointed is done: only the rest is repeated.
  const done = isThrown ? checkpointed : from;
  run.batch.finished(done - from);
  const isAll = done === items.length;
  const judged = isAll ? { outcome: "retrying", inARow: 1 } as const : run.batch.failed(error, from, isAlone);
  const isParked = park !== undefined && !(isOfClass(error, RecordDecodeError));
  const exhausted = isParked ? "parked" : onExhausted === "stop" ? "leaseGivenUp" : "givenUp";
  const first = items[done] ?? items[0], last = isAlone ? first : items.at(-1);
  const event = first === undefined || last === undefined ? undefined : {
    type: "batchFailed",
    ...about,
    records: isAlone ? 1 : items.length - done,
    first: positionOf(first.record),
    last: positionOf(last.record),
    outcome: judged.outcome === "givenUp" ? exhausted : judged.outcome,
    attempt: judged.inARow,
    error,
  } as const;
  return { done, inARow: judged.inARow, isContradictory: !isThrown && checkpointed > from, event };
}

/** Never a record, which pins its page. */
export function positionOf(
  { sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber,
): ExtendedSequenceNumber {
  return { sequenceNumber, subSequenceNumber };
}
