// Pure.
/**
 * Hash key ranges: the part of 0 … 2^128−1 that a shard serves, both ends included.
 *
 * @module
 */

/** A range of hash keys as the APIs and the lease table write it: decimal text, both ends included. */
export interface HashKeyRange {
  readonly startingHashKey: string;
  readonly endingHashKey: string;
}

/** The greatest hash key, 2^128 − 1. */
export const MAX_HASH_KEY: bigint = (1n << 128n) - 1n;

/** Orders ranges by their start, then by their end. */
export function compareRanges(a: HashKeyRange, b: HashKeyRange): number {
  const starts = BigInt(a.startingHashKey) - BigInt(b.startingHashKey);
  if (starts !== 0n) return starts < 0n ? -1 : 1;
  const ends = BigInt(a.endingHashKey) - BigInt(b.endingHashKey);
  return ends === 0n ? 0 : ends < 0n ? -1 : 1;
}

/** The first part of 0 … 2^128−1 that no range covers, or undefined when all is covered. Overlaps are fine. */
export function firstHole(ranges: readonly HashKeyRange[]): HashKeyRange | undefined {
  let next = 0n;
  for (const range of ranges.toSorted(compareRanges)) {
    const start = BigInt(range.startingHashKey);
    if (start > next) return { startingHashKey: `${next}`, endingHashKey: `${start - 1n}` };
    const end = BigInt(range.endingHashKey);
    if (end >= next) next = end + 1n;
  }
  return next > MAX_HASH_KEY ? undefined : { startingHashKey: `${next}`, endingHashKey: `${MAX_HASH_KEY}` };
}
