/**
 * The lock of one slice: the first slice of a name wins until its time is over, and another one learns by one
 * request that it is busy. A lock that a slice left behind is taken {@linkcode CLOCK_MARGIN_MS} later, since
 * the two compare wall clocks. Nothing but this depends on them: leases stay guarded by their counters.
 *
 * @module
 */

import { unlessAborted } from "../async/waiting.ts";
import { isAwsError } from "../errors.ts";
import type { SliceLock, SliceRow, SliceStore } from "../lease/coordinator_store.ts";
import type { Clock } from "../system.ts";
import { CLOCK_MARGIN_MS } from "./slice_memory.ts";
import { LONGEST_BUDGET_MS } from "./slice_settings.ts";

/** What locking needs. */
export interface SliceLockOptions {
  readonly store: SliceStore;
  readonly workerId: string;
  readonly sliceId: string;
  readonly budgetMs: number;
  readonly clock: Clock;
  /** A lock that an earlier slice of this instance may have left: it counts no more. */
  readonly left: SliceLock | undefined;
  /** Called with the lock before it may be written, and with undefined once it is certain that it was not. */
  readonly mayHold: (lock: SliceLock | undefined) => void;
}

/** What came of it. */
export type Locked =
  | { readonly type: "locked"; readonly lock: SliceLock; readonly row: SliceRow | undefined }
  /** Another slice is at work, for this many ms at the most. */
  | { readonly type: "busy"; readonly forMs: number }
  /** The worker has no item, or there is no table: it must be started first. */
  | { readonly type: "new" };

/** Takes the lock. @param mayCreate Whether the worker's item is made if there is none. */
export async function lockSlice(
  { store, workerId, sliceId, budgetMs, clock, left, mayHold }: SliceLockOptions,
  mayCreate: boolean,
  signal: AbortSignal,
): Promise<Locked> {
  const nowMs = clock.epochMs();
  const lock = { untilEpochMs: Math.ceil(nowMs + budgetMs), sliceId };
  const request = { workerId, lock, lastUpdateEpochS: Math.floor(nowMs / 1000), mayCreate };
  const replace = async (replaces: SliceLock | undefined) => {
    mayHold(lock);
    // A store may not heed the signal.
    const answer = await unlessAborted(store.lockSlice({ ...request, replaces }, signal), signal);
    if (!answer.isLocked) mayHold(undefined);
    return answer;
  };
  try {
    const first = await replace(undefined);
    if (first.isLocked) return { type: "locked", lock, row: first.row };
    const found = first.row?.lock;
    if (found === undefined) return first.row === undefined ? { type: "new" } : { type: "busy", forMs: 1000 };
    const forMs = found.untilEpochMs + CLOCK_MARGIN_MS - nowMs;
    // A time that no budget explains is of a clock that was wrong: nobody may wait for it for ever.
    const mayLast = forMs > 0 && forMs <= LONGEST_BUDGET_MS + 2 * CLOCK_MARGIN_MS;
    if (mayLast && found.sliceId !== left?.sliceId) return { type: "busy", forMs };
    const second = await replace(found);
    if (second.isLocked) return { type: "locked", lock, row: second.row };
    return { type: "busy", forMs: budgetMs };
  } catch (error) {
    if (mayCreate || !isAwsError(error, "ResourceNotFoundException")) throw error;
    mayHold(undefined);
    return { type: "new" };
  }
}
