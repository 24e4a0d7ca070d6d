// Pure.
/**
 * Decides which workers watch the leases while the leader seems to be gone, so that one of them can lead without having to
 * count from zero.
 *
 * Not all of them: each look reads the whole table, and a fleet of hundreds that looked together would use up what the
 * table can give in the very seconds in which leases must be renewed. Nobody knows the fleet without such a look, but
 * each worker knows its own leases. So a deputy is who reads a good part of the hash keys, which is everybody in a small
 * fleet, and who reads one of a few keys, which are some in a large one; and who reads nothing: it stands by. Should all
 * deputies die with the leader, the others lead a little later, and count from zero.
 *
 * KCL has no such rule: there nobody watches, and each new leader counts from zero.
 *
 * @module
 */

import type { Lease } from "./lease.ts";
import { MAX_HASH_KEY } from "../stream/hash_key.ts";
import { isShardEnd } from "../stream/sequence_number.ts";

/** Who reads this part of all hash keys is a deputy: everybody in an even fleet of up to eight workers or so. */
const PART = MAX_HASH_KEY / 16n;

/** One in each eighth of all hash keys, at changing places, so that leases handed out in turn fall to several workers. */
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
