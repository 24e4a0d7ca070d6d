/**
 * Holds a shard back until its parents have ended, so that the records of a partition key are processed in
 * order across a split or merge. A parent without a lease does not hold it back: it was never to be read.
 *
 * Unlike in KCL the wait ends at once when the lease is lost or the worker stops.
 *
 * Source: KCL 3.5.1, `BlockOnParentShardTask`.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import type { Lease } from "../lease/lease.ts";
import type { Clock } from "../system.ts";
import { pause } from "../async/waiting.ts";
import type { HeldLease } from "./held_lease.ts";

/** What waiting for parents takes. */
export interface ParentsOptions {
  readonly held: HeldLease;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** The parents that have not ended yet: present in the table and not at SHARD_END. */
  readonly openParents: (lease: Lease, signal: AbortSignal) => Promise<readonly string[]>;
  /** Waits until a parent may have ended. */
  readonly parentWait: (signal: AbortSignal) => Promise<void>;
  /** The pause after a failed look, in ms. */
  readonly taskBackoffTimeMs: number;
}

/** @returns true once all parents have ended, false when `leave` aborted first. */
export async function waitForParents(options: ParentsOptions, leave: AbortSignal): Promise<boolean> {
  const { held, clock, emit, taskBackoffTimeMs } = options;
  const about = { leaseKey: held.leaseKey, shardId: held.shardId };
  if (held.lease.parentShardIds.length === 0) return !leave.aborted;
  let told = "";
  while (!leave.aborted) {
    try {
      const parents = await options.openParents(held.lease, leave);
      if (parents.length === 0) return true;
      if (told !== parents.join()) emit({ type: "shardBlocked", ...about, parents });
      told = parents.join();
      await options.parentWait(leave);
    } catch (error) {
      if (leave.aborted) break;
      emit({ type: "fetchFailed", ...about, error, retryInMs: taskBackoffTimeMs });
      await pause(clock, taskBackoffTimeMs, leave);
    }
  }
  return false;
}
