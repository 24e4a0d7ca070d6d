// Pure.
/**
 * Audits whether a stream's unfinished leases cover all of its hash keys. They should at any time: the
 * children of a shard get their leases before its own is finished. A hole means records that no worker will
 * read.
 *
 * A hole must be seen several times, unchanged, before it is acted on. A listing is eventually consistent and
 * may show a reshard half done. Overlaps are normal: parents and children exist at the same time.
 *
 * Source: KCL 3.5.1, `PeriodicShardSyncManager`.
 *
 * @module
 */

import { AUDIT_CONFIDENCE } from "./audits.ts";
import type { Lease } from "./lease.ts";
import { firstHole, hasHashKeys, type HashKeyRange } from "../stream/hash_key.ts";
import { isSentinel, isShardEnd } from "../stream/sequence_number.ts";
import type { Shard } from "../stream/shard.ts";

/** A hole, and how many audits in a row have seen it. */
export interface HoleSighting {
  readonly hole: HashKeyRange;
  readonly times: number;
}

/** What an audit finds. */
export interface Audit {
  /** To be handed to the next audit; undefined when all is covered. */
  readonly sighting: HoleSighting | undefined;
  /** Whether the shards are to be listed and missing leases created now. */
  readonly syncNow: boolean;
}

/**
 * Whether the first leases of a table are still being made. There are none, or none of them was ever given to
 * a worker: a leader that failed half way leaves them so. A leader gives out leases only once it has made all
 * of them.
 */
export function areFirstLeasesUnfinished(leases: readonly Lease[]): boolean {
  return leases.every(({ leaseCounter, leaseOwner, checkpoint }) =>
    leaseCounter === 0 && leaseOwner === undefined && isSentinel(checkpoint) && !isShardEnd(checkpoint)
  );
}

/**
 * Audits the leases of one stream. A stream without any lease is to be synced immediately, as is a stream
 * whose first leases are not complete. Waiting would lose the records that arrive meanwhile if the
 * application starts at LATEST. The count goes on after a sync, so that a hole which stays is acted on at
 * every audit.
 *
 * @param before What the last audit of this stream saw.
 * @param leases All leases of the stream. Those whose range is not known are passed over: see
 * {@linkcode missingRanges}.
 */
export function auditLeases(before: HoleSighting | undefined, leases: readonly Lease[]): Audit {
  if (leases.length === 0) return { sighting: undefined, syncNow: true };
  const hole = holeIn(leases);
  if (hole === undefined) return { sighting: undefined, syncNow: false };
  const isSame = before?.hole.startingHashKey === hole.startingHashKey &&
    before.hole.endingHashKey === hole.endingHashKey;
  const times = isSame ? before.times + 1 : 1;
  const syncNow = times >= AUDIT_CONFIDENCE || areFirstLeasesUnfinished(leases);
  return { sighting: { hole, times }, syncNow };
}

/**
 * The leases that a leader may give out. Leases of a stream that has only some of its first leases are held
 * back. Once one of them was given out, it would not show any more that the others are still to be made.
 * Leases of unknown range are given out.
 *
 * @param leases Those of all streams.
 */
export function leasesToGiveOut(leases: readonly Lease[]): readonly Lease[] {
  const isHeldBack = new Map<string | undefined, boolean>();
  for (const [stream, own] of leasesByStream(leases)) {
    const areKnown = own.every((lease) => lease.hashKeyRange !== undefined);
    isHeldBack.set(stream, areKnown && areFirstLeasesUnfinished(own) && holeIn(own) !== undefined);
  }
  return leases.filter(({ streamIdentifier }) => isHeldBack.get(streamIdentifier) === false);
}

/** Leases by their stream. Undefined stands for the one stream of a table that has no other. */
export function leasesByStream(leases: readonly Lease[]): ReadonlyMap<string | undefined, readonly Lease[]> {
  const groups = new Map<string | undefined, Lease[]>();
  for (const lease of leases) {
    const group = groups.get(lease.streamIdentifier);
    if (group === undefined) groups.set(lease.streamIdentifier, [lease]);
    else group.push(lease);
  }
  return groups;
}

function holeIn(leases: readonly Lease[]): HashKeyRange | undefined {
  // Those without hash keys count also when all of them are done: there is nothing to cover.
  const unfinished = leases.filter(({ checkpoint, hashKeyRange }) =>
    !isShardEnd(checkpoint) || !hasHashKeys(hashKeyRange)
  );
  return firstHole(unfinished.map((lease) => lease.hashKeyRange).filter((range) => range !== undefined));
}

/**
 * Unfinished leases without a hash key range, as old versions wrote them, with the range that their shard
 * has.
 */
export function missingRanges(
  leases: readonly Lease[],
  shards: readonly Shard[],
): { readonly lease: Lease; readonly range: HashKeyRange }[] {
  const ranges = new Map(shards.map((shard) => [shard.shardId, shard.hashKeyRange]));
  return leases.flatMap((lease) => {
    const range = ranges.get(lease.shardId);
    const isMissing = lease.hashKeyRange === undefined && !isShardEnd(lease.checkpoint);
    return isMissing && range !== undefined ? [{ lease, range }] : [];
  });
}
