// Pure.
/**
 * The lease's part of a transaction: a checkpoint that is refused unless the lease is ours at that moment.
 *
 * An ordinary checkpoint looks at the counter alone. A transaction looks at the owners too, as a renewal
 * does. Its answer does not show the lease, so that a handoff which has begun would go unseen.
 *
 * @module
 */

import { lastWriter } from "../lease/incarnation.ts";
import type { Lease } from "../lease/lease.ts";
import { progressIn } from "../lease/lease_progress.ts";
import { checkpoint, type LeaseWrite } from "../lease/lease_write.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";

/** The checkpoint, on the condition that the counter and the owners are still those of `lease`. */
export function fencedCheckpoint(
  lease: Lease,
  at: ExtendedSequenceNumber,
  finishedAhead: string | undefined,
): LeaseWrite {
  const { leaseCounter, leaseOwner = null, checkpointOwner } = lease;
  return {
    ...checkpoint(lease, at, finishedAhead),
    // In a handoff `leaseOwner` is the next one, and may be replaced by another next one.
    when: checkpointOwner === undefined
      ? { leaseCounter, leaseOwner, checkpointOwner: null }
      : { leaseCounter, checkpointOwner },
  };
}

/** The lease once that checkpoint was applied: what it would have shown. */
export function afterCheckpoint(lease: Lease, { set }: LeaseWrite): Lease {
  const { finishedAhead: _, progress: __, ...rest } = lease;
  const { leaseCounter = lease.leaseCounter, checkpoint: sequenceNumber, kcliteDone } = set;
  const writer = lastWriter(lease);
  const progress = set.kcliteProgress === undefined ? undefined : progressIn(set.kcliteProgress);
  return {
    ...rest,
    leaseCounter,
    mark: writer === undefined ? undefined : { ...writer, leaseCounter },
    checkpoint: {
      sequenceNumber: sequenceNumber ?? lease.checkpoint.sequenceNumber,
      subSequenceNumber: set.checkpointSubSequenceNumber ?? 0,
    },
    ownerSwitchesSinceCheckpoint: 0,
    latestEpochMs: sequenceNumber === "LATEST" ? lease.latestEpochMs : undefined,
    pendingCheckpoint: undefined,
    pendingCheckpointState: undefined,
    ...(kcliteDone === undefined ? {} : { finishedAhead: kcliteDone }),
    ...(progress === undefined ? {} : { progress }),
  };
}
