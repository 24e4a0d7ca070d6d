/**
 * Delivers one slice of a page of a shard to a processor that may throw. The slice is delivered again as the
 * options say.
 *
 * Source: KCL 3.5.1, `ProcessTask`. What happens to a batch that failed is ours, with KCL's rule as one of
 * the choices.
 *
 * @module
 */

import { AwsServiceError, isOfClass, isOfStore, LeaseLostError, ProcessorRestartError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import { mayBeOfStream } from "../lease/stream_origin.ts";
import type { HashKeyRange } from "../stream/hash_key.ts";
import type { StreamOrigin } from "../stream/stream_identifier.ts";
import type { System } from "../system.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import { deliveryOf } from "./batch.ts";
import { callbackBackoffMs, runCallback } from "./callbacks.ts";
import type { Checkpointer } from "./checkpointer.ts";
import { namesFailedRecords } from "./failed_records.ts";
import type { HeldLease } from "./held_lease.ts";
import type { RecordProcessor, RecordsBatch, ShardContext } from "./record_processor.ts";
import type { Slice } from "./slices.ts";
import { isStoppedAtRecord, type StoppedAtRecord } from "./stopped_at_record.ts";
import type { ShardStreaks } from "./streaks.ts";

/** What a worker's options say of delivering; each is described there. */
export interface DeliverySettings {
  /** What becomes of a batch when `processRecords` throws. */
  readonly onProcessError: "skip" | "retry" | "stop";
  readonly taskBackoffTimeMs: number;
  readonly callProcessRecordsEvenForEmptyRecordList: boolean;
  readonly parentShardPollIntervalMs: number;
  /** What becomes of an aggregate that has a user record of another shard. */
  readonly foreignAggregates: "drop" | "deliver";
}

/** What delivering takes, whatever the processor. */
export interface DeliveryOptions {
  readonly held: HeldLease;
  readonly system: System;
  readonly emit: WorkerEventListener;
  readonly delivery: DeliverySettings;
  /** What has failed in a row on the shard, before this acquisition of its lease too. */
  readonly streaks: ShardStreaks;
  /** The stream as leases name it; undefined if its creation time is not known. */
  readonly origin?: StreamOrigin | undefined;
}

/**
 * The hash keys outside of which user records of aggregates are dropped; undefined if none is dropped. An
 * earlier stream's shards had other hash keys.
 */
export function aggregateRange(
  { held: { lease }, origin, delivery: { foreignAggregates } }: DeliveryOptions,
): HashKeyRange | undefined {
  return foreignAggregates === "drop" && mayBeOfStream(lease, origin) ? lease.hashKeyRange : undefined;
}

/** What receives the records. */
export interface Recipient {
  readonly processor: RecordProcessor;
  readonly context: ShardContext;
  readonly checkpointer: Checkpointer;
}

/** The shard is to be left. */
export type Left = { readonly type: "left" };
/** The shard continues with a fresh processor. */
export type Restart = { readonly type: "restart"; readonly error: unknown };

/** What became of a slice. */
export type SliceOutcome =
  /** Continue with the next slice: this one was processed or skipped, or was empty. */
  | { readonly type: "next" }
  /** `processRecords` threw, and `onProcessError` is "stop". */
  | { readonly type: "givenUp" }
  | Left
  | Restart;

/**
 * Until the slice is processed, skipped, or to be left.
 *
 * @param onUnread Called when the processor names failed records: without a policy that counts for nothing.
 * @throws {LeaseLostError} when the lease has expired by the clock.
 */
export async function deliverSlice(
  page: RecordsPage,
  slice: Slice,
  { processor, context, checkpointer }: Recipient,
  options: DeliveryOptions,
  leave: AbortSignal,
  onUnread: () => void,
): Promise<SliceOutcome> {
  const { held, system: { clock }, emit, streaks } = options;
  const { onProcessError, taskBackoffTimeMs, callProcessRecordsEvenForEmptyRecordList } = options.delivery;
  const about = { leaseKey: held.leaseKey, shardId: held.shardId };
  const isAuto = processor.checkpoints === "auto";
  const tellProcessed = (done: Done, ms: number) => {
    const processed = { ...done, millisBehindLatest: page.millisBehindLatest, ms };
    emit({ type: "batchProcessed", ...about, ...processed });
    held.progress.note(processed);
    streaks.reached(done.last);
  };

  for (let isFirst = true; !leave.aborted; isFirst = false) {
    // What a failed attempt has checkpointed is done: only the rest is repeated.
    const before = checkpointer.largest;
    const { batch, first, last, bytes } = deliveryOf(page, slice, before);
    const records = batch.records.length;
    const isCalledWhenEmpty = isFirst && !batch.isAtShardEnd &&
      callProcessRecordsEvenForEmptyRecordList;
    if (records === 0 && !isCalledWhenEmpty) {
      held.progress.note({ records, millisBehindLatest: page.millisBehindLatest, ms: 0 });
      if (isAuto && !isFirst) await checkpointAlone(checkpointer); // the last record was skipped
      return { type: "next" };
    }
    await held.ensureHeld();
    if (leave.aborted) break;
    checkpointer.delivering(last);
    held.countBytes(bytes);
    const outcome = await runCallback(
      { held, callback: "processRecords", records, clock, emit },
      () => processor.processRecords(batch, context),
    );
    if (outcome.ok) {
      if (namesFailedRecords(outcome.answer)) onUnread();
      tellProcessed({ records, bytes, last }, outcome.ms);
      if (isAuto) await checkpointAlone(checkpointer);
      return { type: "next" };
    }
    const { error } = outcome;
    if (isOfClass(error, ProcessorRestartError)) return { type: "restart", error };
    const stop = isStoppedAtRecord(error) ? error : undefined;
    const done = stop === undefined ? undefined : doneBefore(batch, stop);
    checkpointer.undeliver(done?.last ?? before);
    if (done !== undefined) {
      tellProcessed(done, outcome.ms);
      if (isAuto) await checkpointAlone(checkpointer);
    }
    if (stop?.isFailure === false) return { type: "left" };
    const failed = {
      type: "batchFailed",
      ...about,
      ...(stop === undefined
        ? { records, first, last, error }
        : { records: 1, first: stop.at, last: stop.at, error: stop.cause }),
    } as const;
    const rule = isOfStore(failed.error) ? "retry" : onProcessError;
    if (rule === "skip") {
      emit({ ...failed, attempt: 1, outcome: "skipped" });
      checkpointer.delivering(failed.last);
      if (stop === undefined) return { type: "next" };
      continue; // behind the one record that failed
    }
    streaks.stored(held.lease.checkpoint);
    const attempt = streaks.count("batch");
    streaks.restFor(clock, callbackBackoffMs(attempt, taskBackoffTimeMs));
    if (rule === "stop") {
      emit({ ...failed, attempt, outcome: "leaseGivenUp" });
      return { type: "givenUp" };
    }
    emit({ ...failed, attempt, outcome: "retrying" });
    await streaks.rest(clock, leave);
  }
  return { type: "left" };
}

/** What was processed. */
interface Done {
  readonly records: number;
  readonly bytes: number;
  readonly last: ExtendedSequenceNumber;
}

/** What a batch has before the record that its processor stopped at; undefined: nothing. */
function doneBefore({ records }: RecordsBatch, { at }: StoppedAtRecord): Done | undefined {
  const done = records.slice(0, records.findIndex((record) => compare(record, at) === 0));
  const last = done.at(-1);
  if (last === undefined) return undefined;
  const { sequenceNumber, subSequenceNumber } = last;
  const bytes = done.reduce((sum, { data }) => sum + data.length, 0);
  return { records: done.length, bytes, last: { sequenceNumber, subSequenceNumber } };
}

/**
 * Stores a checkpoint for a processor that does not. A failure is reported where it happens; the next
 * checkpoint covers it.
 */
export async function checkpointAlone(
  checkpointer: Checkpointer,
  at?: ExtendedSequenceNumber,
): Promise<boolean> {
  try {
    await checkpointer.checkpoint(at);
    return true;
  } catch (error) {
    if (error instanceof LeaseLostError || error instanceof AwsServiceError) return false;
    throw error;
  }
}
