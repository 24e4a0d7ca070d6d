/**
 * A table that many processes share, each over its own connection, with the past that a stale scan may show.
 * Watchers get each write before anything else happens.
 *
 * @module
 */

import type { ConditionalOutcome, Item } from "../../aws/dynamodb.ts";
import type { ItemTable } from "../../store/item_table.ts";
import { keysOwnedBy } from "../../store/table_listing.ts";
import { holds, type ItemCondition, type ItemUpdate, updatedItem } from "../../store/item_write.ts";
import type { Link } from "./faults.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** One applied write. */
export interface TableWrite {
  /** Which process sent it. */
  readonly by: string;
  /** Virtual ms at which it was sent. */
  readonly sentMs: number;
  readonly key: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** What changed in an update; undefined for a put or delete. */
  readonly update: ItemUpdate | undefined;
}

/** Gets every write. */
export interface TableWatcher {
  /** An update leaves its process; it may be refused, or never arrive. */
  sent(by: string, key: string, update: ItemUpdate): void;
  applied(write: TableWrite): void;
  /** Writes to other tables that were applied with the write to this key. */
  readonly transacted?: ((key: string, writes: readonly object[]) => void) | undefined;
}

/** The table as one process reaches it. */
export interface TableAccess extends ItemTable {
  /** An update, and writes to other tables that are applied with it or not at all. */
  updateWith(
    key: string,
    update: ItemUpdate,
    when: ItemCondition,
    writes: readonly object[],
    signal: AbortSignal | undefined,
  ): Promise<ConditionalOutcome>;
  /** The keys of the leases of an owner, by the index. */
  owned(workerId: string, signal: AbortSignal | undefined): Promise<readonly string[]>;
}

/** How old what a stale read shows may be, in ms. */
const STALE_MS = 3000;

/** The one table of a world. */
export class SharedTable {
  readonly #time: VirtualTime;
  readonly #watcher: TableWatcher;
  readonly #items = new Map<string, Item>();
  /** By owner: the index. */
  readonly #owned = new Map<string, Set<string>>();
  readonly #past = new Map<string, { readonly untilMs: number; readonly item: Item | undefined }[]>();

  constructor(time: VirtualTime, watcher: TableWatcher) {
    this.#time = time;
    this.#watcher = watcher;
  }

  /** What it holds at this moment. */
  get items(): ReadonlyMap<string, Item> {
    return this.#items;
  }

  /** Puts an item that was there before the world began. */
  begin(item: Item): void {
    const key = keyOf(item);
    this.#items.set(key, item);
    this.#past.set(key, []);
    this.#watcher.applied({
      by: "before",
      sentMs: this.#time.nowMs,
      key,
      before: undefined,
      after: item,
      update: undefined,
    });
  }

  /** What an operator does at this moment. Nothing goes wrong with it. @returns whether it was done. */
  command(key: string, update: ItemUpdate, when: ItemCondition): boolean {
    const before = this.#items.get(key);
    if (!holds(when, before)) return false;
    const after = updatedItem(before ?? { leaseKey: { S: key } }, update);
    this.#store(key, after);
    const { nowMs: sentMs } = this.#time;
    this.#watcher.applied({ by: "operator", sentMs, key, before, after, update });
    return true;
  }

  /** The table as one process reaches it. */
  over(link: Link, rates: { readonly staleReads: number }): TableAccess {
    const { machine } = link;
    const call = <T>(operation: string, signal: AbortSignal | undefined, serve: () => T) =>
      link.call("dynamodb", operation, serve, signal);
    const write = (key: string, when: ItemCondition, make: (found: Item | undefined) => Written) => {
      const sentMs = this.#time.nowMs;
      return (): ConditionalOutcome => {
        const before = this.#items.get(key);
        if (!holds(when, before)) return { applied: false, item: before };
        const { after, update } = make(before);
        this.#store(key, after);
        this.#watcher.applied({ by: machine.name, sentMs, key, before, after, update });
        return { applied: true, item: update === undefined ? undefined : after };
      };
    };
    const changed = (key: string, update: ItemUpdate, when: ItemCondition, signal?: AbortSignal) => {
      if (!signal?.aborted) this.#watcher.sent(machine.name, key, update);
      const make = (found: Item | undefined) => ({
        after: updatedItem(found ?? { leaseKey: { S: key } }, update),
        update,
      });
      return write(key, when, make);
    };
    return {
      tableName: "leases",
      keyName: "leaseKey",
      exists: (signal) => call("DescribeTable", signal, () => true),
      get: (key, signal) => call("GetItem", signal, () => this.#items.get(key)),
      glance: (key, signal) => {
        const isStale = link.isStale(rates.staleReads);
        return call("GetItem", signal, () => isStale ? this.#staleItem(link, key) : this.#items.get(key));
      },
      scanFewer: (limit, signal) => {
        const isStale = link.isStale(rates.staleReads);
        return call("Scan", signal, () => {
          if (this.#items.size >= limit) return undefined;
          return isStale ? this.#staleItems(link) : [...this.#items.values()];
        });
      },
      scan: (signal) => {
        const isStale = link.isStale(rates.staleReads);
        return call("Scan", signal, () => isStale ? this.#staleItems(link) : [...this.#items.values()]);
      },
      owned: (workerId, signal) => {
        const isStale = link.isStale(rates.staleReads);
        return call(
          "Query",
          signal,
          () =>
            isStale
              ? keysOwnedBy(workerId, this.#staleItems(link))
              : [...this.#owned.get(workerId) ?? []].toSorted(),
        );
      },
      put: (item, when, signal) => {
        const key = keyOf(item);
        return call("PutItem", signal, write(key, when, () => ({ after: item, update: undefined })));
      },
      update: (key, update, when, signal) => call("UpdateItem", signal, changed(key, update, when, signal)),
      updateWith: (key, update, when, writes, signal) => {
        const serve = changed(key, update, when, signal);
        return call("TransactWriteItems", signal, () => {
          const outcome = serve();
          // No token is remembered: a transaction that arrives twice is refused by its condition alone.
          if (outcome.applied) this.#watcher.transacted?.(key, writes);
          return outcome;
        });
      },
      delete: (key, when, signal) =>
        call("DeleteItem", signal, write(key, when, () => ({ after: undefined, update: undefined }))),
    };
  }

  #store(key: string, item: Item | undefined): void {
    const { nowMs } = this.#time;
    const past = (this.#past.get(key) ?? []).filter(({ untilMs }) => untilMs > nowMs - STALE_MS);
    const before = this.#items.get(key);
    past.push({ untilMs: nowMs, item: before });
    this.#past.set(key, past);
    this.#index(key, before, item);
    if (item === undefined) this.#items.delete(key);
    else this.#items.set(key, item);
  }

  #index(key: string, before: Item | undefined, after: Item | undefined): void {
    const was = ownerOf(before), is = ownerOf(after);
    if (was === is) return;
    if (was !== undefined) this.#owned.get(was)?.delete(key);
    if (is === undefined) return;
    const keys = this.#owned.get(is);
    if (keys === undefined) this.#owned.set(is, new Set([key]));
    else keys.add(key);
  }

  /** Each item as it was at some moment of the last seconds, not all of them at the same. */
  #staleItems(link: Link): Item[] {
    return [...this.#past.keys()].map((key) => this.#staleItem(link, key)).filter((item) =>
      item !== undefined
    );
  }

  #staleItem({ chance }: Link, key: string): Item | undefined {
    const atMs = this.#time.nowMs - chance.between(0, STALE_MS);
    const then = this.#past.get(key)?.find(({ untilMs }) => untilMs > atMs);
    return then === undefined ? this.#items.get(key) : then.item;
  }
}

interface Written {
  readonly after: Item | undefined;
  readonly update: ItemUpdate | undefined;
}

function ownerOf(item: Item | undefined): string | undefined {
  const owner = item?.leaseOwner;
  return owner !== undefined && "S" in owner ? owner.S : undefined;
}

function keyOf({ leaseKey }: Item): string {
  if (leaseKey !== undefined && "S" in leaseKey) return leaseKey.S;
  throw new TypeError(`Cannot put an item: expected a text in "leaseKey": got ${JSON.stringify(leaseKey)}`);
}
