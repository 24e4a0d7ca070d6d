// Pure.
/**
 * Which records may start, in the order that is asked for. A call takes the oldest records whose lanes are
 * free. A lane is a partition key, the whole shard, or nothing; it stays busy until its call's records are
 * finished.
 *
 * The one thing to get wrong: an older record of a busy lane must be passed by, and a younger one of the same
 * lane too. So each lane is a queue, and the heap holds the free lanes by their oldest records.
 *
 * @module
 */

import type { ProcessingOrder } from "./failure_options.ts";

/** What lanes need to know of a record. */
export interface LaneItem {
  /** Grows with the order of the shard. */
  readonly index: number;
  readonly key: string;
  readonly bytes: number;
}

/** The records of one lane that wait. */
interface Lane<T> {
  readonly key: string;
  readonly items: T[];
  /** Index in `items` of the oldest. */
  head: number;
  /** Bytes that wait. */
  bytes: number;
  isBusy: boolean;
  /** Its oldest record is tried again and again, elsewhere; the lane is busy meanwhile. */
  isParked: boolean;
}

/** Records for one call, and the lanes that they keep busy. */
export interface Taken<T> {
  readonly items: readonly T[];
  readonly keys: readonly string[];
}

/** The records of a shard that no call has yet. */
export class Lanes<T extends LaneItem> {
  readonly #order: ProcessingOrder;
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #heap = new Heap<{ readonly at: number; readonly lane: Lane<T> }>((entry) => entry.at);
  #waiting = 0;
  #startable = 0;
  #startableBytes = 0;
  #parked = 0;
  #parkedBytes = 0;

  constructor(order: ProcessingOrder) {
    this.#order = order;
  }

  /** Records that no call has. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Records whose lanes are free, and their bytes. */
  get startable(): { readonly records: number; readonly bytes: number } {
    return { records: this.#startable, bytes: this.#startableBytes };
  }

  /** Records that wait in parked lanes, and their bytes. */
  get parked(): { readonly records: number; readonly bytes: number } {
    return { records: this.#parked, bytes: this.#parkedBytes };
  }

  /** The oldest record that may start. */
  get oldest(): T | undefined {
    const lane = this.#first();
    return lane?.items[lane.head];
  }

  add(item: T): void {
    const key = this.#order === "key" ? item.key : "";
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, items: [], head: 0, bytes: 0, isBusy: false, isParked: false };
      this.#lanes.set(key, lane);
    }
    lane.items.push(item);
    lane.bytes += item.bytes;
    this.#waiting++;
    if (lane.isParked) {
      this.#parked++;
      this.#parkedBytes += item.bytes;
    }
    if (lane.isBusy) return;
    this.#startable++;
    this.#startableBytes += item.bytes;
    if (lane.items.length - lane.head === 1) this.#heap.push({ at: item.index, lane });
  }

  /**
   * Takes the oldest records that may start, as long as `fits` is true. The lanes are busy from then on.
   *
   * @param fits Whether the next one may come too; called from the second record on.
   */
  take(fits: (next: T, taken: readonly T[]) => boolean): Taken<T> {
    const items: T[] = [];
    const touched = new Set<Lane<T>>();
    for (let lane = this.#first(); lane !== undefined; lane = this.#first()) {
      const item = lane.items[lane.head];
      if (item === undefined || (items.length > 0 && !fits(item, items))) break;
      this.#heap.pop();
      items.push(item);
      touched.add(lane);
      lane.head++;
      lane.bytes -= item.bytes;
      this.#waiting--;
      this.#startable--;
      this.#startableBytes -= item.bytes;
      const next = lane.items[lane.head];
      if (next !== undefined) this.#heap.push({ at: next.index, lane });
      compact(lane);
    }
    if (this.#order !== "none") { for (const lane of touched) this.#occupy(lane); }
    return { items, keys: [...touched].map(({ key }) => key) };
  }

  /**
   * Parks a busy lane until it is released.
   *
   * @param later Records that were taken from it, and wait again before all others.
   */
  park(key: string, later: readonly T[]): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    lane.items.splice(lane.head, 0, ...later);
    lane.bytes += later.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#waiting += later.length;
    lane.isParked = true;
    this.#parked += lane.items.length - lane.head;
    this.#parkedBytes += lane.bytes;
  }

  /** The records that kept these lanes busy are finished. */
  release(keys: readonly string[]): void {
    if (this.#order === "none") return;
    for (const key of keys) {
      const lane = this.#lanes.get(key);
      if (lane === undefined) continue;
      if (lane.isParked) {
        this.#parked -= lane.items.length - lane.head;
        this.#parkedBytes -= lane.bytes;
      }
      lane.isBusy = lane.isParked = false;
      const next = lane.items[lane.head];
      if (next === undefined) {
        this.#lanes.delete(key);
        continue;
      }
      this.#startable += lane.items.length - lane.head;
      this.#startableBytes += lane.bytes;
      this.#heap.push({ at: next.index, lane });
    }
  }

  #occupy(lane: Lane<T>): void {
    lane.isBusy = true;
    this.#startable -= lane.items.length - lane.head;
    this.#startableBytes -= lane.bytes;
  }

  /** The free lane with the oldest record. What the heap says of a lane may be out of date. */
  #first(): Lane<T> | undefined {
    for (let top = this.#heap.top; top !== undefined; top = this.#heap.top) {
      const { at, lane } = top;
      if (!lane.isBusy && lane.items[lane.head]?.index === at) return lane;
      this.#heap.pop();
    }
    return undefined;
  }
}

/** Frees the memory of what was taken. */
function compact<T>(lane: Lane<T>): void {
  if (lane.head < 1000 || lane.head * 2 < lane.items.length) return;
  lane.items.splice(0, lane.head);
  lane.head = 0;
}

/** The smallest on top. */
class Heap<T> {
  readonly #items: T[] = [];
  readonly #rank: (item: T) => number;

  constructor(rank: (item: T) => number) {
    this.#rank = rank;
  }

  get top(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isLess(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    items[0] = last;
    for (let at = 0;;) {
      const left = 2 * at + 1, right = left + 1;
      let least = at;
      if (left < items.length && this.#isLess(left, least)) least = left;
      if (right < items.length && this.#isLess(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isLess(a: number, b: number): boolean {
    const left = this.#items[a], right = this.#items[b];
    return left !== undefined && right !== undefined && this.#rank(left) < this.#rank(right);
  }

  #swap(a: number, b: number): void {
    const left = this.#items[a], right = this.#items[b];
    if (left === undefined || right === undefined) return;
    this.#items[a] = right;
    this.#items[b] = left;
  }
}
