// Pure.
/**
 * What is counted in a row about one shard. A streak outlives the loss of the lease. A shard may be lost and
 * gained again, and fail each time in the same way: that is no better than failing under one hold.
 *
 * Only real progress ends it: the stored checkpoint, or the position reached, passes the furthest one before.
 *
 * @module
 */

import type { ProcessorCallback } from "../events.ts";
import { compare, type ExtendedSequenceNumber, isShardEnd } from "../stream/sequence_number.ts";

/** How often something has happened without progress in between, and when, in monotonic ms. */
export interface Row {
  /** How many in a row. */
  readonly inARow: number;
  /** When the first of them happened. */
  readonly firstMs: number;
  /** When the last of them happened. */
  readonly lastMs: number;
}

/** See the module. */
export interface ShardStreaks {
  /** As stored. */
  readonly checkpoint: ExtendedSequenceNumber;
  /** The furthest position up to which records were processed, whether or not it was stored. */
  readonly reached: ExtendedSequenceNumber;
  /** Batches on which `processRecords` threw, in a row. */
  readonly batchFailuresInARow: number;
  /** Of `initialize`, `shardEnded` and the other callbacks without records. */
  readonly callbackFailuresInARow: number;
  /** The callback that failed last: a different callback that returns does not end its streak. */
  readonly failingCallback: ProcessorCallback | undefined;
  /** Checkpoints that failed in a row. */
  readonly checkpointFailuresInARow: number;
  /** How many times `shardEnded` has returned without SHARD_END being stored. */
  readonly shardEndsNotCheckpointed: number;
  /** Failed attempts to create the leases of an ended shard's children. */
  readonly childLeaseFailuresInARow: number;
  /** Processors restarted. */
  readonly restarts: Row | undefined;
  /** Leases lost inside a callback, or after a callback with work that must be repeated. */
  readonly losses: Row | undefined;
  /**
   * Reads have failed since then, with no page in between. `lasting`: AWS says that trying again is of no
   * use.
   */
  readonly readFailure: ReadFailure | undefined;
}

/** A shard's reads have failed since then. */
export interface ReadFailure {
  /** When the first read failed. */
  readonly sinceMs: number;
  /** Whether AWS says that trying again is of no use. */
  readonly lasting: boolean;
  /** The last error in one line. */
  readonly text: string;
  /** Of reading the parents' leases, which is over once the shard waits for them no more. */
  readonly isOfParents: boolean;
}

/** The streaks of a shard that nothing is known of. */
export function noStreaks(checkpoint: ExtendedSequenceNumber): ShardStreaks {
  return {
    checkpoint,
    reached: checkpoint,
    batchFailuresInARow: 0,
    callbackFailuresInARow: 0,
    failingCallback: undefined,
    checkpointFailuresInARow: 0,
    shardEndsNotCheckpointed: 0,
    childLeaseFailuresInARow: 0,
    restarts: undefined,
    losses: undefined,
    readFailure: undefined,
  };
}

/** The streaks alone of a shard of which more is known. */
export function streaksOf(shard: ShardStreaks): ShardStreaks {
  const { checkpoint, reached, batchFailuresInARow, callbackFailuresInARow, failingCallback } = shard;
  const { checkpointFailuresInARow, shardEndsNotCheckpointed, restarts, losses, readFailure } = shard;
  const { childLeaseFailuresInARow } = shard;
  return {
    checkpoint,
    reached,
    batchFailuresInARow,
    callbackFailuresInARow,
    failingCallback,
    checkpointFailuresInARow,
    shardEndsNotCheckpointed,
    childLeaseFailuresInARow,
    restarts,
    losses,
    readFailure,
  };
}

/** Whether forgetting them would make a later failure look like the first. */
export function isWorthKeeping(streaks: ShardStreaks): boolean {
  return compare(streaks.reached, streaks.checkpoint) > 0 || streaks.batchFailuresInARow > 0 ||
    streaks.callbackFailuresInARow > 0 || streaks.checkpointFailuresInARow > 0 ||
    streaks.shardEndsNotCheckpointed > 0 || streaks.childLeaseFailuresInARow > 0 ||
    streaks.restarts !== undefined || streaks.losses !== undefined ||
    streaks.readFailure !== undefined;
}

/**
 * The streaks with which a lease is gained again.
 *
 * @param away.checkpoint As stored now. A checkpoint behind the former one was set back by hand, or is of a
 * lease that was created again.
 * @param away.ms How long the lease was not held: no time in which reads failed.
 */
export function regained(
  before: ShardStreaks,
  away: { readonly checkpoint: ExtendedSequenceNumber; readonly ms: number },
): ShardStreaks {
  if (compare(away.checkpoint, before.checkpoint) < 0) return noStreaks(away.checkpoint);
  const { readFailure } = before;
  return {
    ...before,
    ...stored(before, away.checkpoint),
    checkpoint: away.checkpoint,
    readFailure: readFailure === undefined
      ? undefined
      : { ...readFailure, sinceMs: readFailure.sinceMs + away.ms },
  };
}

/** What real progress ends; nothing when the checkpoint is no progress. */
export function stored(streaks: ShardStreaks, at: ExtendedSequenceNumber): Partial<ShardStreaks> {
  const ended = compare(at, streaks.checkpoint) > 0 ? PROGRESS : {};
  return isShardEnd(at) ? { ...ended, shardEndsNotCheckpointed: 0 } : ended;
}

/** What real progress ends; nothing when the position was reached before. */
export function reached(streaks: ShardStreaks, at: ExtendedSequenceNumber): Partial<ShardStreaks> {
  return compare(at, streaks.reached) > 0 ? { ...PROGRESS, reached: at } : {};
}

/** One more in a row. @param atLeast The count of the event itself. */
export function oneMore(row: Row | undefined, nowMs: number, atLeast = 1): Row {
  const inARow = Math.max((row?.inARow ?? 0) + 1, atLeast);
  return { inARow, firstMs: row?.firstMs ?? nowMs, lastMs: nowMs };
}

/** Checkpoints and ends of the shard that fail have ends of their own. */
const PROGRESS: Partial<ShardStreaks> = {
  batchFailuresInARow: 0,
  callbackFailuresInARow: 0,
  failingCallback: undefined,
  restarts: undefined,
  losses: undefined,
};
