/**
 * Where leases are kept, as a contract: types and prose only. `store/` has it on DynamoDB and in memory; one
 * contract test suite runs against both.
 *
 * Every method may throw `AwsServiceError` when the table cannot be reached. Such an error does not say
 * whether a write was applied.
 *
 * @module
 */

import type { Lease, NewLease } from "./lease.ts";
import type { LeaseWrite } from "./lease_write.ts";
import type { LeaderLock, WorkerMetrics } from "./coordinator_store.ts";

/**
 * What became of a conditional write.
 *
 * @experimental
 */
export type WriteOutcome =
  /** Applied; `lease` is the lease as it now is in the table. */
  | { readonly applied: true; readonly lease: Lease }
  /**
   * Refused; `found` is what the table has instead, or undefined when the lease was deleted (or cannot be
   * read).
   */
  | { readonly applied: false; readonly found: Lease | undefined };

/**
 * Writes to tables of the user that are applied together with a lease write, or not at all.
 *
 * @experimental
 */
export interface CompanionWrites {
  /** Each is a part of DynamoDB's `TransactWriteItems`. */
  readonly writes: readonly object[];
  /** The `ClientRequestToken`: sent again under it, the same writes are applied once. */
  readonly token: string;
}

/**
 * What became of a lease write with its companions.
 *
 * @experimental
 */
export type CompanionOutcome =
  /** Everything is applied. */
  | { readonly applied: true }
  /** Nothing is: the lease's condition refused it. `found` as in {@linkcode WriteOutcome}. */
  | { readonly applied: false; readonly found: Lease | undefined };

/**
 * An item that could not be read as a lease or as metrics. It is skipped, and never makes a scan fail.
 *
 * @experimental
 */
export interface UnreadableItem {
  /** The key of the item. */
  readonly key: string;
  /** Why it cannot be read. */
  readonly problem: string;
  /** Whether it is marked as a worker's metrics, and not as a lease. @default {false} */
  readonly isMetrics?: boolean;
}

/**
 * What one scan of the lease table finds.
 *
 * @experimental
 */
export interface TableListing {
  /** The leases that can be read. */
  readonly leases: readonly Lease[];
  /**
   * Worker metrics items that live in the same table (single-table format of KCL 3.5); legacy tables are not
   * read here.
   */
  readonly workers: readonly WorkerMetrics[];
  /**
   * Items that are marked as leases or metrics but cannot be read. Items of any other kind are left out
   * silently.
   */
  readonly unreadable: readonly UnreadableItem[];
}

/**
 * All that a small lease table holds.
 *
 * @experimental
 */
export interface SmallTableListing extends TableListing {
  /** The leader's lock; undefined where there is none in this table, or it cannot be read. */
  readonly lock: LeaderLock | undefined;
  /** The keys of the leases assigned to a worker, as the index would show them. */
  keysOwnedBy(workerId: string): readonly string[];
}

/**
 * The lease table.
 *
 * @experimental
 */
export interface LeaseStore {
  /**
   * Makes sure that the table exists, with its index, and can be used; waits until it can.
   *
   * @returns Whether this call created it.
   * @throws {LeaseTableError} when a table of this name has another key schema.
   */
  ensureTable(signal?: AbortSignal): Promise<{ readonly created: boolean }>;
  /**
   * Adds what a table made by others may lack: the index, point-in-time recovery. Called after
   * `ensureTable()`, once it is clear that this worker may use the table. A table that is refused is not
   * changed. Does not wait for the index.
   */
  adoptTable(signal?: AbortSignal): Promise<void>;
  /**
   * Any lease that can be read; undefined when there is none. Reads no more of the table than it must;
   * eventually consistent.
   */
  someLease(signal?: AbortSignal): Promise<Lease | undefined>;
  /** Scans the table; eventually consistent. */
  list(signal?: AbortSignal): Promise<TableListing>;
  /**
   * All of a small table, by one request that costs about as much as one of the index; eventually consistent.
   * A worker then needs no other look at the table. With a store that lacks this method it asks the index,
   * reads the lock, and scans as leader.
   *
   * @returns undefined when the table is larger.
   */
  listSmall?(signal?: AbortSignal): Promise<SmallTableListing | undefined>;
  /** Reads one lease, strongly consistent. Undefined when there is none or it cannot be read. */
  get(leaseKey: string, signal?: AbortSignal): Promise<Lease | undefined>;
  /**
   * Reads many leases, each strongly consistent, in as few requests as the store can. Leaves out what
   * {@linkcode get} would not find. A store without this method is asked for one lease at a time.
   */
  getAll?(leaseKeys: readonly string[], signal?: AbortSignal): Promise<readonly Lease[]>;
  /**
   * The keys of the leases assigned to a worker, by the index: eventually consistent, so each must be read
   * before use. Falls back to a scan when the index cannot be used.
   */
  leaseKeysOwnedBy(workerId: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** Writes a new lease if no lease has that key. @returns Whether it was created. */
  create(lease: NewLease, signal?: AbortSignal): Promise<boolean>;
  /**
   * Applies one conditional write.
   *
   * @throws {LeaseTableError} when it was applied but the item, broken before, still cannot be read.
   * @throws {RangeError} when it would write an empty text or set, or a number that is not finite.
   */
  apply(write: LeaseWrite, signal?: AbortSignal): Promise<WriteOutcome>;
  /**
   * Applies one conditional write together with others, all or none. Sent once. A store without this method
   * cannot do it, and `ShardContext.transact` refuses.
   *
   * @throws {AwsServiceError} `TransactionCanceledException` when a companion was refused and the lease's
   * condition was not. Its `CancellationReasons` are those of the companions.
   */
  applyWith?(write: LeaseWrite, companions: CompanionWrites, signal?: AbortSignal): Promise<CompanionOutcome>;
  /** Where the table is, as its ARN; undefined when that is not known. */
  readonly tableArn?: string | undefined;
  /** Deletes a lease, owned by any worker. No error when there is none. */
  delete(leaseKey: string, signal?: AbortSignal): Promise<void>;
}

/** Reads many leases, one by one where the store cannot do better. */
export async function readLeases(
  store: LeaseStore,
  leaseKeys: readonly string[],
  signal?: AbortSignal,
): Promise<readonly Lease[]> {
  if (leaseKeys.length === 0) return [];
  if (store.getAll !== undefined) return await store.getAll(leaseKeys, signal);
  const found = await Promise.all(leaseKeys.map((key) => store.get(key, signal)));
  return found.filter((lease) => lease !== undefined);
}

/**
 * A store's way to apply a write with companions.
 *
 * @throws {TypeError} when it has none.
 */
export function companionsOf(store: LeaseStore): NonNullable<LeaseStore["applyWith"]> {
  if (store.applyWith !== undefined) return store.applyWith.bind(store);
  throw new TypeError(
    "Cannot transact: expected a lease table in DynamoDB: got a lease store without applyWith()",
  );
}
