/**
 * Writes a plan to the table, in order, many writes at a time. It stops at the first write that is refused or
 * fails: a refusal means that somebody works on the table. What was written stays written, and the same plan
 * may be made and applied again.
 *
 * @module
 */

import { forEachAtMost, WRITES_AT_ONCE } from "../../async/task_group.ts";
import type { Lease, NewLease } from "../../lease/lease.ts";
import type { LeaseStore } from "../../lease/lease_store.ts";
import { type LeasePosition, resetLease, wasReset } from "../../lease/reset_lease.ts";
import type { LeaseChange } from "./reset_plan.ts";

/** What became of a plan. All by lease key. */
export interface ApplyReport {
  readonly written: readonly string[];
  /** The lease is not as it was read: somebody has written it meanwhile. */
  readonly refused: readonly { readonly leaseKey: string; readonly found: Lease | undefined }[];
  /** It may have been written nevertheless. */
  readonly failed: readonly { readonly leaseKey: string; readonly error: unknown }[];
  readonly notTried: readonly string[];
}

/** The changes that write. */
export type LeaseWriting = Exclude<LeaseChange, { readonly type: "keep" }>;

/** The changes of a plan that write something. */
export function writingsOf(changes: readonly LeaseChange[]): readonly LeaseWriting[] {
  return changes.filter((change) => change.type !== "keep");
}

/**
 * Applies changes. Never rejects.
 *
 * @param signal Ends it between two writes: none is broken off, so that each is known to be done or not.
 */
export async function applyChanges(
  leaseStore: LeaseStore,
  changes: readonly LeaseWriting[],
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<ApplyReport> {
  const written: string[] = [], notTried: string[] = [];
  const refused: { leaseKey: string; found: Lease | undefined }[] = [];
  const failed: { leaseKey: string; error: unknown }[] = [];
  await forEachAtMost(changes, WRITES_AT_ONCE, async (change) => {
    const { leaseKey } = change.lease;
    if (signal.aborted || refused.length + failed.length > 0) return void notTried.push(leaseKey);
    try {
      const outcome = change.type === "move"
        ? await move(leaseStore, change.lease, change.to)
        : await create(leaseStore, change.lease, change.then);
      if (outcome.isWritten) written.push(leaseKey);
      else refused.push({ leaseKey, found: outcome.found });
    } catch (error) {
      failed.push({ leaseKey, error });
    }
    onProgress(written.length, changes.length);
  });
  return { written, refused, failed, notTried };
}

type Outcome = { readonly isWritten: boolean; readonly found: Lease | undefined };

async function move(leaseStore: LeaseStore, lease: Lease, to: LeasePosition): Promise<Outcome> {
  try {
    const outcome = await leaseStore.apply(resetLease(lease, to));
    if (outcome.applied) return { isWritten: true, found: outcome.lease };
    // The client tries again by itself, and a first answer may have been lost.
    return { isWritten: wasReset(lease, to, outcome.found), found: outcome.found };
  } catch (error) {
    return await lookedUp(leaseStore, lease.leaseKey, (found) => wasReset(lease, to, found), error);
  }
}

async function create(
  leaseStore: LeaseStore,
  lease: NewLease,
  then: LeasePosition | undefined,
): Promise<Outcome> {
  const isOurs = (found: Lease | undefined) => found !== undefined && isAsCreated(found, lease);
  let isWritten: boolean;
  try {
    isWritten = await leaseStore.create(lease);
  } catch (error) {
    isWritten = (await lookedUp(leaseStore, lease.leaseKey, isOurs, error)).isWritten;
  }
  if (isWritten && !hasMore(then)) return { isWritten, found: undefined };
  const found = await leaseStore.get(lease.leaseKey);
  if (!isWritten && !isOurs(found)) return { isWritten, found };
  return found === undefined || then === undefined || !hasMore(then)
    ? { isWritten: true, found }
    : await move(leaseStore, found, then);
}

/** After an error that does not say whether the write was applied. */
async function lookedUp(
  leaseStore: LeaseStore,
  leaseKey: string,
  isOurs: (found: Lease | undefined) => boolean,
  error: unknown,
): Promise<Outcome> {
  let found: Lease | undefined;
  try {
    found = await leaseStore.get(leaseKey);
  } catch {
    throw error; // the first one says more
  }
  if (isOurs(found)) return { isWritten: true, found };
  throw error;
}

function isAsCreated(found: Lease, { checkpoint }: NewLease): boolean {
  return found.leaseCounter === 0 && found.leaseOwner === undefined &&
    found.checkpoint.sequenceNumber === checkpoint.sequenceNumber &&
    found.checkpoint.subSequenceNumber === checkpoint.subSequenceNumber;
}

function hasMore(then: LeasePosition | undefined): boolean {
  return then !== undefined &&
    ((then.childShardIds ?? []).length > 0 || then.finishedAhead !== undefined ||
      then.pendingCheckpoint !== undefined || then.pendingCheckpointState !== undefined);
}
