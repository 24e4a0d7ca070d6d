// Pure.
/**
 * Who reads which part of a stream's hash keys, from its unfinished leases. Parents and children overlap
 * while a reshard is worked off: the parent's lease shows who reads then.
 *
 * @module
 */

import { hasHashKeys, type HashKeyRange } from "../../stream/hash_key.ts";
import { parseIdentifier } from "../../stream/stream_identifier.ts";
import type { StreamRanges } from "./fleet_picture.ts";

/** What is taken of an unfinished lease. */
export interface RangedLease {
  readonly leaseKey: string;
  readonly streamIdentifier: string | undefined;
  /** Undefined: nobody has it. */
  readonly owner: string | undefined;
  /** Undefined on leases of old versions. */
  readonly hashKeyRange: HashKeyRange | undefined;
  /** Whether its parents come first. */
  readonly isWaiting: boolean;
}

type Part = StreamRanges["parts"][number];

/**
 * Of each stream, by name. The name of the one stream of a table that names none is empty. The stream of a
 * DynamoDB table has no parts: its shards have no hash keys.
 */
export function rangesOf(leases: readonly RangedLease[]): readonly StreamRanges[] {
  const streams = Map.groupBy(leases, ({ streamIdentifier }) => streamIdentifier ?? "");
  return [...streams].map(([identifier, own]) => ({
    streamName: parseIdentifier(identifier)?.streamName ?? identifier,
    parts: own.some(({ hashKeyRange }) => hasHashKeys(hashKeyRange)) ? partsOf(own) : [],
  })).toSorted((a, b) => a.streamName < b.streamName ? -1 : 1);
}

/** Where a range is unknown, nothing is called a hole. */
function partsOf(leases: readonly RangedLease[]): readonly Part[] {
  const read = laid([], leases.filter(({ isWaiting }) => !isWaiting));
  const all = laid(read, leases.filter(({ isWaiting }) => isWaiting));
  if (leases.some(({ hashKeyRange }) => hashKeyRange === undefined)) return all;
  return all.concat(gapsIn(all)).toSorted((a, b) => a.from - b.from);
}

/** Puts leases where none is yet. */
function laid(parts: readonly Part[], leases: readonly RangedLease[]): readonly Part[] {
  const wanted = leases.flatMap((lease) => {
    const range = lease.hashKeyRange;
    if (range === undefined) return [];
    return [{ from: part(BigInt(range.startingHashKey)), to: part(BigInt(range.endingHashKey) + 1n), lease }];
  }).toSorted((a, b) => a.from - b.from || b.to - a.to);
  const gaps = gapsIn(parts);
  const found: Part[] = [...parts];
  let next = 0, gap = 0;
  for (const { from, to, lease: { leaseKey, owner } } of wanted) {
    while (gap < gaps.length && (gaps[gap]?.to ?? 0) <= from) gap++;
    for (let g = gap; g < gaps.length && (gaps[g]?.from ?? 1) < to; g++) {
      const begin = Math.max(from, next, gaps[g]?.from ?? 0), end = Math.min(to, gaps[g]?.to ?? 1);
      if (begin < end) found.push({ from: begin, to: end, leaseKey, owner });
    }
    next = Math.max(next, to);
  }
  return found.toSorted((a, b) => a.from - b.from);
}

function gapsIn(parts: readonly Part[]): readonly Part[] {
  const gaps: Part[] = [];
  let next = 0;
  for (const { from, to } of [...parts, { from: 1, to: 1 }]) {
    if (from > next) gaps.push({ from: next, to: from, leaseKey: undefined, owner: undefined });
    next = Math.max(next, to);
  }
  return gaps;
}

/** Of the whole, 0 to 1. Neighbours have the very same border, since it is made of the same number. */
function part(hashKey: bigint): number {
  return Number(hashKey) / 2 ** 128;
}
