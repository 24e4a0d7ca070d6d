/**
 * Tells the end of a shard from an answer that only looks like one.
 *
 * @module
 */

import type { Kinesis, StreamReference } from "../aws/kinesis.ts";
import { isAwsError } from "../errors.ts";
import { childrenOf, isOpen } from "../stream/shard.ts";
import type { Clock } from "../system.ts";
import type { RecordsPage } from "./retrieval.ts";

/** What the end is confirmed with. */
export interface ShardEndOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly clock: Clock;
}

/** A closed shard's children may be listed a little later than its end is told: so often, so many ms apart, they are asked for. */
const CHILD_CHECKS = 10, CHILD_CHECK_INTERVAL_MS = 1000;

/**
 * Asks ListShards whether a shard is over that was told to be, but without its children.
 *
 * @returns The end with its children, none when the shard or the stream is gone; undefined when the shard is open still.
 */
export async function confirmedEnd(
  options: ShardEndOptions,
  shardId: string,
  signal: AbortSignal,
): Promise<RecordsPage["end"]> {
  for (let check = 1;; check++) {
    const shards = await listedShards(options, signal);
    const shard = shards.find((shard) => shard.shardId === shardId);
    if (shard !== undefined && isOpen(shard)) return undefined;
    const childShards = childrenOf(shardId, shards);
    if (shard === undefined || childShards.length > 0 || check === CHILD_CHECKS) return { childShards };
    await options.clock.sleep(CHILD_CHECK_INTERVAL_MS, signal);
  }
}

/** Whether a shard is still listed, open or closed. */
export async function isListed(
  options: ShardEndOptions,
  shardId: string,
  signal: AbortSignal,
): Promise<boolean> {
  return (await listedShards(options, signal)).some((shard) => shard.shardId === shardId);
}

/** The stream's shards; none when there is no such stream. */
async function listedShards(options: ShardEndOptions, signal: AbortSignal) {
  try {
    return await options.kinesis.listShards(options.stream, undefined, signal);
  } catch (error) {
    if (isAwsError(error, "ResourceNotFoundException")) return [];
    throw error;
  }
}
