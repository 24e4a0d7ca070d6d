/**
 * Delivers one page of a shard: as user records, to a processor that may throw, again and again where it is told to.
 *
 * Source: KCL 3.5.1, `ProcessTask`; what becomes of a batch that failed is ours, with KCL's rule as one of the choices.
 *
 * @module
 */

import { ProcessorRestartError } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import type { Lease } from "../lease/lease.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { pause, type System } from "../system.ts";
import { deliveryOf } from "./batch.ts";
import { callbackBackoffMs, runCallback } from "./callbacks.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { HeldLease } from "./held_lease.ts";
import type { RecordProcessor, ShardContext } from "./record_processor.ts";

/** What delivering takes, whatever the processor. */
export interface DeliveryOptions {
  readonly held: HeldLease;
  readonly system: System;
  readonly emit: (event: WorkerEvent) => void;
  /** What becomes of a batch when `processRecords` throws: see the worker's option. */
  readonly onProcessError: "skip" | "retry" | "stop";
  readonly taskBackoffTimeMs: number;
  readonly callProcessRecordsEvenForEmptyRecordList: boolean;
  /** Turns what came in into user records: KPL de-aggregation, within the shard's hash key range. */
  readonly deaggregate: (records: readonly KinesisRecord[], lease: Lease) => readonly KinesisRecord[];
}

/** Who gets it. */
export interface Recipient extends DeliveryOptions {
  readonly processor: RecordProcessor;
  readonly context: ShardContext;
  readonly checkpointer: Checkpointer;
}

/** The shard is to be left. */
export type Left = { readonly type: "left" };
/** The shard goes on with a fresh processor. */
export type Restart = { readonly type: "restart"; readonly error: unknown };

/** What became of a page. */
export type PageOutcome =
  /** On to the next one: this one was processed, or skipped, or there was nothing in it. */
  | { readonly type: "next"; readonly isProcessed: boolean }
  /** `processRecords` threw, and `onProcessError` is "stop". */
  | { readonly type: "givenUp" }
  | Left
  | Restart;

/**
 * Until the page is processed, skipped, or to be left.
 *
 * @throws {LeaseLostError} when the lease has expired by the clock.
 */
export async function deliverPage(
  page: RecordsPage,
  recipient: Recipient,
  leave: AbortSignal,
): Promise<PageOutcome> {
  const { held, processor, context, checkpointer, system: { clock }, emit } = recipient;
  const { onProcessError, taskBackoffTimeMs, callProcessRecordsEvenForEmptyRecordList } = recipient;
  const about = { leaseKey: held.leaseKey, shardId: held.shardId };
  const largestBefore = checkpointer.largest;
  const userRecords = recipient.deaggregate(page.records, held.lease);

  for (let attempt = 1; !leave.aborted; attempt++) {
    // What a failed attempt has checkpointed is done: only the rest is repeated.
    const { batch, first, last, bytes } = deliveryOf(page, userRecords, checkpointer.largest);
    const records = batch.records.length;
    const isCalledWhenEmpty = attempt === 1 && !batch.isAtShardEnd &&
      callProcessRecordsEvenForEmptyRecordList;
    if (records === 0 && !isCalledWhenEmpty) return { type: "next", isProcessed: false };
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
      emit({ type: "batchProcessed", ...about, records, bytes, millisBehindLatest, ms: outcome.ms });
      return { type: "next", isProcessed: true };
    }
    const { error } = outcome;
    if (error instanceof ProcessorRestartError) return { type: "restart", error };
    const failed = { type: "batchFailed", ...about, records, first, last, attempt, error } as const;
    switch (onProcessError) {
      case "skip":
        emit({ ...failed, outcome: "skipped" });
        return { type: "next", isProcessed: false };
      case "stop":
        emit({ ...failed, outcome: "leaseGivenUp" });
        checkpointer.undeliver(largestBefore);
        return { type: "givenUp" };
      case "retry":
        emit({ ...failed, outcome: "retrying" });
        checkpointer.undeliver(largestBefore);
        await pause(clock, callbackBackoffMs(attempt, taskBackoffTimeMs), leave);
    }
  }
  return { type: "left" };
}
