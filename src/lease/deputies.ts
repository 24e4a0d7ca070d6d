// Pure.
/**
 * Decides which workers watch the leases while no leader is seen. So one of them can lead without having to
 * count from zero.
 *
 * Not all workers watch: each look reads the whole table. Hundreds of workers that look together would use up
 * the table's capacity in the very seconds in which leases must be renewed. A worker does not know the fleet
 * without such a look, but it knows its own leases. So a worker is a deputy if one of these holds:
 *
 * - its leases cover 1/16 of the hash keys or more (in a small fleet: every worker);
 * - they contain one of eight fixed hash keys (in a large fleet: at most eight workers);
 * - it holds no lease.
 *
 * If all deputies die with the leader, another worker leads a little later, and counts from zero.
 *
 * KCL has no such rule: there no worker watches, and each new leader counts from zero.
 *
 * @module
 */

import type { Lease } from "./lease.ts";
import { MAX_HASH_KEY } from "../stream/hash_key.ts";
import { isShardEnd } from "../stream/sequence_number.ts";

/**
 * A worker that reads this part of all hash keys is a deputy: every worker of an even fleet of up to some
 * eight.
 */
const PART = MAX_HASH_KEY / 16n;

/**
 * One in each eighth of all hash keys, at changing places, so that leases handed out in turn fall to several
 * workers.
 */
const KEYS: readonly bigint[] = Array.from({ length: 8 }, (_, eighth) => {
  const place = (eighth * 0.618033988749895) % 1;
  return MAX_HASH_KEY / 1_000_000n * BigInt(Math.floor((eighth + place) / 8 * 1e6));
});

/** Whether a worker that holds these leases is a deputy. */
export function isDeputy(held: readonly Pick<Lease, "hashKeyRange" | "checkpoint">[]): boolean {
  const unfinished = held.filter((lease) => !isShardEnd(lease.checkpoint));
  let width = 0n;
  for (const { hashKeyRange: range } of unfinished) {
    if (range === undefined) return true; // it may be any
    const start = BigInt(range.startingHashKey), end = BigInt(range.endingHashKey);
    if (KEYS.some((key) => start <= key && key <= end)) return true;
    width += end - start;
  }
  return unfinished.length === 0 || width >= PART;
}
