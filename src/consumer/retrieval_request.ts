// Pure.
/**
 * Decides what to read of a held lease, and from which position.
 *
 * @module
 */

import type { Lease } from "../lease/lease.ts";
import type { ReadStreak, RetrievalRequest } from "../retrieval/retrieval.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import type { HeldLease } from "./held_lease.ts";

/**
 * The counter of a lease at its first acquisition: created with 0, plus one for the assignment and one for
 * the new owner's first renewal. Any earlier owner has left a greater one.
 */
const FIRST_ACQUISITION = 2;

/**
 * @param lease The lease as it stood when its present processor began.
 * @param options.hasRead Whether the shard was read under this acquisition before.
 */
export function retrievalRequest(
  { leaseKey, shardId, fencingToken }: HeldLease,
  { checkpoint, latestEpochMs }: Lease,
  { initialPosition, hasRead, streak, mend }: {
    readonly initialPosition: InitialPosition;
    readonly hasRead: boolean;
    readonly streak: ReadStreak;
    readonly mend: string | undefined;
  },
): RetrievalRequest {
  const isFirstRead = !hasRead && fencingToken <= FIRST_ACQUISITION;
  return {
    leaseKey,
    shardId,
    checkpoint,
    initialPosition,
    createdAtLatest: latestEpochMs === undefined ? undefined : { epochMs: latestEpochMs, isFirstRead },
    streak,
    mend,
  };
}
