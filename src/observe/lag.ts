// Pure.
/**
 * How far each held shard has been read, as JSON for programs: the body of `/lag`.
 *
 * @module
 */

import type { ShardPhase } from "../events.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import { heldShards, lagMs } from "./shard_totals.ts";
import type { Snapshot } from "./totals.ts";

/** One shard of `/lag`. Null if nothing is known yet. */
export interface ShardLag {
  /** The shard id. */
  readonly shardId: string;
  /** The shard id, unless the worker reads many streams. */
  readonly leaseKey: string;
  /** The worker that holds the lease. */
  readonly owner: string;
  /** Where the consumer of the shard stands. */
  readonly phase: ShardPhase;
  /** The position up to which records are processed. */
  readonly checkpoint: ExtendedSequenceNumber;
  /** As Kinesis last reported it for the records that have been processed. */
  readonly millisBehindLatest: number | null;
  /** The same, grown by its age once it is older than 10 s: the figure to alarm on. */
  readonly lagMs: number | null;
  /** ISO 8601, UTC. */
  readonly lastProgress: string;
  /** How long ago the shard last made progress, in ms. */
  readonly msSinceProgress: number;
}

/** The held shards, by lease key. */
export function shardLags(snapshot: Snapshot): readonly ShardLag[] {
  return heldShards(snapshot.shards).map((shard) => {
    const msSinceProgress = Math.round(snapshot.atMs - shard.lastProgressMs);
    return {
      shardId: shard.shardId,
      leaseKey: shard.leaseKey,
      owner: shard.workerId,
      phase: shard.phase,
      checkpoint: shard.checkpoint,
      millisBehindLatest: shard.behind?.millisBehindLatest ?? null,
      lagMs: lagMs(shard, snapshot.atMs) ?? null,
      lastProgress: new Date(snapshot.epochMs - msSinceProgress).toISOString(),
      msSinceProgress,
    };
  });
}

/** The largest lag of all held shards, in ms; undefined while none is known. */
export function largestLagMs(snapshot: Snapshot): number | undefined {
  const lags = heldShards(snapshot.shards).flatMap((shard) => lagMs(shard, snapshot.atMs) ?? []);
  return lags.length === 0 ? undefined : lags.reduce((a, b) => Math.max(a, b));
}
