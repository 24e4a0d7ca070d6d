// Pure.
/**
 * A lease: the right to read one shard, and how far it has been read.
 *
 * No lease carries a time. Whether another worker's lease has expired is found by watching its counter on our
 * own clock (`expiry.ts`), never by comparing clocks.
 *
 * Source: KCL 3.5.1, `Lease` and `MultiStreamLease`.
 *
 * @module
 */

import { type ExtendedSequenceNumber, isShardEnd } from "../stream/sequence_number.ts";
import type { HashKeyRange } from "../stream/hash_key.ts";
import { lastWriter, type LeaseMark } from "./incarnation.ts";
import type { LeaseProgress } from "./lease_progress.ts";

/**
 * One row of the lease table, as read.
 *
 * @experimental
 */
export interface Lease {
  /** The shard id; with many streams `account:stream:epoch:shardId`. Not the same thing as `shardId`. */
  readonly leaseKey: string;
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** `account:stream:epoch` in a many-streams table, else undefined. */
  readonly streamIdentifier: string | undefined;
  /** Grows with every write that an owner or a leader makes: heartbeat and optimistic lock in one. */
  readonly leaseCounter: number;
  /** The worker that the lease is assigned to. While a graceful handoff is pending, the NEXT owner. */
  readonly leaseOwner: string | undefined;
  /** Present only while a graceful handoff is pending: the worker that still processes. */
  readonly checkpointOwner: string | undefined;
  /** How many times the owner has changed since the last checkpoint. */
  readonly ownerSwitchesSinceCheckpoint: number;
  /** The position up to which records are processed. */
  readonly checkpoint: ExtendedSequenceNumber;
  /**
   * Wall time in ms at which the lease was created at LATEST, until its first checkpoint; ours, Java leaves
   * it alone.
   */
  readonly latestEpochMs: number | undefined;
  /**
   * The stream that the lease is of, as `name:creation`; ours, Java leaves it alone. Undefined until a leader
   * has marked it.
   */
  readonly streamOrigin?: string | undefined;
  /**
   * Which records after the checkpoint are finished, as `failures/done_map` writes it with the checkpoint;
   * ours, Java leaves it alone. Leasing does not look inside.
   */
  readonly finishedAhead?: string | undefined;
  /** A prepared checkpoint that is not committed yet. */
  readonly pendingCheckpoint: ExtendedSequenceNumber | undefined;
  /** What the application stored with the prepared checkpoint. */
  readonly pendingCheckpointState: Uint8Array | undefined;
  /** Plain shard ids, both of them after a merge. */
  readonly parentShardIds: readonly string[];
  /** The shards that continue this one; empty until it has ended. */
  readonly childShardIds: readonly string[];
  /** Undefined on leases written by old versions, until the leader fills it in. */
  readonly hashKeyRange: HashKeyRange | undefined;
  /** KB/s (1024) as its owner measured it. */
  readonly throughputKBps: number | undefined;
  /**
   * Left by our last write that moved the counter; Java does not change the mark. It names the last writer
   * only if its counter equals the lease's: use `incarnation.lastWriter()`.
   */
  readonly mark: LeaseMark | undefined;
  /**
   * How far behind its owner was at its last renewal, and how fast; ours, Java leaves it alone. It counts
   * only if that owner was the last writer. A store may leave it out: then no lag of the fleet is shown.
   */
  readonly progress?: LeaseProgress | undefined;
}

/**
 * What a new lease is made of; the rest of its attributes start at zero or absent.
 *
 * @experimental
 */
export interface NewLease {
  /** The lease's key: the shard id; with many streams `account:stream:epoch:shardId`. */
  readonly leaseKey: string;
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** `account:stream:epoch` in a table of many streams, else undefined. */
  readonly streamIdentifier: string | undefined;
  /** The position up to which records are processed. */
  readonly checkpoint: ExtendedSequenceNumber;
  /** Wall time in ms, to be kept with a checkpoint LATEST; see {@linkcode Lease.latestEpochMs}. */
  readonly latestEpochMs?: number | undefined;
  /** See {@linkcode Lease.streamOrigin}. */
  readonly streamOrigin?: string | undefined;
  /** The shards that this one continues: none, one or two. */
  readonly parentShardIds: readonly string[];
  /** The hash keys of the shard. */
  readonly hashKeyRange: HashKeyRange;
}

/** The worker that processes the shard now: the checkpoint owner during a handoff, else the lease owner. */
export function actualOwner(lease: Lease): string | undefined {
  return lease.checkpointOwner ?? lease.leaseOwner;
}

/**
 * What the owner of an unfinished lease last reported of its work. Undefined when it has reported nothing,
 * and where another wrote last, e.g. KCL for Java or a leader: what stands there may be of long ago.
 */
export function progressOf(lease: Lease): LeaseProgress | undefined {
  const writer = lastWriter(lease)?.workerId;
  const isOwners = writer !== undefined && writer === actualOwner(lease) && !isShardEnd(lease.checkpoint);
  return isOwners ? lease.progress : undefined;
}

/**
 * The lease key of a shard: the shard id, or with the stream's identifier before it in a many-streams table.
 */
export function leaseKeyOf(shardId: string, streamIdentifier?: string): string {
  return streamIdentifier === undefined ? shardId : `${streamIdentifier}:${shardId}`;
}
