// Pure.
/**
 * Shards, as ListShards returns them, and the children that a closed shard names at its end.
 *
 * @module
 */

import { compare, positionAt } from "./sequence_number.ts";
import type { HashKeyRange } from "./hash_key.ts";

/** One shard of a stream. */
export interface Shard {
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** Undefined for a shard that the stream was created with. The parent itself may be trimmed. */
  readonly parentShardId: string | undefined;
  /** The second parent of a merge. */
  readonly adjacentParentShardId: string | undefined;
  /** The hash keys of the shard. */
  readonly hashKeyRange: HashKeyRange;
  /** The first sequence number that the shard can hold. */
  readonly startingSequenceNumber: string;
  /** Present only once the shard is closed. */
  readonly endingSequenceNumber: string | undefined;
}

/** A shard that continues an ended one: two after a split, one (with two parents) after a merge. */
export interface ChildShard {
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** The ids of the shards that it continues. */
  readonly parentShards: readonly string[];
  /** The hash keys of the shard. */
  readonly hashKeyRange: HashKeyRange;
}

/** Whether the shard still takes records. */
export function isOpen(shard: Shard): boolean {
  return shard.endingSequenceNumber === undefined;
}

/** The ids of a shard's parents: none, one, or two. */
export function parentsOf(shard: Shard): readonly string[] {
  return [shard.parentShardId, shard.adjacentParentShardId].filter((id) => id !== undefined);
}

/** The shards of a listing that have the given parent, in the shape that GetRecords names children in. */
export function childrenOf(shardId: string, shards: readonly Shard[]): ChildShard[] {
  return shards.filter((shard) => parentsOf(shard).includes(shardId)).map((shard) => ({
    shardId: shard.shardId,
    parentShards: parentsOf(shard),
    hashKeyRange: shard.hashKeyRange,
  }));
}

/** Orders shards by starting sequence number, then by id: the order in which KCL creates their leases. */
export function compareShards(a: Shard, b: Shard): number {
  return compare(positionAt(a.startingSequenceNumber), positionAt(b.startingSequenceNumber)) ||
    (a.shardId < b.shardId ? -1 : a.shardId > b.shardId ? 1 : 0);
}
