/**
 * Holds a shard back until its parents have ended. So the records of a partition key are processed in order
 * across a split or merge. A parent without a lease does not hold it back: the application does not read that
 * parent.
 *
 * Unlike in KCL the wait ends immediately when the lease is lost or the worker stops.
 *
 * Source: KCL 3.5.1, `BlockOnParentShardTask`.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import type { Bell } from "../async/bell.ts";
import { type Lease, leaseKeyOf } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import { pause } from "../async/waiting.ts";
import type { Clock } from "../system.ts";
import type { DeliverySettings } from "./delivery.ts";
import type { HeldLease } from "./held_lease.ts";

/** What waiting for parents takes. */
export interface ParentsOptions {
  readonly held: HeldLease;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  readonly leaseStore: Pick<LeaseStore, "get">;
  /** Rings when this worker has read a shard to its end: it may be a parent. */
  readonly shardEnds: Bell;
  /** The pauses between two looks, and after a failed look. */
  readonly delivery: Pick<DeliverySettings, "parentShardPollIntervalMs" | "taskBackoffTimeMs">;
}

/** @returns true once all parents have ended, false when `leave` aborted first. */
export async function waitForParents(options: ParentsOptions, leave: AbortSignal): Promise<boolean> {
  const { held, clock, emit, leaseStore, shardEnds } = options;
  const { parentShardPollIntervalMs, taskBackoffTimeMs } = options.delivery;
  const about = { leaseKey: held.leaseKey, shardId: held.shardId };
  if (held.lease.parentShardIds.length === 0) return !leave.aborted;
  let told = "";
  while (!leave.aborted) {
    try {
      const parents = await openParents(held.lease, leaseStore, leave);
      if (parents.length === 0) return true;
      if (told !== parents.join()) emit({ type: "shardBlocked", ...about, parents });
      told = parents.join();
      await shardEnds.wait(clock, parentShardPollIntervalMs, leave);
    } catch (error) {
      if (leave.aborted) break;
      emit({ type: "fetchFailed", ...about, error, retryInMs: taskBackoffTimeMs });
      await pause(clock, taskBackoffTimeMs, leave);
    }
  }
  return false;
}

/** The parents that have not ended yet: present in the table and not at SHARD_END. */
async function openParents(
  { parentShardIds, streamIdentifier }: Lease,
  leaseStore: Pick<LeaseStore, "get">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const open = await Promise.all(parentShardIds.map(async (shardId) => {
    const parent = await leaseStore.get(leaseKeyOf(shardId, streamIdentifier), signal);
    return parent !== undefined && !isShardEnd(parent.checkpoint) ? [shardId] : [];
  }));
  return open.flat();
}
