// Pure.
/**
 * Decides from where each shard of a stream still has to be read, as its leases stand. A clone to another
 * stream looks there for the oldest record that nobody has read.
 *
 * A shard without a lease counts too: a worker makes its lease when the parents end.
 *
 * Source: spec of KCL 3.5.1, `HierarchicalShardSyncer`, `LeaseCleanupManager`.
 *
 * @module
 */

import type { Lease } from "../../lease/lease.ts";
import { type ExtendedSequenceNumber, isShardEnd, positionAt } from "../../stream/sequence_number.ts";
import { compareShards, parentsOf, type Shard } from "../../stream/shard.ts";

/** A shard that has to be read further. */
export interface UnreadShard {
  readonly shard: Shard;
  readonly checkpoint: ExtendedSequenceNumber;
  /** See {@linkcode Lease.latestEpochMs}. */
  readonly latestEpochMs: number | undefined;
}

/** The shards that are not read to their end. Parents come first. */
export function unreadShards(shards: readonly Shard[], leases: readonly Lease[]): readonly UnreadShard[] {
  const inOrder = shards.toSorted(compareShards);
  const byShard = new Map(leases.map((lease) => [lease.shardId, lease]));
  /** Their descendants have leases: they were read to their end, and their own leases were deleted. */
  const wereRead = new Set<string>();
  for (const { shardId, ...shard } of inOrder.toReversed()) {
    if (!byShard.has(shardId) && !wereRead.has(shardId)) continue;
    for (const id of parentsOf({ shardId, ...shard })) wereRead.add(id);
  }
  const begun = new Set<string>();
  const unread: UnreadShard[] = [];
  for (const shard of inOrder) {
    const { shardId } = shard;
    const lease = byShard.get(shardId);
    if (lease !== undefined) {
      begun.add(shardId);
      const { checkpoint, latestEpochMs } = lease;
      if (!isShardEnd(checkpoint)) unread.push({ shard, checkpoint, latestEpochMs });
    } else if (parentsOf(shard).some((id) => begun.has(id))) {
      begun.add(shardId);
      if (wereRead.has(shardId)) continue;
      unread.push({ shard, checkpoint: positionAt("TRIM_HORIZON"), latestEpochMs: undefined });
    }
  }
  return unread;
}
