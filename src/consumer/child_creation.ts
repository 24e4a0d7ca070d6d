/**
 * Gives the children of an ended shard their leases, before its end is stored.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { childLeases } from "../lease/child_leases.ts";
import { leaseKeyOf } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { ChildShard } from "../stream/shard.ts";
import type { System } from "../system.ts";
import type { HeldLease } from "./held_lease.ts";

/** What the creation needs. */
export interface CreateChildLeasesOptions {
  readonly held: HeldLease;
  readonly children: readonly ChildShard[];
  /** Whether the last try found that it must wait: that was then reported. */
  readonly isWaiting: boolean;
  readonly leaseStore: Pick<LeaseStore, "get" | "create">;
  readonly emit: WorkerEventListener;
  readonly system: Pick<System, "clock" | "random">;
}

/** @returns false when it must be tried again later, or the lease was given up for another worker to try. */
export async function createChildLeases(
  options: CreateChildLeasesOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { held, children, isWaiting, leaseStore, emit, system: { clock, random } } = options;
  const { streamIdentifier } = held.lease;
  const shardIds = new Set(children.flatMap((child) => [child.shardId, ...child.parentShards]));
  const found = await Promise.all(
    [...shardIds].map((shardId) => leaseStore.get(leaseKeyOf(shardId, streamIdentifier), signal)),
  );
  const leased = new Set(found.flatMap((lease) => lease === undefined ? [] : [lease.shardId]));
  const plan = childLeases({ childShards: children, leased, streamIdentifier, chance: random() });
  if (plan.type !== "create" && plan.missing !== undefined) {
    const { leaseKey, shardId } = held;
    emit({ type: "mergeParentMissing", leaseKey, shardId, missing: plan.missing });
  }
  switch (plan.type) {
    case "wait":
      if (!isWaiting) {
        emit({ type: "notice", level: "warning", leaseKey: held.leaseKey, text: plan.problem });
      }
      return false;
    case "giveUp":
      emit({
        type: "notice",
        level: "error",
        leaseKey: held.leaseKey,
        text: `Lease given up: ${plan.problem}`,
      });
      await held.giveUp();
      return false;
    case "create":
      for (const lease of plan.leases) {
        const { leaseKey, checkpoint } = lease;
        const startedMs = clock.monotonicMs();
        if (!await leaseStore.create(lease, signal)) continue;
        const ms = clock.monotonicMs() - startedMs;
        emit({ type: "leaseCreated", leaseKey, checkpoint, parentLeaseKey: held.leaseKey, ms });
      }
      await held.setChildShardIds(children.map((child) => child.shardId));
      return true;
  }
}
