/**
 * Distinguishes the end of a shard from an answer that only looks like one.
 *
 * A listing may be some seconds behind. It then lacks the children of a shard that has just been closed, or a
 * shard that has just been opened. So a shard counts as missing only after it has been missing for a while.
 *
 * @module
 */

import type { Kinesis, StreamReference } from "../aws/kinesis.ts";
import { isAwsError } from "../errors.ts";
import { childrenOf, isOpen, type Shard } from "../stream/shard.ts";
import type { Clock } from "../system.ts";
import type { RecordsPage } from "./retrieval.ts";

/** What the end is confirmed with. */
export interface ShardEndOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly clock: Clock;
}

/** How many times a shard that a listing does not show is searched for, and the pause in ms. */
const CHECKS = 10, CHECK_INTERVAL_MS = 1000;

/**
 * Checks by ListShards whether a shard is over. An answer said so, but did not name its children.
 *
 * @returns The end with its children, none when the shard or the stream does not exist; undefined when the
 * shard is still open.
 */
export async function confirmedEnd(
  options: ShardEndOptions,
  shardId: string,
  signal: AbortSignal,
): Promise<RecordsPage["end"]> {
  for (let check = 1;; check++) {
    const shards = await listedShards(options, signal);
    if (shards === undefined) return { childShards: [] };
    const shard = shards.find((shard) => shard.shardId === shardId);
    if (shard !== undefined && isOpen(shard)) return undefined;
    const childShards = childrenOf(shardId, shards);
    if (childShards.length > 0 || check === CHECKS) return { childShards };
    await options.clock.sleep(CHECK_INTERVAL_MS, signal);
  }
}

/** Whether a shard is still listed, open or closed. */
export async function isListed(
  options: ShardEndOptions,
  shardId: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (let check = 1;; check++) {
    const shards = await listedShards(options, signal);
    if (shards === undefined) return false;
    if (shards.some((shard) => shard.shardId === shardId)) return true;
    if (check === CHECKS) return false;
    await options.clock.sleep(CHECK_INTERVAL_MS, signal);
  }
}

/** The stream's shards; undefined when there is no such stream. */
async function listedShards(
  options: ShardEndOptions,
  signal: AbortSignal,
): Promise<readonly Shard[] | undefined> {
  try {
    return await options.kinesis.listShards(options.stream, undefined, signal);
  } catch (error) {
    if (isAwsError(error, "ResourceNotFoundException")) return undefined;
    throw error;
  }
}
