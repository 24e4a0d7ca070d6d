/**
 * Looks at a lease table that is small: one request shows all of it. Whether a table is small is found by
 * trying, which costs one bounded request, seldom.
 *
 * @module
 */

import type { LeaseStore, SmallTableListing, TableListing } from "../lease/lease_store.ts";
import type { Clock } from "../system.ts";

/** One look; times in monotonic ms. */
export interface TableLook {
  readonly listing: SmallTableListing;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** What looking needs. */
export interface TableLooksOptions {
  readonly leaseStore: LeaseStore;
  readonly clock: Clock;
  /** Whether the lock and the reports are in the lease table. */
  readonly isWhole: boolean;
  /** Called with each look at a small table. */
  readonly onLook: (look: TableLook) => void;
}

/** After how long a table that was larger is tried again, and one that could not be listed, in ms. Ours. */
const LARGER_RETRY_MS = 300_000, FAILED_RETRY_MS = 30_000;

/** A worker's looks at its lease table. */
export class TableLooks {
  readonly #options: TableLooksOptions;
  #isSmall = false;
  #nextTryMs = -Infinity;

  constructor(options: TableLooksOptions) {
    this.#options = options;
  }

  /** Whether the table was small when it was last looked at. */
  get areShared(): boolean {
    return this.#isSmall;
  }

  /**
   * Looks at the table.
   *
   * @returns undefined when it is larger, cannot be listed, or is not tried now.
   */
  async look(signal: AbortSignal): Promise<TableLook | undefined> {
    const { leaseStore, clock, isWhole, onLook } = this.#options;
    const startedMs = clock.monotonicMs();
    if (!isWhole || startedMs < this.#nextTryMs) return undefined;
    let retryMs = LARGER_RETRY_MS;
    const listing = await leaseStore.listSmall?.(signal).catch((error) => {
      if (signal.aborted) throw error;
      // Each part of the worker then looks for itself, and reports what fails.
      retryMs = FAILED_RETRY_MS;
    });
    this.#isSmall = listing !== undefined;
    if (listing === undefined) {
      this.#nextTryMs = startedMs + retryMs;
      return undefined;
    }
    const look = { listing, startedMs, endedMs: clock.monotonicMs() };
    onLook(look);
    return look;
  }

  /** Lists the table, whatever its size. */
  async list(signal: AbortSignal): Promise<TableListing> {
    return (await this.look(signal))?.listing ?? await this.#options.leaseStore.list(signal);
  }
}
