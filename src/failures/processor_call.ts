/**
 * One call of `processRecords`, within its limit of time, and what it means for its records.
 *
 * @module
 */

import { type CallbackOutcome, runCallback } from "../consumer/callbacks.ts";
import type { DeliveryOptions, Recipient, Restart } from "../consumer/delivery.ts";
import { namesFailedRecords, PartialFailure, UNREAD_FAILURES } from "../consumer/failed_records.ts";
import type { RecordsBatch } from "../consumer/record_processor.ts";
import { isStoppedAtRecord } from "../consumer/stopped_at_record.ts";
import { isOfClass, ProcessorRestartError } from "../errors.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { type Answer, readAnswer, readFailures, readStop } from "./answers.ts";
import type { Checkpoints, OwnRecords } from "./checkpoints.ts";
import type { ErrorSettings } from "./failure_options.ts";
import type { Entry } from "./ledger.ts";
import { timedCall } from "./timed_call.ts";
import type { Warnings } from "./warnings.ts";

/** What a call takes. */
export interface CallOptions {
  readonly recipient: Recipient;
  readonly delivery: DeliveryOptions;
  readonly errors: ErrorSettings;
  readonly checkpoints: Checkpoints;
  readonly warnings: Warnings;
}

/** What came of a call. */
export interface CallResult {
  readonly answer: Answer;
  readonly ms: number;
  /** It still runs: the processor must not be called again. */
  readonly isLeftBehind: boolean;
}

/**
 * Calls the processor. Never rejects.
 *
 * @param call Its number in the events.
 */
export async function callProcessor(
  { recipient: { processor, context }, delivery, errors, checkpoints, warnings }: CallOptions,
  batch: RecordsBatch,
  own: OwnRecords,
  call: number,
): Promise<CallResult> {
  const { held, emit, system: { clock } } = delivery;
  const { records } = batch;
  const about = { held, callback: "processRecords", records: records.length, call, clock, emit } as const;
  const { outcome, isLeftBehind } = await timedCall(
    { clock, limitMs: errors.callTimeoutMs, lost: held.lost },
    (signal) =>
      runCallback(about, () => processor.processRecords(batch, checkpoints.contextOf(context, own, signal))),
  );
  if (outcome.ok && !errors.partial && namesFailedRecords(outcome.answer)) warnings.once(UNREAD_FAILURES);
  return { answer: answerOf(outcome, errors.partial, records), ms: outcome.ms, isLeftBehind };
}

/** Calls the processor for an empty read. @returns what it asks for, if it cannot continue. */
export async function callEmpty(
  { recipient: { processor, context }, delivery: { held, emit, system: { clock } } }: Pick<
    CallOptions,
    "recipient" | "delivery"
  >,
  millisBehindLatest: number | undefined,
): Promise<Restart | undefined> {
  await held.ensureHeld();
  const about = { held, callback: "processRecords", records: 0, clock, emit } as const;
  const batch = { records: [], millisBehindLatest, isAtShardEnd: false, childShards: [] };
  const outcome = await runCallback(about, () => processor.processRecords(batch, context));
  if (outcome.ok) return undefined;
  const { error } = outcome;
  if (isOfClass(error, ProcessorRestartError)) return { type: "restart", error };
  const { leaseKey, shardId, lease: { checkpoint: at } } = held;
  const nothing = { records: 0, first: at, last: at, attempt: 1, outcome: "skipped" } as const;
  emit({ type: "batchFailed", leaseKey, shardId, ...nothing, error });
  return undefined;
}

/** The batch of some records; it may end the shard. */
export function batchOf(
  entries: readonly Entry[],
  shardEnd: { readonly index: number; readonly page: RecordsPage } | undefined,
): RecordsBatch {
  const last = entries.at(-1);
  const isAtShardEnd = shardEnd !== undefined && last?.index === shardEnd.index;
  return {
    records: entries.map(({ record }) => record),
    millisBehindLatest: last?.millisBehindLatest,
    isAtShardEnd,
    childShards: isAtShardEnd ? shardEnd.page.end?.childShards ?? [] : [],
  };
}

function answerOf(outcome: CallbackOutcome, isPartial: boolean, records: readonly KinesisRecord[]): Answer {
  if (outcome.ok) return isPartial ? readAnswer(outcome.answer, records) : { type: "success" };
  const { error } = outcome;
  if (isStoppedAtRecord(error)) return readStop(error, records);
  if (!(isOfClass(error, PartialFailure))) {
    return { type: "failure", from: 0, error, isThrown: true };
  }
  const answer = readFailures(error.batchItemFailures, records);
  // What the processor threw says more than our words do, unless it names what is not there.
  return answer.type === "failure" && !answer.isMisread ? { ...answer, error } : answer;
}
