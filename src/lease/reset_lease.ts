// Pure.
/**
 * The write by which an operator moves the checkpoint of a lease that nobody holds: forward, back, or back
 * from the end of the shard.
 *
 * All that is bound to the old checkpoint goes with it: a prepared checkpoint, the map of what is finished
 * ahead, the time of a start at LATEST. So do the owners. The lease is free afterwards, and a worker that
 * still believes in it finds its counter moved.
 *
 * Source: ours; KCL's write table has no such row. It is fenced as KCL fences assign and evict, and by the
 * counter besides.
 *
 * @module
 */

import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { Lease } from "./lease.ts";
import type { LeaseAttribute, LeaseAttributes, LeaseWrite } from "./lease_write.ts";

/** Where a lease is to stand, with all that is bound to a position. What is absent is removed. */
export interface LeasePosition {
  readonly checkpoint: ExtendedSequenceNumber;
  /** Of a finished shard. */
  readonly childShardIds?: readonly string[] | undefined;
  /** See {@linkcode Lease.latestEpochMs}. */
  readonly latestEpochMs?: number | undefined;
  /** See {@linkcode Lease.finishedAhead}. */
  readonly finishedAhead?: string | undefined;
  /** See {@linkcode Lease.pendingCheckpoint}. */
  readonly pendingCheckpoint?: ExtendedSequenceNumber | undefined;
  /** See {@linkcode Lease.pendingCheckpointState}. */
  readonly pendingCheckpointState?: Uint8Array | undefined;
}

/** An operator moves the checkpoint. Only while counter and owners are as they were read. */
export function resetLease(lease: Lease, to: LeasePosition): LeaseWrite {
  const set = attributesOf(to);
  return {
    operation: "reset",
    leaseKey: lease.leaseKey,
    set,
    add: { leaseCounter: 1 },
    remove: ["leaseOwner", "checkpointOwner", ...BOUND.filter((name) => set[name] === undefined)],
    when: {
      exists: true,
      leaseCounter: lease.leaseCounter,
      leaseOwner: lease.leaseOwner ?? null,
      checkpointOwner: lease.checkpointOwner ?? null,
    },
  };
}

/**
 * Whether what is in the table is what {@linkcode resetLease} would leave there: the answer to an earlier try
 * may have been lost.
 *
 * @param lease The lease as it was read before the write.
 */
export function wasReset(lease: Lease, to: LeasePosition, found: Lease | undefined): boolean {
  return found !== undefined && found.leaseCounter === lease.leaseCounter + 1 &&
    found.leaseOwner === undefined && found.checkpointOwner === undefined && isAtPosition(found, to);
}

/** Whether a lease stands at a position already, with all that is bound to it. Children are not compared. */
export function isAtPosition(lease: Lease, to: LeasePosition): boolean {
  return areSame(lease.checkpoint, to.checkpoint) && areSame(lease.pendingCheckpoint, to.pendingCheckpoint) &&
    lease.finishedAhead === to.finishedAhead && lease.latestEpochMs === to.latestEpochMs &&
    (lease.pendingCheckpointState === undefined) === (to.pendingCheckpointState === undefined);
}

/** What a write removes where the new position does not have it. */
const BOUND: readonly LeaseAttribute[] = [
  "pendingCheckpoint",
  "pendingCheckpointSubSequenceNumber",
  "pendingCheckpointState",
  "kcliteLatestEpochMs",
  "kcliteDone",
  "childShardIds",
];

function attributesOf(to: LeasePosition): Partial<LeaseAttributes> {
  const { checkpoint, childShardIds = [], latestEpochMs, finishedAhead } = to;
  const { pendingCheckpoint, pendingCheckpointState } = to;
  return {
    checkpoint: checkpoint.sequenceNumber,
    checkpointSubSequenceNumber: checkpoint.subSequenceNumber,
    ownerSwitchesSinceCheckpoint: 0,
    ...(childShardIds.length === 0 ? {} : { childShardIds }),
    ...(latestEpochMs === undefined ? {} : { kcliteLatestEpochMs: latestEpochMs }),
    ...(finishedAhead === undefined ? {} : { kcliteDone: finishedAhead }),
    ...(pendingCheckpoint === undefined ? {} : {
      pendingCheckpoint: pendingCheckpoint.sequenceNumber,
      pendingCheckpointSubSequenceNumber: pendingCheckpoint.subSequenceNumber,
    }),
    ...(pendingCheckpointState === undefined ? {} : { pendingCheckpointState }),
  };
}

function areSame(a: ExtendedSequenceNumber | undefined, b: ExtendedSequenceNumber | undefined): boolean {
  return a?.sequenceNumber === b?.sequenceNumber && a?.subSequenceNumber === b?.subSequenceNumber;
}
