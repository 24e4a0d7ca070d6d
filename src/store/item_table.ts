/**
 * A table of items with one text key, as a contract: what leases and coordination need of DynamoDB once a
 * table exists. `dynamodb_table.ts` implements it on DynamoDB, `memory_table.ts` in memory. A simulation puts
 * its faults here: throttling, lost answers and stale scans all pass through these few methods.
 *
 * @module
 */

import type { ConditionalOutcome, Item } from "../aws/dynamodb.ts";
import type { ItemCondition, ItemUpdate } from "./item_write.ts";

/**
 * Single-item writes are atomic. Every method except `exists` throws `AwsServiceError` with code
 * `ResourceNotFoundException` when there is no such table. After any other failure it is not known whether a
 * write was applied.
 */
export interface ItemTable {
  readonly tableName: string;
  /** Name of the partition key, which holds a text. */
  readonly keyName: string;
  /** Whether there is such a table, usable or not. */
  exists(signal?: AbortSignal): Promise<boolean>;
  /** Strongly consistent. */
  get(key: string, signal?: AbortSignal): Promise<Item | undefined>;
  /** Eventually consistent, for half the price. */
  glance(key: string, signal?: AbortSignal): Promise<Item | undefined>;
  /** All items, in no particular order; eventually consistent. */
  scan(signal?: AbortSignal): Promise<readonly Item[]>;
  /** All items of a table that holds fewer than `limit`; else undefined. Eventually consistent. */
  scanFewer(limit: number, signal?: AbortSignal): Promise<readonly Item[] | undefined>;
  /** Replaces the whole item, key included. */
  put(item: Item, when: ItemCondition, signal?: AbortSignal): Promise<ConditionalOutcome>;
  /**
   * Changes some attributes; makes the item when the condition allows for none. The outcome has the item as
   * it now is.
   */
  update(
    key: string,
    update: ItemUpdate,
    when: ItemCondition,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome>;
  /** No error when there is none, unless the condition says otherwise. */
  delete(key: string, when: ItemCondition, signal?: AbortSignal): Promise<ConditionalOutcome>;
}
