/**
 * Delivers one slice of a page of a shard to a processor that may throw. The slice is delivered again as the
 * options say.
 *
 * Source: KCL 3.5.1, `ProcessTask`. What happens to a batch that failed is ours, with KCL's rule as one of
 * the choices.
 *
 * @module
 */

import { AwsServiceError, LeaseLostError, ProcessorRestartError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { System } from "../system.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import { deliveryOf } from "./batch.ts";
import { callbackBackoffMs, runCallback } from "./callbacks.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { HeldLease } from "./held_lease.ts";
import type { RecordProcessor, ShardContext } from "./record_processor.ts";
import type { Slice } from "./slices.ts";
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
 * @throws {LeaseLostError} when the lease has expired by the clock.
 */
export async function deliverSlice(
  page: RecordsPage,
  slice: Slice,
  { processor, context, checkpointer }: Recipient,
  options: DeliveryOptions,
  leave: AbortSignal,
): Promise<SliceOutcome> {
  const { held, system: { clock }, emit, streaks } = options;
  const { onProcessError, taskBackoffTimeMs, callProcessRecordsEvenForEmptyRecordList } = options.delivery;
  const about = { leaseKey: held.leaseKey, shardId: held.shardId };
  const largestBefore = checkpointer.largest;

  for (let isFirst = true; !leave.aborted; isFirst = false) {
    // What a failed attempt has checkpointed is done: only the rest is repeated.
    const { batch, first, last, bytes } = deliveryOf(page, slice, checkpointer.largest);
    const records = batch.records.length;
    const isCalledWhenEmpty = isFirst && !batch.isAtShardEnd &&
      callProcessRecordsEvenForEmptyRecordList;
    if (records === 0 && !isCalledWhenEmpty) return { type: "next" };
    await held.ensureHeld();
    if (leave.aborted) break;
    checkpointer.delivering(last);
    held.countBytes(bytes);
    const outcome = await runCallback(
      { held, callback: "processRecords", records, clock, emit },
      () => processor.processRecords(batch, context),
    );
    if (outcome.ok) {
      const { millisBehindLatest } = page;
      emit({ type: "batchProcessed", ...about, records, bytes, last, millisBehindLatest, ms: outcome.ms });
      streaks.reached(last);
      if (processor.checkpoints === "auto") await checkpointAlone(checkpointer);
      return { type: "next" };
    }
    const { error } = outcome;
    if (error instanceof ProcessorRestartError) return { type: "restart", error };
    const failed = { type: "batchFailed", ...about, records, first, last, error } as const;
    if (onProcessError === "skip") {
      emit({ ...failed, attempt: 1, outcome: "skipped" });
      return { type: "next" };
    }
    streaks.stored(held.lease.checkpoint);
    const attempt = streaks.count("batch");
    streaks.restFor(clock, callbackBackoffMs(attempt, taskBackoffTimeMs));
    checkpointer.undeliver(largestBefore);
    if (onProcessError === "stop") {
      emit({ ...failed, attempt, outcome: "leaseGivenUp" });
      return { type: "givenUp" };
    }
    emit({ ...failed, attempt, outcome: "retrying" });
    await streaks.rest(clock, leave);
  }
  return { type: "left" };
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
