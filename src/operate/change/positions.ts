// Pure.
/**
 * Where checkpoints are to be moved, as people say it, and what that means in one shard.
 *
 * @module
 */

import { type ExtendedSequenceNumber, isRecordNumber, positionAt } from "../../stream/sequence_number.ts";
import type { Shard } from "../../stream/shard.ts";

/** A position for many shards. */
export type TargetPosition =
  | { readonly type: "earliest" | "latest" }
  | { readonly type: "time"; readonly epochMs: number }
  /** Of one shard: this record is the next one. */
  | { readonly type: "sequenceNumber"; readonly sequenceNumber: string };

/** What a position means in one shard. */
export type ShardPosition =
  /** There are, or will be, records to read after this checkpoint. */
  | {
    readonly type: "after";
    readonly checkpoint: ExtendedSequenceNumber;
    /** When the record at the checkpoint arrived, in ms since 1970. Undefined at TRIM_HORIZON. */
    readonly arrivalMs: number | undefined;
  }
  /** The shard is closed, and all that it holds lies before the position. */
  | { readonly type: "finished" };

/** From the oldest record that the shard still has. */
export const FROM_OLDEST: ShardPosition = {
  type: "after",
  checkpoint: positionAt("TRIM_HORIZON"),
  arrivalMs: undefined,
};

/** Each of these shards from its oldest record. */
export function allFromOldest(shards: readonly Shard[]): ReadonlyMap<string, ShardPosition> {
  return new Map(shards.map(({ shardId }) => [shardId, FROM_OLDEST]));
}

/** For messages. */
export const TARGET_FORMS = "earliest, latest, a time such as 2026-01-30T12:00:00Z, or a sequence number";

/**
 * Reads a position.
 *
 * @param readTime Reads a time as ms since 1970.
 * @returns undefined when it is none.
 */
export function targetOf(
  text: string,
  readTime: (text: string) => number | undefined,
): TargetPosition | undefined {
  if (text === "earliest" || text === "latest") return { type: text };
  // A year alone is no sequence number: those have 56 digits, and some 20 on emulators.
  if (isRecordNumber(text) && text.length >= LEAST_DIGITS) {
    return { type: "sequenceNumber", sequenceNumber: text };
  }
  const epochMs = readTime(text);
  return epochMs === undefined ? undefined : { type: "time", epochMs };
}

const LEAST_DIGITS = 10;
