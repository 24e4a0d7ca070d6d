// Pure.
/**
 * Says what is to be read of a held lease, and from where.
 *
 * @module
 */

import type { RetrievalRequest } from "../retrieval/retrieval.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import type { HeldLease } from "./held_lease.ts";

/**
 * The counter of a lease at its first acquisition: created with 0, then one for the assignment and one for the new owner's
 * first renewal. Whoever had it before has left a greater one.
 */
const FIRST_ACQUISITION = 2;

/** @param hasRead Whether the shard was read under this acquisition before. */
export function retrievalRequest(
  held: HeldLease,
  initialPosition: InitialPosition,
  hasRead: boolean,
): RetrievalRequest {
  const { leaseKey, shardId, fencingToken, lease: { checkpoint, latestEpochMs } } = held;
  const isFirstRead = !hasRead && fencingToken <= FIRST_ACQUISITION;
  return {
    leaseKey,
    shardId,
    checkpoint,
    initialPosition,
    createdAtLatest: latestEpochMs === undefined ? undefined : { epochMs: latestEpochMs, isFirstRead },
  };
}
