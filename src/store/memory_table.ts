/**
 * A table of items in memory, with DynamoDB's rules for conditions. It keeps real DynamoDB items, so that one
 * table can hold leases, lock, metrics and migration state together, as KCL 3.5 does. Deterministic: no time,
 * no chance, insertion order.
 *
 * @module
 */

import type { ConditionalOutcome, Item } from "../aws/dynamodb.ts";
import { AwsServiceError } from "../errors.ts";
import { holds, type ItemCondition, type ItemUpdate, updatedItem } from "./item_write.ts";
import type { ItemTable } from "./item_table.ts";

/** {@linkcode ItemTable} in memory. It does not exist until `create()`, like a real one. */
export class MemoryTable implements ItemTable {
  readonly tableName: string;
  readonly keyName: string;
  #items: Map<string, Item> | undefined;

  constructor(tableName: string, keyName = "leaseKey") {
    this.tableName = tableName;
    this.keyName = keyName;
  }

  /** Makes the table. @returns false when it exists already. */
  create(): boolean {
    if (this.#items !== undefined) return false;
    this.#items = new Map();
    return true;
  }

  /** Deletes the table, whatever it holds. */
  drop(): void {
    this.#items = undefined;
  }

  /** What the table holds at this moment, for tests and invariants; empty when it does not exist. */
  items(): readonly Item[] {
    return [...this.#items?.values() ?? []];
  }

  exists(signal?: AbortSignal): Promise<boolean> {
    return step(() => {
      signal?.throwIfAborted();
      return this.#items !== undefined;
    });
  }

  get(key: string, signal?: AbortSignal): Promise<Item | undefined> {
    return step(() => this.#open("GetItem", signal).get(key));
  }

  /** Never behind. */
  glance(key: string, signal?: AbortSignal): Promise<Item | undefined> {
    return this.get(key, signal);
  }

  scanFewer(limit: number, signal?: AbortSignal): Promise<readonly Item[] | undefined> {
    return step(() => {
      const items = this.#open("Scan", signal);
      return items.size < limit ? [...items.values()] : undefined;
    });
  }

  scan(signal?: AbortSignal): Promise<readonly Item[]> {
    return step(() => [...this.#open("Scan", signal).values()]);
  }

  put(item: Item, when: ItemCondition, signal?: AbortSignal): Promise<ConditionalOutcome> {
    return step(() => {
      const items = this.#open("PutItem", signal);
      const key = this.#keyOf(item);
      const found = items.get(key);
      if (!holds(when, found)) return { applied: false, item: found };
      items.set(key, item);
      return { applied: true, item: undefined };
    });
  }

  update(
    key: string,
    update: ItemUpdate,
    when: ItemCondition,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome> {
    return step(() => {
      const items = this.#open("UpdateItem", signal);
      const found = items.get(key);
      if (!holds(when, found)) return { applied: false, item: found };
      const item = updatedItem(found ?? { [this.keyName]: { S: key } }, update);
      items.set(key, item);
      return { applied: true, item };
    });
  }

  delete(key: string, when: ItemCondition, signal?: AbortSignal): Promise<ConditionalOutcome> {
    return step(() => {
      const items = this.#open("DeleteItem", signal);
      const found = items.get(key);
      if (!holds(when, found)) return { applied: false, item: found };
      items.delete(key);
      return { applied: true, item: undefined };
    });
  }

  #keyOf(item: Item): string {
    const key = item[this.keyName];
    if (key !== undefined && "S" in key) return key.S;
    throw new TypeError(
      `Cannot put an item into table "${this.tableName}": expected a text in "${this.keyName}": got ${
        JSON.stringify(key)
      }`,
    );
  }

  #open(operation: string, signal: AbortSignal | undefined): Map<string, Item> {
    signal?.throwIfAborted();
    if (this.#items !== undefined) return this.#items;
    throw new AwsServiceError({
      service: "dynamodb",
      operation,
      code: "ResourceNotFoundException",
      status: 400,
      requestId: undefined,
      retryable: false,
      detail: `there is no table "${this.tableName}"`,
      body: undefined,
    });
  }
}

/** Runs immediately and as a whole: a half-written table is never visible. An error rejects. */
function step<T>(run: () => T): Promise<T> {
  return new Promise((resolve) => resolve(run()));
}
