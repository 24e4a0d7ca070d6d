// Pure.
/**
 * Hash key ranges: the part of 0 … 2^128−1 that a shard serves, both ends included.
 *
 * @module
 */

/** A range of hash keys as the APIs and the lease table write it: decimal text, both ends included. */
export interface HashKeyRange {
  /** The lowest hash key. */
  readonly startingHashKey: string;
  /** The highest hash key, inclusive. */
  readonly endingHashKey: string;
}

/** The greatest hash key, 2^128 − 1. */
export const MAX_HASH_KEY: bigint = (1n << 128n) - 1n;

/**
 * Whether a shard serves hash keys of its own. Those of a table's stream do not: the adapter of AWS writes
 * 0 … 1 for each of them. No shard of Kinesis has so few.
 */
export function hasHashKeys(range: HashKeyRange | undefined): boolean {
  return range?.endingHashKey !== "1" || range.startingHashKey !== "0";
}

/**
 * The first part of 0 … 2^128−1 that no range covers, or undefined when all is covered. Overlaps are fine.
 * Shards without hash keys of their own leave none uncovered.
 */
export function firstHole(ranges: readonly HashKeyRange[]): HashKeyRange | undefined {
  if (ranges.length > 0 && !ranges.some(hasHashKeys)) return undefined;
  // Read once each: a stream may have ten thousand, and sorting compares each of them many times.
  const parts = ranges.map(({ startingHashKey, endingHashKey }) => ({
    start: BigInt(startingHashKey),
    end: BigInt(endingHashKey),
  })).toSorted((a, b) => a.start < b.start ? -1 : Number(a.start > b.start));
  let next = 0n;
  for (const { start, end } of parts) {
    if (start > next) return { startingHashKey: `${next}`, endingHashKey: `${start - 1n}` };
    if (end >= next) next = end + 1n;
  }
  return next > MAX_HASH_KEY ? undefined : { startingHashKey: `${next}`, endingHashKey: `${MAX_HASH_KEY}` };
}
