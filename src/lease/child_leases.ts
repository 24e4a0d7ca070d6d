// Pure.
/**
 * Decides which leases the end of a shard creates: those of its children, always from their start, whatever
 * position the application began at. They are created before the parent's end is stored. The consumer makes
 * them wait for their parents.
 *
 * Source: KCL 3.5.1, `ShutdownTask`, `HierarchicalShardSyncer.createLeaseForChildShard`.
 *
 * @module
 */

import { leaseKeyOf, type NewLease } from "./lease.ts";
import { hasHashKeys } from "../stream/hash_key.ts";
import { positionAt } from "../stream/sequence_number.ts";
import type { ChildShard } from "../stream/shard.ts";

/** What the end of a shard reported, and what the table holds. */
export interface ChildLeasesInput {
  /**
   * As the last GetRecords named them. Empty: the shard has no children, or the service must be asked for
   * them first.
   */
  readonly childShards: readonly ChildShard[];
  /** Shard ids, among the children and all their parents, that have a lease; read strongly consistent. */
  readonly leased: ReadonlySet<string>;
  /** `account:stream:epoch` in a many-streams table, else undefined. */
  readonly streamIdentifier: string | undefined;
  /** A number drawn uniformly from [0, 1). */
  readonly chance: number;
}

/** The decision. */
export type ChildLeasesPlan =
  /** Leases to create, each unless it exists; may be none. */
  | { readonly type: "create"; readonly leases: readonly NewLease[] }
  /** Not yet: try again after a back-off. */
  | { readonly type: "wait"; readonly problem: string; readonly missing: MissingParent }
  /** Not by this worker: give up the lease, so that another tries. */
  | { readonly type: "giveUp"; readonly problem: string; readonly missing?: MissingParent };

/** What the child of a merge lacks: two parents, or a lease of each. */
export type MissingParent = "parent" | "lease";

/**
 * Decides the leases of a shard's children.
 *
 * The one child of a merge is created only while both parents have a lease, or neither has. If just one has,
 * the other may still get one, with records that come before the child's. Most tries then wait. One try in
 * thirty gives the lease up, in case this worker sees something that others do not. A child that already has
 * its lease does not have to wait (in KCL it waits for ever). A shard of a table's stream has one parent, and
 * often one child.
 */
export function childLeases(input: ChildLeasesInput): ChildLeasesPlan {
  const { childShards, leased, streamIdentifier, chance } = input;
  const orphan = childShards.find((child) => child.parentShards.length === 0);
  if (orphan !== undefined) {
    return { type: "giveUp", problem: `child shard ${orphan.shardId} names no parents` };
  }
  const [child, ...others] = childShards;
  const isMerge = child !== undefined && others.length === 0 && hasHashKeys(child.hashKeyRange);
  if (isMerge && !leased.has(child.shardId)) {
    if (child.parentShards.length !== 2) {
      const named = child.parentShards.join(", ");
      return {
        type: "giveUp",
        problem: `expected two parents of the only child ${child.shardId}: got ${named}`,
        missing: "parent",
      };
    }
    const present = child.parentShards.filter((parent) => leased.has(parent));
    if (present.length === 1) {
      const problem = `of the parents of ${child.shardId} only ${present[0]} has a lease`;
      return { type: chance < GIVE_UP_CHANCE ? "giveUp" : "wait", problem, missing: "lease" };
    }
  }
  return {
    type: "create",
    leases: childShards.filter(({ shardId }) => !leased.has(shardId)).map((child) => ({
      leaseKey: leaseKeyOf(child.shardId, streamIdentifier),
      shardId: child.shardId,
      streamIdentifier,
      checkpoint: positionAt("TRIM_HORIZON"),
      parentShardIds: child.parentShards,
      hashKeyRange: child.hashKeyRange,
    })),
  };
}

/** KCL: `ShutdownTask.RETRY_RANDOM_MAX_RANGE`, 30. */
const GIVE_UP_CHANCE = 1 / 30;
