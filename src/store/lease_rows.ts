/**
 * Single leases in a table of items, the same on DynamoDB as in memory: what both lease stores share.
 *
 * @module
 */

import type { Item } from "../aws/dynamodb.ts";
import { LeaseTableError } from "../errors.ts";
import type { Lease, NewLease } from "../lease/lease.ts";
import type { WriteOutcome } from "../lease/lease_store.ts";
import type { LeaseWrite } from "../lease/lease_write.ts";
import { LEASE_KEY, leaseItemWrite, leaseOf, newLeaseItem } from "./lease_item.ts";
import type { ItemTable } from "./item_table.ts";

/** Reads one lease; undefined when there is none or it cannot be read. */
export async function readLease(
  table: ItemTable,
  leaseKey: string,
  signal?: AbortSignal,
): Promise<Lease | undefined> {
  return leaseOrUndefined(await table.get(leaseKey, signal));
}

/** Writes a new lease if its key is free. @returns Whether it was written. */
export async function createLease(table: ItemTable, lease: NewLease, signal?: AbortSignal): Promise<boolean> {
  return (await table.put(newLeaseItem(lease), { [LEASE_KEY]: "absent" }, signal)).applied;
}

/**
 * Applies a write. Where a server does not send the old item with a refusal (emulators), it is read.
 *
 * @throws {LeaseTableError} when the write was applied but left an item that cannot be read.
 */
export async function applyLeaseWrite(
  table: ItemTable,
  write: LeaseWrite,
  signal?: AbortSignal,
): Promise<WriteOutcome> {
  const { update, when } = leaseItemWrite(write);
  const outcome = await table.update(write.leaseKey, update, when, signal);
  if (!outcome.applied) {
    const found = outcome.item ?? await table.get(write.leaseKey, signal);
    return { applied: false, found: leaseOrUndefined(found) };
  }
  const readout = leaseOf(outcome.item ?? {});
  if (readout.type === "read") return { applied: true, lease: readout.value };
  throw new LeaseTableError(
    `Cannot read lease "${write.leaseKey}" after ${write.operation}: ${readout.problem}: ` +
      `mend or delete its item in table "${table.tableName}"`,
  );
}

/** The lease that an item holds; undefined when there is none or it cannot be read. */
export function leaseOrUndefined(item: Item | undefined): Lease | undefined {
  if (item === undefined) return undefined;
  const readout = leaseOf(item);
  return readout.type === "read" ? readout.value : undefined;
}
