// Pure.
/**
 * Decides which leases a stream needs beyond those it has.
 *
 * One level of shards only: the oldest that closes the gap. The children of a shard get their leases when
 * that shard ends (`child_leases.ts`). So no lease starts before the data ahead of it is read.
 *
 * A listing that cannot be trusted creates nothing: it is read again. Nothing here ever deletes.
 *
 * Source: KCL 3.5.1, `HierarchicalShardSyncer`.
 *
 * @module
 */

import { type Lease, leaseKeyOf, type NewLease } from "./lease.ts";
import { firstHole } from "../stream/hash_key.ts";
import { compareShards, isOpen, parentsOf, type Shard } from "../stream/shard.ts";
import {
  type ExtendedSequenceNumber,
  type InitialPosition,
  isShardEnd,
  positionAt,
  sentinelOf,
} from "../stream/sequence_number.ts";

/** What a sync looks at. */
export interface ShardSyncInput {
  /**
   * The stream's shards. For a stream without leases listed with the filter of {@linkcode shardFilterOf},
   * where the service knows filters; else all of them.
   */
  readonly shards: readonly Shard[];
  /**
   * The leases of this stream. KCL recognises a first sync by the whole table. With many streams, later ones
   * are not checked for completeness there, and are read from further back than AT_TIMESTAMP asks.
   */
  readonly leases: readonly Lease[];
  /** Whether the stream has no leases, or only some of its first ones: then `shards` is filtered. */
  readonly isFirstSync: boolean;
  readonly initialPosition: InitialPosition;
  /**
   * When the first leases were begun, in ms since 1970. Set if some of them exist and the initial position is
   * LATEST. LATEST then means the tip at that time.
   */
  readonly begunAtLatestMs?: number | undefined;
  /** `account:stream:epoch` in a many-streams table, else undefined. */
  readonly streamIdentifier: string | undefined;
  /** Whether a shard whose parent is still open is passed over, instead of the whole listing. */
  readonly ignoreUnexpectedChildShards: boolean;
}

/** The result of a sync. */
export type ShardSyncPlan =
  /** Leases to create, in this order, each unless it exists. */
  | { readonly type: "create"; readonly leases: readonly NewLease[] }
  /** The listing cannot be used; list again in a while. */
  | {
    readonly type: "relist";
    readonly reason: "noShards" | "inconsistent" | "incomplete";
    readonly problem: string;
  };

/** Decides which leases to create. */
export function leasesToCreate(input: ShardSyncInput): ShardSyncPlan {
  const { shards, ignoreUnexpectedChildShards } = input;
  if (shards.length === 0) {
    return { type: "relist", reason: "noShards", problem: "the stream lists no shards" };
  }
  const unexpected = unexpectedChildren(shards);
  if (unexpected.size > 0 && !ignoreUnexpectedChildShards) {
    const problem = `a parent is still open for ${[...unexpected].join(", ")}`;
    return { type: "relist", reason: "inconsistent", problem };
  }
  const expected = shards.filter((shard) => !unexpected.has(shard.shardId));
  return input.isFirstSync ? firstLeases(expected, input) : missingLeases(shards, expected, input);
}

/** The filter with which the shards are listed when a stream has no leases yet. */
export function shardFilterOf(
  position: InitialPosition,
): { readonly type: "AT_LATEST" | "AT_TRIM_HORIZON" } | {
  readonly type: "AT_TIMESTAMP";
  readonly timestampMs: number;
} {
  if (position instanceof Date) return { type: "AT_TIMESTAMP", timestampMs: position.getTime() };
  return { type: position === "LATEST" ? "AT_LATEST" : "AT_TRIM_HORIZON" };
}

/** Shards that a listing shows although a parent of theirs is open: it was read during a reshard. */
function unexpectedChildren(shards: readonly Shard[]): ReadonlySet<string> {
  const open = new Set(shards.filter(isOpen).map((shard) => shard.shardId));
  return new Set(
    shards.filter((shard) => parentsOf(shard).some((parent) => open.has(parent))).map((shard) =>
      shard.shardId
    ),
  );
}

/**
 * The first leases of a stream, or those of them that are still missing: the shards that were open at the
 * initial position.
 *
 * The service filters, but emulators may ignore the filter and list all shards. So the listing is filtered
 * here once more, which changes nothing in a filtered listing. LATEST: the open shards. The other two: the
 * shards without a parent in the listing. For AT_TIMESTAMP that goes further back than needed, since a
 * listing does not say when a shard was opened. Shards that ended before the timestamp have no records after
 * it, and their children are read from their start, as always. So a service without filters may deliver
 * records that are older than the timestamp, and never too few.
 */
function firstLeases(shards: readonly Shard[], input: ShardSyncInput): ShardSyncPlan {
  const { initialPosition, begunAtLatestMs } = input;
  const listed = new Set(shards.map((shard) => shard.shardId));
  const leased = new Set(input.leases.map((lease) => lease.shardId));
  const isOldest = (shard: Shard) => !parentsOf(shard).some((parent) => listed.has(parent));
  const isNow = initialPosition === "LATEST" && begunAtLatestMs === undefined;
  const wanted = shards.filter(isNow ? isOpen : isOldest);
  const hole = firstHole(wanted.map((shard) => shard.hashKeyRange));
  if (hole !== undefined) {
    const problem = `no shard serves hash keys ${hole.startingHashKey} to ${hole.endingHashKey}`;
    return { type: "relist", reason: "incomplete", problem };
  }
  const checkpoint = positionAt(sentinelOf(initialPosition));
  const missing = wanted.filter((shard) => !leased.has(shard.shardId));
  return newLeases(missing.map((shard) => ({ shard, checkpoint })), input);
}

/**
 * The leases that are missing from a table that has some. With them, every open shard has a lease or descends
 * from a shard that has one.
 *
 * Each open shard without a lease is traced back through its listed parents. If none of its ancestors has a
 * lease, leases are made: for the shard itself at LATEST, for its oldest ancestors at the other positions. If
 * some ancestor has one, the shard will get its own lease from there. But a merge on the way may have a
 * second parent that no worker reads, and that parent needs a lease.
 */
function missingLeases(
  shards: readonly Shard[],
  expected: readonly Shard[],
  input: ShardSyncInput,
): ShardSyncPlan {
  const { initialPosition } = input;
  const initial = positionAt(sentinelOf(initialPosition));
  const fromStart = initialPosition instanceof Date ? initial : positionAt("TRIM_HORIZON");
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]));
  const leased = new Set(input.leases.map((lease) => lease.shardId));
  const plan = new Map<string, Wanted>();
  /** Oldest ancestors that are to be read if anything descends from them. */
  const oldest = new Set<string>();
  const descends = new Map<string, boolean>();

  const decide = (shard: Shard): boolean => {
    const parents = parentsOf(shard).filter((id) => byId.has(id));
    const covered = new Set(
      parents.filter((id) => leased.has(id) || descends.get(id) === true || oldest.has(id)),
    );
    if (covered.size === 0) {
      if (initialPosition !== "LATEST") oldest.add(shard.shardId);
      return false;
    }
    for (const id of parents) {
      const parent = byId.get(id);
      if (parent === undefined || leased.has(id) || (covered.has(id) && !oldest.has(id))) continue;
      plan.set(id, { shard: parent, checkpoint: covered.has(id) ? fromStart : initial });
    }
    return true;
  };

  const undecided = (id: string) => descends.has(id) || leased.has(id) ? undefined : byId.get(id);
  for (const shard of expected) {
    if (!isOpen(shard) || leased.has(shard.shardId)) continue;
    for (const one of ancestorsFirst(shard, undecided)) descends.set(one.shardId, decide(one));
    if (descends.get(shard.shardId) === false) plan.set(shard.shardId, { shard, checkpoint: initial });
  }
  for (const shard of lostChildren(expected, input.leases)) {
    plan.set(shard.shardId, { shard, checkpoint: positionAt("TRIM_HORIZON") });
  }
  return newLeases([...plan.values()], input);
}

/**
 * Shards without a lease whose parents are all done. A child's lease is created before its parent's end is
 * stored, and outlives the parent's lease. So this one was deleted, by hand or by mistake. KCL takes such a
 * shard for the descendant of a leased one and never comes back to it.
 */
function lostChildren(shards: readonly Shard[], leases: readonly Lease[]): Shard[] {
  const listed = new Set(shards.map((shard) => shard.shardId));
  const isDone = new Map(leases.map((lease) => [lease.shardId, isShardEnd(lease.checkpoint)]));
  return shards.filter((shard) => {
    const parents = parentsOf(shard).filter((id) => listed.has(id) || isDone.has(id));
    return !isDone.has(shard.shardId) && parents.length > 0 && parents.every((id) => isDone.get(id) === true);
  });
}

/**
 * A shard and its ancestors as far as `find` knows them, parents before children. A loop instead of
 * recursion: a year of resharding makes long lines of descent. A malformed listing with a circle in it ends
 * too.
 */
export function ancestorsFirst(shard: Shard, find: (shardId: string) => Shard | undefined): Shard[] {
  const order: Shard[] = [];
  const entered = new Set<string>();
  const stack = [{ shard, isLeaving: false }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.isLeaving) order.push(top.shard);
    if (entered.has(top.shard.shardId)) continue;
    entered.add(top.shard.shardId);
    stack.push({ shard: top.shard, isLeaving: true });
    for (const id of parentsOf(top.shard)) {
      const parent = find(id);
      if (parent !== undefined) stack.push({ shard: parent, isLeaving: false });
    }
  }
  return order;
}

interface Wanted {
  readonly shard: Shard;
  readonly checkpoint: ExtendedSequenceNumber;
}

function newLeases(wanted: readonly Wanted[], input: ShardSyncInput): ShardSyncPlan {
  const { streamIdentifier } = input;
  const leases = wanted.toSorted((a, b) => compareShards(a.shard, b.shard)).map(({ shard, checkpoint }) => ({
    leaseKey: leaseKeyOf(shard.shardId, streamIdentifier),
    shardId: shard.shardId,
    streamIdentifier,
    checkpoint,
    parentShardIds: parentsOf(shard),
    hashKeyRange: shard.hashKeyRange,
  }));
  return { type: "create", leases };
}
