/**
 * Counts what a fleet asks of DynamoDB: who asked, what for, and the units that it is charged.
 *
 * Units as DynamoDB counts them: a strongly consistent read costs one for each 4 KiB, any other half of that; a write one
 * for each KiB of the item before or after it, whichever is larger, and one more for each entry of the index that goes or
 * comes; a refused condition costs as much as a write. A scan comes in pages of 1 MiB, one request each.
 *
 * @module
 */

import type { AttributeValue, ConditionalOutcome, Item } from "../../src/aws/dynamodb.ts";
import type { ItemUpdate } from "../../src/store/item_write.ts";
import type { Link } from "../../src/testing/simulation/faults.ts";
import type { TableAccess, TableWatcher, TableWrite } from "../../src/testing/simulation/shared_table.ts";

/** What a request is for. */
export type Purpose =
  | "Scan (table)"
  | "Query (own leases)"
  | "GetItem (lease)"
  | "GetItem (lock)"
  | "UpdateItem (renewal)"
  | "UpdateItem (assignment)"
  | "UpdateItem (lock)"
  | "UpdateItem (metrics)"
  | "PutItem (lease)"
  | "other";

/** So much of something. */
export interface Cost {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

/** See the module. */
export class Bill implements TableWatcher {
  readonly #machines = new Map<string, Map<Purpose, Cost>>();
  #peaks: Peaks | undefined;

  /** From now on, what the busiest second costs. */
  watchPeaks(nowMs: () => number): Readonly<Omit<Cost, "requests">> {
    return this.#peaks = new Peaks(nowMs);
  }

  /** Starts anew. */
  clear(): void {
    this.#machines.clear();
  }

  /** What one machine, or all together, asked for. */
  costs(machine?: string): ReadonlyMap<Purpose, Cost> {
    const total = new Map<Purpose, Cost>();
    for (const [name, costs] of this.#machines) {
      if (machine !== undefined && name !== machine) continue;
      for (const [purpose, { requests, readUnits, writeUnits }] of costs) {
        const sum = costOf(total, purpose);
        sum.requests += requests;
        sum.readUnits += readUnits;
        sum.writeUnits += writeUnits;
      }
    }
    return total;
  }

  add(
    machine: string,
    purpose: Purpose,
    { requests = 0, readUnits = 0, writeUnits = 0 }: Partial<Cost>,
  ): void {
    let costs = this.#machines.get(machine);
    if (costs === undefined) this.#machines.set(machine, costs = new Map());
    const cost = costOf(costs, purpose);
    cost.requests += requests;
    cost.readUnits += readUnits;
    cost.writeUnits += writeUnits;
    this.#peaks?.add(readUnits, writeUnits);
  }

  sent(): void {}

  applied({ by, key, before, after, update }: TableWrite): void {
    const was = ownerOf(before), is = ownerOf(after);
    const entries = was === is ? 0 : Number(was !== undefined) + Number(is !== undefined);
    const bytes = Math.max(sizeOf(before), sizeOf(after));
    this.add(by, purposeOf(key, update), { writeUnits: writeUnits(bytes) + entries });
  }

  /** The table, with each request put on the bill; a scan takes as long as its pages. */
  meter(table: TableAccess, link: Link): TableAccess {
    const { name } = link.machine;
    const counted = async (
      key: string,
      update: ItemUpdate | undefined,
      outcome: Promise<ConditionalOutcome>,
    ) => {
      const purpose = purposeOf(key, update);
      this.add(name, purpose, { requests: 1 });
      const { applied, item } = await outcome;
      if (!applied) this.add(name, purpose, { writeUnits: writeUnits(sizeOf(item)) });
      return { applied, item };
    };
    return {
      tableName: table.tableName,
      keyName: table.keyName,
      exists: (signal) => table.exists(signal),
      updateWith: () => Promise.reject(new Error("no transactions are billed")),
      get: async (key, signal) => {
        const purpose = key === LOCK ? "GetItem (lock)" : isLease(key) ? "GetItem (lease)" : "other";
        this.add(name, purpose, { requests: 1 });
        const item = await table.get(key, signal);
        this.add(name, purpose, { readUnits: readUnits(sizeOf(item)) });
        return item;
      },
      glance: async (key, signal) => {
        this.add(name, "GetItem (lock)", { requests: 1 });
        const item = await table.glance(key, signal);
        this.add(name, "GetItem (lock)", { readUnits: readUnits(sizeOf(item)) / 2 });
        return item;
      },
      scanFewer: async (limit, signal) => {
        const items = await table.scanFewer(limit, signal);
        const bytes = items?.reduce((sum, item) => sum + sizeOf(item), 0) ?? limit * LEASE_BYTES;
        this.add(name, "Scan (table)", { requests: 1, readUnits: readUnits(bytes) / 2 });
        return items;
      },
      scan: async (signal) => {
        const items = await table.scan(signal);
        const bytes = items.reduce((sum, item) => sum + sizeOf(item), 0);
        const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
        this.add(name, "Scan (table)", { requests: pages, readUnits: readUnits(bytes) / 2 });
        for (let page = 1; page < pages; page++) await link.call("dynamodb", "Scan", () => undefined, signal);
        return items;
      },
      owned: async (workerId, signal) => {
        const keys = await table.owned(workerId, signal);
        const bytes = keys.reduce((sum, key) => sum + key.length + workerId.length + 18, 0);
        this.add(name, "Query (own leases)", { requests: 1, readUnits: readUnits(bytes) / 2 });
        return keys;
      },
      put: (item, when, signal) => {
        const { leaseKey } = item;
        const key = leaseKey !== undefined && "S" in leaseKey ? leaseKey.S : "";
        return counted(key, undefined, table.put(item, when, signal));
      },
      update: (key, update, when, signal) => counted(key, update, table.update(key, update, when, signal)),
      delete: (key, when, signal) => counted(key, undefined, table.delete(key, when, signal)),
    };
  }
}

/** The most units of a second, second by second. */
class Peaks {
  readUnits = 0;
  writeUnits = 0;
  readonly #nowMs: () => number;
  #second = -1;
  #reads = 0;
  #writes = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(readUnits: number, writeUnits: number): void {
    const second = Math.floor(this.#nowMs() / 1000);
    if (second !== this.#second) this.#reads = this.#writes = 0;
    this.#second = second;
    this.#reads += readUnits;
    this.#writes += writeUnits;
    this.readUnits = Math.max(this.readUnits, this.#reads);
    this.writeUnits = Math.max(this.writeUnits, this.#writes);
  }
}

/** A scan's page. Source: DynamoDB developer guide, Scan. */
const PAGE_BYTES = 1_048_576;
const LOCK = "Leader";
/** An item of a lease has some 250 bytes. */
const LEASE_BYTES = 250;
const sizes = new WeakMap<Item, number>();

/** The size of an item. Source: DynamoDB developer guide, "DynamoDB item sizes and formats". */
export function sizeOf(item: Item | undefined): number {
  if (item === undefined) return 0;
  let size = sizes.get(item);
  if (size !== undefined) return size;
  size = 0;
  for (const name in item) size += name.length + valueSize(item[name]);
  sizes.set(item, size);
  return size;
}

function valueSize(value: AttributeValue | undefined): number {
  if (value === undefined) return 0;
  if ("S" in value) return value.S.length;
  if ("N" in value) return Math.ceil(value.N.length / 2) + 1;
  if ("SS" in value) return value.SS.reduce((sum, text) => sum + text.length, 0);
  if ("L" in value) return 3 + value.L.reduce((sum, entry) => sum + 1 + valueSize(entry), 0);
  if ("M" in value) {
    return 3 +
      Object.entries(value.M).reduce((sum, [name, entry]) => sum + 1 + name.length + valueSize(entry), 0);
  }
  return 1;
}

function readUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 4096));
}

function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1024));
}

function purposeOf(key: string, update: ItemUpdate | undefined): Purpose {
  if (isLease(key)) {
    if (update === undefined) return "PutItem (lease)";
    return update.set.leaseCounter === undefined ? "UpdateItem (assignment)" : "UpdateItem (renewal)";
  }
  if (update === undefined) return "other";
  return key === LOCK ? "UpdateItem (lock)" : "UpdateItem (metrics)";
}

function isLease(key: string): boolean {
  return key.startsWith("shardId-");
}

function ownerOf(item: Item | undefined): string | undefined {
  const owner = item?.leaseOwner;
  return owner !== undefined && "S" in owner ? owner.S : undefined;
}

function costOf(costs: Map<Purpose, Cost>, purpose: Purpose): Cost {
  let cost = costs.get(purpose);
  if (cost === undefined) costs.set(purpose, cost = { requests: 0, readUnits: 0, writeUnits: 0 });
  return cost;
}
