// Pure.
/**
 * Compares the shards that a stream lists with its leases. The audit for holes looks at the leases alone, and
 * takes their hash key ranges for those of the stream. Leases that were made for another stream, or an
 * earlier one of the same name, can cover all hash keys. Then open shards are not read.
 *
 * One comparison proves nothing, since both listings are eventually consistent: see `audits.ts`.
 *
 * Source: ours. KCL never compares.
 *
 * @module
 */

import type { HashKeyRange } from "../stream/hash_key.ts";
import { compare, isSentinel, isShardEnd, positionAt } from "../stream/sequence_number.ts";
import { isOpen, parentsOf, type Shard } from "../stream/shard.ts";
import type { StreamOrigin } from "../stream/stream_identifier.ts";
import type { Lease } from "./lease.ts";
import { ancestorsFirst } from "./shard_sync.ts";
import { originOf } from "./stream_origin.ts";

/** What is compared. */
export interface ComparisonInput {
  /** All that the stream lists; not empty. */
  readonly shards: readonly Shard[];
  /** The leases of this stream. */
  readonly leases: readonly Lease[];
  /**
   * The stream as the service describes it now; undefined if the service does not say when it was created.
   */
  readonly origin: StreamOrigin | undefined;
}

/** What differs. */
export interface Comparison {
  /** Open shards to which no lease leads. */
  readonly unread: readonly Shard[];
  /** Unfinished leases whose shard is not listed. */
  readonly withoutShard: readonly Lease[];
  /** Leases whose hash keys are not those of their shard. */
  readonly rangeDiffers: readonly Lease[];
  /**
   * Unfinished leases that are of another stream: they say so, or their checkpoint lies before their shard
   * began.
   */
  readonly ofOtherStream: readonly Lease[];
  /** Leases that are of this stream, as far as can be seen, and do not say so yet. */
  readonly toMark: readonly Lease[];
}

/** Compares a stream's shards with its leases. */
export function compareWithLeases({ shards, leases, origin }: ComparisonInput): Comparison {
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]));
  const unfinished = leases.filter((lease) => !isShardEnd(lease.checkpoint));
  const kinds = unfinished.map((lease) => ({ lease, kind: kindOf(lease, byId.get(lease.shardId), origin) }));
  const ofKind = (...wanted: readonly Kind[]) =>
    kinds.flatMap(({ lease, kind }) => wanted.includes(kind) ? [lease] : []);
  return {
    unread: unreadShards(shards, leases, origin),
    withoutShard: ofKind("withoutShard"),
    rangeDiffers: ofKind("rangeDiffers"),
    ofOtherStream: ofKind("ofOtherStream"),
    toMark: origin === undefined ? [] : ofKind("unmarked"),
  };
}

/**
 * Whether any lease, finished or not, was made for another stream, or for an earlier one of the same name.
 */
export function hasLeaseOfOtherStream({ shards, leases, origin }: ComparisonInput): boolean {
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]));
  return leases.some((lease) => {
    const kind = kindOf(lease, byId.get(lease.shardId), origin);
    return kind === "rangeDiffers" || kind === "ofOtherStream" || originOf(lease, origin) === "earlier";
  });
}

type Kind = "withoutShard" | "rangeDiffers" | "ofOtherStream" | "unmarked" | "marked";

/**
 * The mark of an earlier stream of the same name is overruled if the lease fits its shard. Then the lease is
 * of this stream by now: nothing is checkpointed, or the checkpoint lies in the shard. A mark with another
 * name is never overruled: the sequence numbers of two streams look alike.
 */
function kindOf(lease: Lease, shard: Shard | undefined, origin: StreamOrigin | undefined): Kind {
  const mark = originOf(lease, origin);
  if (mark === "otherName") return "ofOtherStream";
  if (shard === undefined) return "withoutShard";
  const { hashKeyRange, checkpoint } = lease;
  if (hashKeyRange !== undefined && !areEqual(hashKeyRange, shard.hashKeyRange)) return "rangeDiffers";
  const isBefore = !isSentinel(checkpoint) &&
    compare(checkpoint, positionAt(shard.startingSequenceNumber)) < 0;
  if (isBefore) return "ofOtherStream";
  return mark === "same" ? "marked" : "unmarked";
}

function areEqual(a: HashKeyRange, b: HashKeyRange): boolean {
  return a.startingHashKey === b.startingHashKey && a.endingHashKey === b.endingHashKey;
}

/**
 * The open shards without an unfinished lease of their own that get none from their parents either. A child
 * gets its lease when its parents end. So all of them must be read or done, and at least one must still be
 * read. A late listing may show a shard as open whose children already have leases: it counts as read.
 */
function unreadShards(
  shards: readonly Shard[],
  leases: readonly Lease[],
  origin: StreamOrigin | undefined,
): readonly Shard[] {
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]));
  const states = new Map<string, State>(
    leases.map(({ shardId, checkpoint }) => [shardId, isShardEnd(checkpoint) ? "done" : "read"]),
  );
  const continued = new Set(
    leases.filter((lease) => mayContinue(lease, byId.get(lease.shardId), origin))
      .flatMap((lease) => lease.parentShardIds),
  );
  const find = (id: string) => states.has(id) ? undefined : byId.get(id);
  return shards.filter((shard) => {
    if (!isOpen(shard) || continued.has(shard.shardId)) return false;
    for (const one of ancestorsFirst(shard, find)) {
      if (!states.has(one.shardId)) states.set(one.shardId, stateByParents(one, states));
    }
    return states.get(shard.shardId) !== "read";
  });
}

/** Whether a worker reads a shard now or will, or has read it to its end. */
type State = "read" | "done" | "unread";

/** Parents that are neither listed nor leased are trimmed: no child waits for them. */
function stateByParents(shard: Shard, states: ReadonlyMap<string, State>): State {
  const parents = parentsOf(shard).flatMap((id) => states.get(id) ?? []);
  return parents.includes("read") && !parents.includes("unread") ? "read" : "unread";
}

/**
 * Whether the parents that a lease names are shards of this stream: listed as such, or of a shard that is not
 * listed yet.
 */
function mayContinue(lease: Lease, shard: Shard | undefined, origin: StreamOrigin | undefined): boolean {
  if (shard !== undefined) return lease.parentShardIds.every((id) => parentsOf(shard).includes(id));
  return ["same", "unknown"].includes(originOf(lease, origin));
}
