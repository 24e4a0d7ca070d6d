/**
 * Leases of an earlier stream of the same name, which had fewer shards. They cover all hash keys, and have
 * ids of shards that exist. Half of the shards of the present stream have no lease.
 *
 * @module
 */

import type { Item } from "../../aws/dynamodb.ts";
import { newClientVersion } from "../../lease/table_format.ts";
import { migrationItem } from "../../store/coordinator_items.ts";
import { LEASE_KEY, newLeaseItem } from "../../store/lease_item.ts";
import { MAX_HASH_KEY } from "../../stream/hash_key.ts";
import { positionAt } from "../../stream/sequence_number.ts";
import { originText } from "../../stream/stream_identifier.ts";
import { CREATION_EPOCH_S } from "../model/simulated_account.ts";
import { type SimulatedStream, WORLD_EPOCH_MS } from "../model/simulated_stream.ts";

/** How much older the earlier stream is than the present one, in s. */
const OLDER_S = 86_400;

/** The items of such leases, and what a fleet leaves beside them. */
export function formerLeases(streams: readonly SimulatedStream[]): readonly Item[] {
  const format = migrationItem(LEASE_KEY, newClientVersion("before", WORLD_EPOCH_MS));
  const leases = streams.flatMap((stream) => {
    const shards = [...stream.shards.values()];
    const count = Math.max(1, Math.floor(shards.length / 2));
    const width = (MAX_HASH_KEY + 1n) / BigInt(count);
    return shards.slice(0, count).map(({ leaseKey, shardId }, index) =>
      newLeaseItem({
        leaseKey,
        shardId,
        streamIdentifier: undefined,
        checkpoint: positionAt("TRIM_HORIZON"),
        parentShardIds: [],
        streamOrigin: originText({
          streamName: stream.streamName,
          creationEpochS: CREATION_EPOCH_S - OLDER_S,
        }),
        hashKeyRange: {
          startingHashKey: `${BigInt(index) * width}`,
          endingHashKey: `${index === count - 1 ? MAX_HASH_KEY : BigInt(index + 1) * width - 1n}`,
        },
      })
    );
  });
  return [format, ...leases];
}
