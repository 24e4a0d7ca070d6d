// Pure.
/**
 * Sorts the items of a scan of the lease table: leases, worker metrics, and items that are marked as one of
 * these but cannot be read.
 *
 * @module
 */

import type { Item } from "../aws/dynamodb.ts";
import type { Lease } from "../lease/lease.ts";
import type { SmallTableListing, TableListing, UnreadableItem } from "../lease/lease_store.ts";
import type { WorkerMetrics } from "../lease/coordinator_store.ts";
import { attributeIn, heldIn } from "./attribute_value.ts";
import { LEADER_KEY, lockOf, WORKER_METRICS_ENTITY, workerMetricsOf } from "./coordinator_items.ts";
import { LEASE_ENTITY, LEASE_KEY, leaseOf } from "./lease_item.ts";

/**
 * The listing of a scanned table. An item without `entityType` is a lease, as KCL before 3.5 wrote it. Items
 * of another or an unknown kind are ignored.
 */
export function listingOf(items: readonly Item[]): TableListing {
  const leases: Lease[] = [];
  const workers: WorkerMetrics[] = [];
  const unreadable: UnreadableItem[] = [];
  for (const item of items) {
    switch (entityTypeOf(item)) {
      case LEASE_ENTITY: {
        const readout = leaseOf(item);
        if (readout.type === "read") leases.push(readout.value);
        else unreadable.push({ key: keyOf(item), problem: readout.problem });
        break;
      }
      case WORKER_METRICS_ENTITY: {
        const readout = workerMetricsOf(LEASE_KEY, item);
        if (readout.type === "read") workers.push(readout.value);
        else unreadable.push({ key: keyOf(item), problem: readout.problem, isMetrics: true });
        break;
      }
    }
  }
  return { leases, workers, unreadable };
}

/** How many items a small table has less than: leases and reports of this number are some 8 KiB. */
export const SMALL_TABLE_ITEMS = 25;

/** The listing of a small table, with what a worker else looks for in it. */
export function smallListingOf(items: readonly Item[]): SmallTableListing {
  const lock = items.find((item) => keyOf(item) === LEADER_KEY);
  const readout = lock === undefined ? undefined : lockOf(lock);
  return {
    ...listingOf(items),
    lock: readout?.type === "read" ? readout.value : undefined,
    keysOwnedBy: (workerId) => keysOwnedBy(workerId, items),
  };
}

/** The keys of the items that have this lease owner, as the index would return them. */
export function keysOwnedBy(workerId: string, items: readonly Item[]): readonly string[] {
  return items.filter((item) => heldIn(attributeIn(item, "leaseOwner"), "S") === workerId).map(keyOf);
}

function entityTypeOf(item: Item): string | undefined {
  const entityType = attributeIn(item, "entityType");
  return entityType === undefined ? LEASE_ENTITY : heldIn(entityType, "S");
}

function keyOf(item: Item): string {
  return heldIn(attributeIn(item, LEASE_KEY), "S") ?? "";
}
