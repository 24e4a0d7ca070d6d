/**
 * A lease as a flat row and back. Names in the row are those of {@linkcode LeaseAttributes}, since a write names them.
 *
 * @module
 */

import type { ExtendedSequenceNumber, Lease, LeaseAttributes, NewLease } from "@kclite/kclite";

/** One row. What a lease lacks, such as an owner, is absent. */
export type Row =
  & { -readonly [Name in keyof LeaseAttributes]?: LeaseAttributes[Name] }
  & Pick<NewLease, "leaseKey" | "streamIdentifier" | "shardId" | "hashKeyRange">
  & { leaseCounter: number; ownerSwitchesSinceCheckpoint: number; checkpoint: string };

/** The row of a new lease. */
export function rowOf(lease: NewLease): Row {
  const { checkpoint, latestEpochMs, streamOrigin, parentShardIds, ...rest } = lease;
  return {
    ...{ ...rest, leaseCounter: 0, ownerSwitchesSinceCheckpoint: 0 },
    checkpoint: checkpoint.sequenceNumber,
    checkpointSubSequenceNumber: checkpoint.subSequenceNumber,
    parentShardId: parentShardIds,
    ...(latestEpochMs === undefined ? {} : { kcliteLatestEpochMs: latestEpochMs }),
    ...(streamOrigin === undefined ? {} : { kcliteStream: streamOrigin }),
  };
}

/** The lease of a row. */
export function leaseOf(row: Row): Lease {
  const { leaseKey, streamIdentifier, shardId, leaseCounter, ownerSwitchesSinceCheckpoint } = row;
  const { startingHashKey, endingHashKey, pendingCheckpoint: pending } = row;
  // Who wrote last, so that two processes of one name are told apart.
  const mark = /^(.+)\/(\d+)\/([0-9a-f]+)\/(\d+)$/s.exec(row.kcliteIncarnation ?? "");
  const [, workerId = "", generation, nonce = "", counter] = mark ?? [];
  // How far behind its owner is, and how many records a second it processes: `4200/490.5`, or a half of that.
  const [, lag, rate] = /^(\d*)\/([\d.]*)$/.exec(row.kcliteProgress ?? "") ?? [];
  return {
    ...{ leaseKey, streamIdentifier, shardId, leaseCounter, ownerSwitchesSinceCheckpoint },
    ...{ leaseOwner: row.leaseOwner, checkpointOwner: row.checkpointOwner },
    checkpoint: at(row.checkpoint, row.checkpointSubSequenceNumber),
    latestEpochMs: row.kcliteLatestEpochMs,
    ...(row.kcliteStream && { streamOrigin: row.kcliteStream }),
    pendingCheckpoint: pending ? at(pending, row.pendingCheckpointSubSequenceNumber) : undefined,
    pendingCheckpointState: row.pendingCheckpointState,
    parentShardIds: row.parentShardId ?? [],
    childShardIds: row.childShardIds ?? [],
    hashKeyRange: startingHashKey && endingHashKey ? { startingHashKey, endingHashKey } : row.hashKeyRange,
    throughputKBps: row.throughputKBps,
    mark: mark
      ? { workerId, generation: Number(generation), nonce, leaseCounter: Number(counter) }
      : undefined,
    ...((lag || rate) && { progress: { lagMs: numberIn(lag), recordsPerSecond: numberIn(rate) } }),
  };
}

const numberIn = (digits: string | undefined) => digits ? Number(digits) : undefined;

function at(sequenceNumber: string, subSequenceNumber = 0): ExtendedSequenceNumber {
  return { sequenceNumber, subSequenceNumber };
}
