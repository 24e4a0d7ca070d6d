// Pure.
/**
 * The shards of a table's stream as shards of Kinesis, with what a listing gets wrong put right.
 *
 * A listing may show a parent as open that has children already: it counts as closed. All shards serve the
 * same hash keys.
 *
 * Source: dynamodb-streams-kinesis-adapter 2.3.0, `ShardGraphTracker`, `KinesisMapperUtil`.
 *
 * @module
 */

import type { TableStreamShard } from "../aws/dynamodb_streams.ts";
import type { ShardFilter } from "../aws/kinesis.ts";
import type { Shard } from "../stream/shard.ts";

/** What a listing is made of. */
export interface ShardListingInput {
  readonly shards: readonly TableStreamShard[];
  /** Whether the stream takes no more changes. Then its last shards count as the open ones. */
  readonly isDisabled: boolean;
  readonly filter: ShardFilter | undefined;
}

/** What every shard has. Source: the adapter. */
const NO_HASH_KEYS = { startingHashKey: "0", endingHashKey: "1" } as const;

/** The end of a shard that a listing shows as open. Source: the adapter, 2^63 − 1. */
const ASSUMED_END = "9223372036854775807";

/** The shards of a listing, as Kinesis would list them. */
export function listedShards({ shards, isDisabled, filter }: ShardListingInput): readonly Shard[] {
  const parents = new Set(shards.map(({ parentShardId }) => parentShardId));
  const asKinesis = shards.map((shard) => shardOf(shard, parents.has(shard.shardId)));
  switch (filter?.type) {
    case "AT_LATEST":
      return isDisabled
        ? asKinesis.filter(({ shardId }) => !parents.has(shardId)).map((shard) => ({
          ...shard,
          endingSequenceNumber: undefined,
        }))
        : asKinesis.filter(({ endingSequenceNumber }) => endingSequenceNumber === undefined);
    case "AT_TIMESTAMP":
      return openAt(asKinesis, filter.timestampMs);
    default:
      return asKinesis;
  }
}

/**
 * When a shard was opened, in ms since 1970: its id says so. Undefined for an id of another form.
 *
 * Source: the adapter, `getShardCreationTime`.
 */
export function openedMs(shardId: string): number | undefined {
  const digits = /^shardId-(\d{20})-/.exec(shardId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The shards that were open at a time, as far as their ids say when they were opened. */
function openAt(shards: readonly Shard[], epochMs: number): readonly Shard[] {
  const isThere = ({ shardId }: Shard) => (openedMs(shardId) ?? 0) <= epochMs;
  const followed = new Set(shards.filter(isThere).map(({ parentShardId }) => parentShardId));
  const open = shards.filter((shard) => isThere(shard) && !followed.has(shard.shardId));
  // The clock of whoever asks may be behind: then the oldest shards are those.
  return open.length === 0 ? shards : open;
}

function shardOf(shard: TableStreamShard, hasChildren: boolean): Shard {
  const { shardId, parentShardId, startingSequenceNumber, endingSequenceNumber } = shard;
  return {
    shardId,
    parentShardId,
    adjacentParentShardId: undefined,
    hashKeyRange: NO_HASH_KEYS,
    startingSequenceNumber,
    endingSequenceNumber: endingSequenceNumber ?? (hasChildren ? ASSUMED_END : undefined),
  };
}
