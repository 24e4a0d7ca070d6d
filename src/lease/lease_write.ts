// Pure.
/**
 * Every write to an existing lease, as a value: KCL's write table, one function a row. A store needs a single
 * `apply(write)`; a refused condition is an outcome, not an exception.
 *
 * The counter alone fences renewals, checkpoints and the note of children. The pair of owners fences assign,
 * handoff and evict, and so does the counter if a lease counts as expired. A write without a condition on the
 * counter has one on `leaseKey`, so that no write brings back half an item of a deleted lease.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRefresher` and `DynamoDBLeaseSerializer`.
 *
 * @module
 */

import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { HashKeyRange } from "../stream/hash_key.ts";
import { type Incarnation, isOwnWrite, markText } from "./incarnation.ts";
import type { Lease } from "./lease.ts";

/**
 * The attributes of a lease item by their names in the table, with the JavaScript type of each.
 *
 * @experimental
 */
export interface LeaseAttributes {
  /** Grows by one with each renewal or change of owner. */
  readonly leaseCounter: number;
  /** The worker that the lease is assigned to. */
  readonly leaseOwner: string;
  /** During a graceful handoff, the worker that still processes. */
  readonly checkpointOwner: string;
  /** How many times the owner has changed since the last checkpoint. */
  readonly ownerSwitchesSinceCheckpoint: number;
  /** A sequence number, or `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP` or `SHARD_END`. */
  readonly checkpoint: string;
  /** The place within an aggregate at which the checkpoint is. */
  readonly checkpointSubSequenceNumber: number;
  /** The sequence number of a prepared checkpoint. */
  readonly pendingCheckpoint: string;
  /** The place within an aggregate of a prepared checkpoint. */
  readonly pendingCheckpointSubSequenceNumber: number;
  /** What the application stored with a prepared checkpoint. */
  readonly pendingCheckpointState: Uint8Array;
  /** A string set; never written empty. */
  readonly parentShardId: readonly string[];
  /** A string set; never written empty. */
  readonly childShardIds: readonly string[];
  /** The lowest hash key, as decimal text. */
  readonly startingHashKey: string;
  /** The highest hash key, inclusive, as decimal text. */
  readonly endingHashKey: string;
  /** What the owner measured, in KB/s. */
  readonly throughputKBps: number;
  /** When a lease at LATEST was created, in epoch ms. Java workers ignore it. */
  readonly kcliteLatestEpochMs: number;
  /** Added by {@linkcode marked} to each write that moves the counter. */
  readonly kcliteIncarnation: string;
  /** The stream that the lease is of, as `name:creation`. Java workers ignore it. */
  readonly kcliteStream: string;
  /** Which records after the checkpoint are finished. Java workers ignore it. */
  readonly kcliteDone: string;
  /** How far behind the owner is, and how fast; see `progress_write.ts`. Java workers ignore it. */
  readonly kcliteProgress: string;
  /** The stream's name. */
  readonly streamName: string;
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
}

/**
 * A name of an attribute of a lease item.
 *
 * @experimental
 */
export type LeaseAttribute = keyof LeaseAttributes;

/**
 * What must hold in the table for a write to be applied. All clauses together; at least one is always there.
 *
 * @experimental
 */
export interface LeaseCondition {
  /** The item exists. */
  readonly exists?: true;
  /** The counter equals this. */
  readonly leaseCounter?: number;
  /** The owner equals this; `null`: there is none. */
  readonly leaseOwner?: string | null;
  /** The checkpoint owner equals this; `null`: there is none. */
  readonly checkpointOwner?: string | null;
}

/**
 * The kinds of write, for events, tests and cost counts.
 *
 * @experimental
 */
export type LeaseOperation =
  | "renew"
  | "assign"
  | "startHandoff"
  | "evict"
  | "checkpoint"
  | "prepareCheckpoint"
  | "setChildShardIds"
  | "setHashKeyRange"
  /** Ours: see `stream_origin.ts`. */
  | "setStreamOrigin"
  /** Ours: see `reset_lease.ts`. */
  | "reset";

/**
 * One conditional update of one lease.
 *
 * @experimental
 */
export interface LeaseWrite {
  /** The API operation, e.g. `GetRecords`. */
  readonly operation: LeaseOperation;
  /** The lease's key: the shard id; with many streams `account:stream:epoch:shardId`. */
  readonly leaseKey: string;
  /** Attributes that are set. */
  readonly set: Partial<LeaseAttributes>;
  /** Added by the table itself, as KCL has it. */
  readonly add: Partial<Record<"leaseCounter" | "ownerSwitchesSinceCheckpoint", 1>>;
  /** Attributes that are removed. */
  readonly remove: readonly LeaseAttribute[];
  /** What must hold, or the write is refused. */
  readonly when: LeaseCondition;
}

/**
 * The heartbeat of an owner. Refused when a handoff began that we do not know of yet; once we know
 * (`checkpointOwner` in memory) the counter alone decides.
 *
 * @param throughputKBps Written when the owner has a figure, else left as it is.
 */
export function renew(lease: Lease, throughputKBps?: number): LeaseWrite {
  return {
    operation: "renew",
    leaseKey: lease.leaseKey,
    set: {
      leaseCounter: lease.leaseCounter + 1,
      ...(throughputKBps === undefined ? {} : { throughputKBps }),
    },
    add: {},
    remove: [],
    when: lease.checkpointOwner === undefined
      ? { leaseCounter: lease.leaseCounter, checkpointOwner: null }
      : { leaseCounter: lease.leaseCounter },
  };
}

/**
 * The leader gives the lease to a worker; also how the owner completes a handoff.
 *
 * Only while the counter is as it was read. This is stricter than KCL: KCL's two owners alone are no fence.
 * The owner of a lease that looked expired may have renewed since the read. And a delayed write may arrive
 * when its sender holds the lease again. In both cases two workers would deliver until the next heartbeat.
 */
export function assign(lease: Lease, workerId: string): LeaseWrite {
  return {
    operation: "assign",
    leaseKey: lease.leaseKey,
    set: { leaseOwner: workerId },
    add: { leaseCounter: 1, ...switches(lease, workerId) },
    remove: ["checkpointOwner"],
    when: unmoved(lease),
  };
}

/**
 * The leader requests a handoff from the owner. Does not change the counter, so that the owner's writes keep
 * working.
 */
export function startHandoff(lease: Lease & { readonly leaseOwner: string }, workerId: string): LeaseWrite {
  return {
    operation: "startHandoff",
    leaseKey: lease.leaseKey,
    set: { leaseOwner: workerId, checkpointOwner: lease.leaseOwner },
    add: {},
    remove: [],
    when: { exists: true, leaseOwner: lease.leaseOwner, checkpointOwner: null },
  };
}

/**
 * The lease becomes free; in a pending handoff it is assigned to the next owner instead. Fenced as
 * {@linkcode assign}.
 */
export function evict(lease: Lease): LeaseWrite {
  return {
    operation: "evict",
    leaseKey: lease.leaseKey,
    set: {},
    add: { leaseCounter: 1 },
    remove: lease.checkpointOwner === undefined ? ["leaseOwner", "checkpointOwner"] : ["checkpointOwner"],
    when: unmoved(lease),
  };
}

/**
 * Stores how far the shard is processed, clears what was prepared, and also renews the lease.
 *
 * @param finishedAhead Which records after `at` are finished: written with the checkpoint that it is bound
 * to. Without it, that of an earlier checkpoint is removed.
 */
export function checkpoint(lease: Lease, at: ExtendedSequenceNumber, finishedAhead?: string): LeaseWrite {
  return {
    operation: "checkpoint",
    leaseKey: lease.leaseKey,
    set: {
      leaseCounter: lease.leaseCounter + 1,
      checkpoint: at.sequenceNumber,
      checkpointSubSequenceNumber: at.subSequenceNumber,
      ownerSwitchesSinceCheckpoint: 0,
      ...(finishedAhead === undefined ? {} : { kcliteDone: finishedAhead }),
      ...knownAttributes(lease),
    },
    add: {},
    remove: [
      "pendingCheckpoint",
      "pendingCheckpointSubSequenceNumber",
      "pendingCheckpointState",
      // Otherwise a checkpoint that is set back to LATEST by hand would deliver everything since the lease
      // was created.
      ...(lease.latestEpochMs === undefined || at.sequenceNumber === "LATEST"
        ? []
        : ["kcliteLatestEpochMs" as const]),
      ...(lease.finishedAhead === undefined || finishedAhead !== undefined ? [] : ["kcliteDone" as const]),
    ],
    when: { leaseCounter: lease.leaseCounter },
  };
}

/**
 * First phase of a two-phase checkpoint: stores where the checkpoint will be, with bytes for the next
 * processor.
 */
export function prepareCheckpoint(lease: Lease, at: ExtendedSequenceNumber, state?: Uint8Array): LeaseWrite {
  return {
    operation: "prepareCheckpoint",
    leaseKey: lease.leaseKey,
    set: {
      leaseCounter: lease.leaseCounter + 1,
      checkpoint: lease.checkpoint.sequenceNumber,
      checkpointSubSequenceNumber: lease.checkpoint.subSequenceNumber,
      ownerSwitchesSinceCheckpoint: lease.ownerSwitchesSinceCheckpoint,
      pendingCheckpoint: at.sequenceNumber,
      pendingCheckpointSubSequenceNumber: at.subSequenceNumber,
      ...(state === undefined ? {} : { pendingCheckpointState: state }),
      ...knownAttributes(lease),
    },
    add: {},
    remove: state === undefined ? ["pendingCheckpointState"] : [],
    when: { leaseCounter: lease.leaseCounter },
  };
}

/**
 * Notes the children of an ended shard; not a heartbeat. `childShardIds` must not be empty.
 *
 * Refused once the counter has moved; stricter than KCL, where the item need only exist. The owner keeps what
 * the table answers as its lease. Without the fence it could continue with the counter of a lease that
 * another worker owns by now.
 */
export function setChildShardIds(lease: Lease, childShardIds: readonly string[]): LeaseWrite {
  return {
    operation: "setChildShardIds",
    leaseKey: lease.leaseKey,
    set: { childShardIds },
    add: {},
    remove: [],
    when: { leaseCounter: lease.leaseCounter },
  };
}

/** The leader fills in the hash key range of a lease that an old version wrote. */
export function setHashKeyRange(lease: Lease, range: HashKeyRange): LeaseWrite {
  return {
    operation: "setHashKeyRange",
    leaseKey: lease.leaseKey,
    set: { startingHashKey: range.startingHashKey, endingHashKey: range.endingHashKey },
    add: {},
    remove: [],
    when: { exists: true },
  };
}

/** The write with its mark, if it moves the counter; else unchanged. */
export function marked(write: LeaseWrite, incarnation: Incarnation): LeaseWrite {
  const leaseCounter = counterWritten(write);
  if (leaseCounter === undefined) return write;
  return { ...write, set: { ...write.set, kcliteIncarnation: markText(incarnation, leaseCounter) } };
}

/**
 * Whether a refused write had been applied before, with its first answer lost. What it would have written is
 * in the table, one step of the counter further, and the mark is ours.
 *
 * @param lease The lease as it was read before the write.
 * @param found What is in the table now.
 * @param own This process: another one of the same name may have made the same step.
 */
export function wasApplied(
  write: LeaseWrite,
  lease: Lease,
  found: Lease | undefined,
  own: Incarnation,
): boolean {
  if (found === undefined || found.leaseCounter !== lease.leaseCounter + 1) return false;
  if (!isOwnWrite(found, own)) return false;
  switch (write.operation) {
    case "renew":
      return found.leaseOwner === lease.leaseOwner && found.checkpointOwner === lease.checkpointOwner;
    case "checkpoint":
      return found.leaseOwner === lease.leaseOwner &&
        found.checkpoint.sequenceNumber === write.set.checkpoint &&
        found.checkpoint.subSequenceNumber === write.set.checkpointSubSequenceNumber &&
        found.finishedAhead === write.set.kcliteDone;
    case "prepareCheckpoint":
      return found.leaseOwner === lease.leaseOwner &&
        found.pendingCheckpoint?.sequenceNumber === write.set.pendingCheckpoint &&
        found.pendingCheckpoint?.subSequenceNumber === write.set.pendingCheckpointSubSequenceNumber;
    case "assign":
      return found.leaseOwner === write.set.leaseOwner && found.checkpointOwner === undefined;
    case "evict":
      return found.checkpointOwner === undefined &&
        found.leaseOwner === (lease.checkpointOwner === undefined ? undefined : lease.leaseOwner);
    // By an operator's command, which has no incarnation: see `reset_lease.wasReset()`.
    case "reset":
    // The rest leave the counter alone.
    case "startHandoff":
    case "setChildShardIds":
    case "setHashKeyRange":
    case "setStreamOrigin":
      return false;
  }
}

/** A switch is counted when the lease leaves an owner, not when a handoff completes as planned. */
function switches(lease: Lease, workerId: string): { ownerSwitchesSinceCheckpoint?: 1 } {
  const leaves = lease.leaseOwner !== undefined && lease.leaseOwner !== workerId;
  const isTakenBack = lease.checkpointOwner !== undefined && lease.checkpointOwner === workerId;
  return leaves || isTakenBack ? { ownerSwitchesSinceCheckpoint: 1 } : {};
}

function unmoved(lease: Lease): LeaseCondition {
  return {
    exists: true,
    leaseCounter: lease.leaseCounter,
    leaseOwner: lease.leaseOwner ?? null,
    checkpointOwner: lease.checkpointOwner ?? null,
  };
}

/** What a checkpoint writes along when the owner knows it. */
function knownAttributes(lease: Lease): Partial<LeaseAttributes> {
  return {
    ...(lease.childShardIds.length === 0 ? {} : { childShardIds: lease.childShardIds }),
    ...(lease.hashKeyRange === undefined ? {} : {
      startingHashKey: lease.hashKeyRange.startingHashKey,
      endingHashKey: lease.hashKeyRange.endingHashKey,
    }),
    ...(lease.streamIdentifier === undefined
      ? {}
      : { streamName: lease.streamIdentifier, shardId: lease.shardId }),
  };
}

/** The counter to which a write brings the lease; undefined when it leaves the counter alone. */
function counterWritten({ set, add, when }: LeaseWrite): number | undefined {
  if (set.leaseCounter !== undefined) return set.leaseCounter;
  // A write that adds to the counter also names the counter's old value, so the new value is known.
  return add.leaseCounter === undefined || when.leaseCounter === undefined
    ? undefined
    : when.leaseCounter + add.leaseCounter;
}
