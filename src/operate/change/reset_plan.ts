// Pure.
/**
 * Decides what a reset does to each lease of a stream, so that a worker then reads every record from the
 * position on, parents before children.
 *
 * The result is the tree that a first shard sync at that position leads to. A first sync makes leases for the
 * shards that were open then, and each shard's end makes those of its children. Here the leases of the
 * descendants exist already, so all leases in between must exist too. A worker takes a missing parent for a
 * finished one, and would read the child at once.
 *
 * A merged shard needs the leases of both parents: Java waits for ever when just one has its lease.
 *
 * Source: spec of KCL 3.5.1, `HierarchicalShardSyncer`, `BlockOnParentShardTask`, `ShutdownTask`.
 *
 * @module
 */

import { type Lease, leaseKeyOf, type NewLease } from "../../lease/lease.ts";
import { isAtPosition, type LeasePosition } from "../../lease/reset_lease.ts";
import { type ExtendedSequenceNumber, isShardEnd, SHARD_END } from "../../stream/sequence_number.ts";
import { compareShards, parentsOf, type Shard } from "../../stream/shard.ts";
import type { ShardPosition } from "./positions.ts";

/** What becomes of one lease. */
export type LeaseChange =
  | { readonly type: "move"; readonly lease: Lease; readonly to: LeasePosition }
  | {
    readonly type: "create";
    readonly lease: NewLease;
    /** Of a copy: what no new lease has, such as children. Written next. */
    readonly then?: LeasePosition | undefined;
  }
  | {
    readonly type: "keep";
    readonly lease: Lease;
    /** `same`: it is there already. `notListed`: its shard is not in the stream. `notChosen`: by --shard. */
    readonly reason: "same" | "notListed" | "notChosen";
  };

/** What a plan is made of. */
export interface ResetPlanInput {
  /** All that the stream lists. */
  readonly shards: readonly Shard[];
  /** The leases of this stream. */
  readonly leases: readonly Lease[];
  /** What the position means, for each shard that is to be moved. The others stay as they are. */
  readonly positions: ReadonlyMap<string, ShardPosition>;
  /** `account:stream:epoch` in a many-streams table, else undefined. */
  readonly streamIdentifier: string | undefined;
  /** For leases that are made. See {@linkcode Lease.streamOrigin}. */
  readonly streamOrigin: string | undefined;
}

/**
 * The shards whose position must be found by reading next, given those that are known. A child of a shard
 * that has records after the position has none before it: it is `decided` without reading.
 *
 * @param chosen The shards that are to be moved.
 */
export function shardsToSearch(
  chosen: readonly Shard[],
  known: ReadonlyMap<string, ShardPosition>,
): { readonly decided: readonly Shard[]; readonly search: readonly Shard[] } {
  const ids = new Set(chosen.map(({ shardId }) => shardId));
  const decided: Shard[] = [], search: Shard[] = [];
  const unknown = chosen.filter(({ shardId }) => !known.has(shardId));
  for (const shard of unknown) {
    const parents = parentsOf(shard).filter((id) => ids.has(id));
    if (parents.some((id) => known.get(id)?.type === "after")) decided.push(shard);
    else if (parents.every((id) => known.has(id))) search.push(shard);
  }
  // A malformed listing with a circle in it.
  return decided.length + search.length === 0 ? { decided, search: unknown } : { decided, search };
}

/** Decides. Ancestors come first, and leases without a shard last. */
export function planReset(input: ResetPlanInput): readonly LeaseChange[] {
  const shards = input.shards.toSorted(compareShards);
  const leases = new Map(input.leases.map((lease) => [lease.shardId, lease]));
  const finished = finishedWithoutLease(shards, leases, input.positions);
  const children = childIds(shards);
  const changes: LeaseChange[] = [];
  for (const shard of shards) {
    const { shardId } = shard;
    const lease = leases.get(shardId);
    const position = input.positions.get(shardId);
    leases.delete(shardId);
    if (lease !== undefined && position === undefined) {
      changes.push({ type: "keep", lease, reason: "notChosen" });
    } else if (lease !== undefined && position !== undefined) {
      changes.push(moved(lease, position, children.get(shardId) ?? []));
    } else if (position?.type === "after") {
      changes.push({ type: "create", lease: newLease(shard, position.checkpoint, input) });
    } else if (finished.has(shardId)) {
      changes.push({ type: "create", lease: newLease(shard, SHARD_END, input) });
    }
  }
  const left = [...leases.values()].map((lease) => ({ type: "keep", lease, reason: "notListed" } as const));
  return [...changes, ...left];
}

function moved(lease: Lease, position: ShardPosition, childShardIds: readonly string[]): LeaseChange {
  if (position.type === "finished" && isShardEnd(lease.checkpoint)) {
    return { type: "keep", lease, reason: "same" };
  }
  const to: LeasePosition = position.type === "finished"
    ? { checkpoint: SHARD_END, childShardIds }
    : { checkpoint: position.checkpoint };
  return isAtPosition(lease, to) ? { type: "keep", lease, reason: "same" } : { type: "move", lease, to };
}

/**
 * Shards without a lease that need one at SHARD_END, because a shard is read again:
 * - the other parent of a merge, which is finished;
 * - a descendant that was read to its end before, when only some shards are chosen. Else the end of its
 *   parent would make its lease anew, from its start.
 */
function finishedWithoutLease(
  shards: readonly Shard[],
  leases: ReadonlyMap<string, Lease>,
  positions: ReadonlyMap<string, ShardPosition>,
): ReadonlySet<string> {
  const isRead = (id: string) => positions.get(id)?.type === "after";
  /** Whose lease was deleted after they had ended: a descendant has been begun. */
  const wereRead = new Set<string>();
  for (const shard of shards.toReversed()) {
    if (!leases.has(shard.shardId) && !wereRead.has(shard.shardId)) continue;
    for (const id of parentsOf(shard)) wereRead.add(id);
  }
  const isOver = (id: string) => positions.has(id) ? !isRead(id) : wereRead.has(id);
  const descends = new Set<string>(), needed = new Set<string>();
  for (const shard of shards) {
    const { shardId } = shard;
    const parents = parentsOf(shard);
    if (!parents.some((id) => isRead(id) || descends.has(id))) continue;
    descends.add(shardId);
    for (const id of [shardId, ...parents]) needed.add(id);
  }
  return new Set([...needed].filter((id) => !leases.has(id) && isOver(id)));
}

function childIds(shards: readonly Shard[]): ReadonlyMap<string, readonly string[]> {
  const children = new Map<string, string[]>();
  for (const shard of shards) {
    for (const id of parentsOf(shard)) children.set(id, [...children.get(id) ?? [], shard.shardId]);
  }
  return children;
}

function newLease(
  shard: Shard,
  checkpoint: ExtendedSequenceNumber,
  { streamIdentifier, streamOrigin }: ResetPlanInput,
): NewLease {
  return {
    leaseKey: leaseKeyOf(shard.shardId, streamIdentifier),
    shardId: shard.shardId,
    streamIdentifier,
    streamOrigin,
    checkpoint,
    parentShardIds: parentsOf(shard),
    hashKeyRange: shard.hashKeyRange,
  };
}
