/**
 * Accepts processors of the KCL v1 shape, as the AWS guide teaches it: `initialize(shardId)`,
 * `processRecords(records, checkpointer)` with base64 `data`, and `shutdown(checkpointer, reason)`.
 *
 * TERMINATE is v3's `shardEnded`: checkpoint, or the children never start. ZOMBIE is `leaseLost`: its
 * checkpointer refuses, for another worker has the shard.
 *
 * @module
 */

import { LeaseLostError } from "../errors.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { RecordProcessor, RecordProcessorFactory, ShardContext } from "./record_processor.ts";

/** Why a v1 processor is shut down. */
export type V1ShutdownReason = "TERMINATE" | "ZOMBIE";

/** A record of the v1 shape. */
export interface V1Record {
  /** The payload as base64 text. */
  readonly data: string;
  /** The record's partition key. */
  readonly partitionKey: string;
  /** The record's sequence number. */
  readonly sequenceNumber: string;
  /** The place within an aggregate, from 0. */
  readonly subSequenceNumber: number;
  /** Ms since 1970. */
  readonly approximateArrivalTimestamp: number;
}

/** A checkpointer of the v1 shape. */
export interface V1Checkpointer {
  /**
   * Stores how far the shard is processed: up to a record, a sequence number, or everything delivered up to
   * now. Throws as `ShardContext.checkpoint`.
   */
  checkpoint(sequenceNumber?: string | V1Record, subSequenceNumber?: number): Promise<void>;
}

/** A processor of the v1 shape. */
export interface V1RecordProcessor {
  /** Called once, before the first record of the shard. */
  initialize(shardId: string): void | Promise<void>;
  /** Called with each batch. */
  processRecords(records: readonly V1Record[], checkpointer: V1Checkpointer): void | Promise<void>;
  /** Called last. With the reason `TERMINATE`, checkpoint: the shard has ended. */
  shutdown(checkpointer: V1Checkpointer, reason: V1ShutdownReason): void | Promise<void>;
  /** The worker stops or hands over; the last chance to checkpoint. */
  shutdownRequested?(checkpointer: V1Checkpointer): void | Promise<void>;
}

/** Whether a processor has the v1 shape. `shutdown` decides: no other shape has it. */
export function isV1Processor(
  processor: RecordProcessor | V1RecordProcessor,
): processor is V1RecordProcessor {
  return "shutdown" in processor && typeof processor.shutdown === "function";
}

/** Makes a factory of v1 processors into one that a worker takes. */
export function fromV1(factory: (shardId: string) => V1RecordProcessor): RecordProcessorFactory {
  return (shardId) => adapt(factory(shardId));
}

/** Wraps one processor of the v1 shape. */
export function adapt(processor: V1RecordProcessor): RecordProcessor {
  return {
    initialize: (context) => processor.initialize(context.shardId),
    processRecords: (batch, context) =>
      processor.processRecords(batch.records.map(recordOf), checkpointerOf(context)),
    shardEnded: (context) => processor.shutdown(checkpointerOf(context), "TERMINATE"),
    leaseLost: (context) => processor.shutdown(refusing(context), "ZOMBIE"),
    shutdownRequested: (context) => processor.shutdownRequested?.(checkpointerOf(context)),
  };
}

function checkpointerOf(context: ShardContext): V1Checkpointer {
  return {
    checkpoint(at, subSequenceNumber) {
      if (at === undefined || at === null) return context.checkpoint();
      return typeof at === "string"
        ? context.checkpoint({ sequenceNumber: at, subSequenceNumber: subSequenceNumber ?? 0 })
        : context.checkpoint({
          sequenceNumber: at.sequenceNumber,
          subSequenceNumber: subSequenceNumber ?? at.subSequenceNumber,
        });
    },
  };
}

function refusing(context: ShardContext): V1Checkpointer {
  const why = "no checkpoint is possible after shutdown with reason ZOMBIE";
  return { checkpoint: () => Promise.reject(new LeaseLostError(context.leaseKey, why)) };
}

/** The base64 text is made on first use, and then kept. */
function recordOf(record: KinesisRecord): V1Record {
  let text: string | undefined;
  return {
    get data() {
      return text ??= toBase64(record.data);
    },
    partitionKey: record.partitionKey,
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: record.subSequenceNumber,
    approximateArrivalTimestamp: record.approximateArrivalTimestamp,
  };
}

function toBase64(bytes: Uint8Array & { toBase64?: () => string }): string {
  if (bytes.toBase64 !== undefined) return bytes.toBase64();
  let binary = "";
  // In chunks: the number of arguments of a call is limited.
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(binary);
}
