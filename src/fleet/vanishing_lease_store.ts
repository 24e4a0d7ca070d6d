/**
 * The lease table as a table that can be deleted while a worker runs. Errors then name the table, and after a
 * while the worker is ended. No pass can succeed any more. A new table would start the application from the
 * beginning; only its operators should decide that.
 *
 * A while, because tables are also replaced on purpose, and because DynamoDB finds a new table only after
 * some seconds.
 *
 * @module
 */

import { AwsServiceError, isAwsError, LeaseTableError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { Lease, NewLease } from "../lease/lease.ts";
import {
  type CompanionOutcome,
  companionsOf,
  type CompanionWrites,
  type LeaseStore,
  readLeases,
  type SmallTableListing,
  type TableListing,
  type WriteOutcome,
} from "../lease/lease_store.ts";
import type { LeaseWrite } from "../lease/lease_write.ts";
import type { Clock } from "../system.ts";

/**
 * How long a table may be missing, in ms: from the first call that does not find it, while none does. Ours.
 */
export const TABLE_MISSING_MS = 60_000;

/** Options of {@linkcode VanishingLeaseStore}. */
export interface VanishingLeaseStoreOptions {
  readonly leaseStore: LeaseStore;
  readonly tableName: string;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** Called once the table has been missing for too long, perhaps more than once. */
  readonly onGone: (error: LeaseTableError) => void;
}

/** `LeaseStore` over another one. */
export class VanishingLeaseStore implements LeaseStore {
  readonly #options: VanishingLeaseStoreOptions;
  #missingSinceMs: number | undefined;

  constructor(options: VanishingLeaseStoreOptions) {
    this.#options = options;
  }

  ensureTable(signal?: AbortSignal): Promise<{ readonly created: boolean }> {
    return this.#options.leaseStore.ensureTable(signal);
  }

  adoptTable(signal?: AbortSignal): Promise<void> {
    return this.#options.leaseStore.adoptTable(signal);
  }

  someLease(signal?: AbortSignal): Promise<Lease | undefined> {
    return this.#watch(() => this.#options.leaseStore.someLease(signal));
  }

  list(signal?: AbortSignal): Promise<TableListing> {
    return this.#watch(() => this.#options.leaseStore.list(signal));
  }

  listSmall(signal?: AbortSignal): Promise<SmallTableListing | undefined> {
    return this.#watch(async () => await this.#options.leaseStore.listSmall?.(signal));
  }

  get(leaseKey: string, signal?: AbortSignal): Promise<Lease | undefined> {
    return this.#watch(() => this.#options.leaseStore.get(leaseKey, signal));
  }

  getAll(leaseKeys: readonly string[], signal?: AbortSignal): Promise<readonly Lease[]> {
    return this.#watch(() => readLeases(this.#options.leaseStore, leaseKeys, signal));
  }

  leaseKeysOwnedBy(workerId: string, signal?: AbortSignal): Promise<readonly string[]> {
    return this.#watch(() => this.#options.leaseStore.leaseKeysOwnedBy(workerId, signal));
  }

  create(lease: NewLease, signal?: AbortSignal): Promise<boolean> {
    return this.#watch(() => this.#options.leaseStore.create(lease, signal));
  }

  apply(write: LeaseWrite, signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#watch(() => this.#options.leaseStore.apply(write, signal));
  }

  get tableArn(): string | undefined {
    return this.#options.leaseStore.tableArn;
  }

  applyWith(write: LeaseWrite, companions: CompanionWrites, signal?: AbortSignal): Promise<CompanionOutcome> {
    return companionsOf(this.#options.leaseStore)(write, companions, signal);
  }

  delete(leaseKey: string, signal?: AbortSignal): Promise<void> {
    return this.#watch(() => this.#options.leaseStore.delete(leaseKey, signal));
  }

  async #watch<T>(call: () => Promise<T>): Promise<T> {
    const { tableName } = this.#options;
    try {
      const result = await call();
      if (this.#missingSinceMs !== undefined) {
        this.#notice("info", `Lease table "${tableName}" is there again`);
      }
      this.#missingSinceMs = undefined;
      return result;
    } catch (error) {
      if (!isAwsError(error, "ResourceNotFoundException")) throw error;
      this.#noteMissing(error);
      // Replaces DynamoDB's own text, which does not say what was not found. The rest of the error is kept,
      // so it has no cause.
      throw new AwsServiceError({ ...error, detail: `there is no lease table "${tableName}" any more` });
    }
  }

  #noteMissing(error: AwsServiceError): void {
    const { tableName, clock, onGone } = this.#options;
    const nowMs = clock.monotonicMs();
    const limitS = TABLE_MISSING_MS / 1000;
    if (this.#missingSinceMs === undefined) {
      this.#missingSinceMs = nowMs;
      this.#notice(
        "warning",
        `Lease table "${tableName}" is missing: the worker ends unless it is there again within ${limitS} s`,
      );
    } else if (nowMs - this.#missingSinceMs >= TABLE_MISSING_MS) {
      onGone(
        new LeaseTableError(
          `Cannot use lease table "${tableName}" any more: it has been missing for ${limitS} s, and all checkpoints with it: ` +
            "restore it under its name from a backup, or start again, which makes a new table and reads from " +
            "initialPositionInStream",
          { cause: error },
        ),
      );
    }
  }

  #notice(level: "info" | "warning", text: string): void {
    this.#options.emit({ type: "notice", level, leaseKey: undefined, text });
  }
}
