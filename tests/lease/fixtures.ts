/**
 * Leases, shards and metrics items of all tests. `leaseOf()` and `shardsOf()` take short forms, as the case tables write them.
 *
 * @module
 */

import type { WorkerMetrics } from "../../src/lease/coordinator_store.ts";
import { markIn } from "../../src/lease/incarnation.ts";
import type { Lease, NewLease } from "../../src/lease/lease.ts";
import { type HashKeyRange, MAX_HASH_KEY } from "../../src/stream/hash_key.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import type { Shard } from "../../src/stream/shard.ts";

/** A lease as a case table writes it; what is left out is as in a fresh lease. */
export interface ShortLease {
  readonly key: string;
  readonly owner?: string | undefined;
  readonly checkpointOwner?: string | undefined;
  readonly counter?: number | undefined;
  /** A sequence number or a sentinel. */
  readonly checkpoint?: string | undefined;
  readonly parents?: readonly string[] | undefined;
  readonly children?: readonly string[] | undefined;
  readonly kBps?: number | undefined;
  /** `<worker>/<generation>/<nonce>/<counter>`. */
  readonly mark?: string | undefined;
}

/** The lease of a case table, made whole; it covers no hash keys. */
export function leaseOf(short: ShortLease): Lease {
  return {
    leaseKey: short.key,
    shardId: short.key,
    streamIdentifier: undefined,
    leaseCounter: short.counter ?? 0,
    leaseOwner: short.owner,
    checkpointOwner: short.checkpointOwner,
    ownerSwitchesSinceCheckpoint: 0,
    checkpoint: positionAt(short.checkpoint ?? "TRIM_HORIZON"),
    pendingCheckpoint: undefined,
    pendingCheckpointState: undefined,
    latestEpochMs: undefined,
    parentShardIds: short.parents ?? [],
    childShardIds: short.children ?? [],
    hashKeyRange: undefined,
    throughputKBps: short.kBps,
    mark: markIn(short.mark ?? ""),
  };
}

/** The shard of {@linkcode leaseWith} and {@linkcode newLease}. */
export const SHARD_ID = "shardId-000000000000";
const ALL_HASH_KEYS: HashKeyRange = { startingHashKey: "0", endingHashKey: `${MAX_HASH_KEY}` };

/** A lease that this worker, "me", holds on all hash keys, with some of it changed. */
export function leaseWith(changes: Partial<Lease> = {}): Lease {
  return { ...leaseOf({ key: SHARD_ID, owner: "me" }), hashKeyRange: ALL_HASH_KEYS, ...changes };
}

/** A lease as shard sync would ask for, on all hash keys, with some of it changed. */
export function newLease(shardId: string = SHARD_ID, changes: Partial<NewLease> = {}): NewLease {
  return {
    leaseKey: shardId,
    shardId,
    streamIdentifier: undefined,
    checkpoint: positionAt("TRIM_HORIZON"),
    parentShardIds: [],
    hashKeyRange: ALL_HASH_KEYS,
    ...changes,
  };
}

/** A shard as a case table writes it: `from` (included) and `to` (excluded) count parts of all hash keys. */
export interface ShortShard {
  readonly id: string;
  readonly parents?: readonly string[] | undefined;
  readonly from: number;
  readonly to: number;
  readonly closed?: boolean | undefined;
  /** Starting sequence number; by default the place in the list. */
  readonly start?: number | undefined;
}

/** @param parts Into how many parts the hash keys are divided. */
export function shardsOf(shorts: readonly ShortShard[], parts: number): Shard[] {
  return shorts.map((short, place) => ({
    shardId: short.id,
    parentShardId: short.parents?.[0],
    adjacentParentShardId: short.parents?.[1],
    hashKeyRange: rangeOf(short.from, short.to, parts),
    startingSequenceNumber: `${short.start ?? place}`,
    endingSequenceNumber: short.closed ? `${1000 + place}` : undefined,
  }));
}

/** The parts `from` (included) to `to` (excluded) of all hash keys. */
export function rangeOf(from: number, to: number, parts: number): HashKeyRange {
  const at = (part: number) => (BigInt(part) << 128n) / BigInt(parts);
  return { startingHashKey: `${at(from)}`, endingHashKey: `${at(to) - 1n}` };
}

/** The item of a worker that measures nothing, unless `stats` are given. */
export function metricsOf(
  workerId: string,
  lastUpdateEpochS: number | undefined,
  stats: Readonly<Record<string, readonly number[]>> = {},
  limit = 100,
): WorkerMetrics {
  return {
    workerId,
    lastUpdateEpochS,
    stats,
    operatingRange: Object.fromEntries(Object.keys(stats).map((name) => [name, [limit]])),
    supportCode: undefined,
    supportEpochS: undefined,
  };
}

/** A seeded stream of chance (mulberry32), for decisions that take one. */
export function chanceOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
