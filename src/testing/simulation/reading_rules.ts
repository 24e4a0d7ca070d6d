/**
 * What must hold for the calls that read a shard, and for what is kept of it until it is processed.
 *
 * @module
 */

import type { IteratorPosition } from "../../aws/kinesis.ts";
import type { GetRecordsOutput } from "../../aws/kinesis_wire.ts";
import { compare, type ExtendedSequenceNumber } from "../../stream/sequence_number.ts";
import type { History } from "./history.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the rules look at. */
export interface ReadingRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  /** What a worker may read ahead, in bytes, of all shards together. */
  readonly maxBufferedBytes: number;
  /** Whether records of several pages may wait for one another: then bytes are bounded, and pages are not. */
  readonly hasLanes?: boolean | undefined;
}

/** A page that was fetched and not handed over yet. */
interface WaitingPage {
  readonly bytes: number;
  readonly last: ExtendedSequenceNumber;
}

/** What one process has of one shard. */
interface Reading {
  /** Virtual ms at which iterators were refused, of the last ten seconds. */
  refusedMs: number[];
  /** Virtual ms of the GetRecords calls of the last second. */
  sentMs: number[];
  /**
   * The last of them by the iterator in use, or what followed it; undefined while another one is being
   * opened.
   */
  readMs: number | undefined;
  pages: WaitingPage[];
}

/** Five a second are allowed; one more may come from the reader before. */
const MAX_READS_PER_SECOND = 6;
/**
 * How many times iterators of a shard may be refused within ten seconds: pauses double from 200 ms on.
 * Without them it is some 50.
 */
const MAX_REFUSALS = 25;
/**
 * The shortest pause of one reader between two of its calls, in ms; a little less, because of sums of
 * fractions.
 */
const LEAST_GAP_MS = 199;
/** Source: KCL 3.5.1, `PollingConfig`: 3 pages; here 4, one in work, and one being handed over. */
const MAX_WAITING_PAGES = 6;

/** See the module. */
export class ReadingRules {
  readonly #options: ReadingRulesOptions;
  readonly #machines = new Map<string, Map<string, Reading>>();
  /** The largest page up to now, in bytes: a shard that has none may always fetch one. */
  #largest = 0;

  constructor(options: ReadingRulesOptions) {
    this.#options = options;
  }

  /** A reader starts, or restarts: pages before that are no longer kept, or have been handed over. */
  opened(machine: string, leaseKey: string, position: IteratorPosition): void {
    const reading = this.#readingOf(machine, leaseKey);
    reading.pages = [];
    reading.readMs = undefined;
    if (!("sequenceNumber" in position) || /^\d+$/.test(position.sequenceNumber)) return;
    this.#break("positionsExist", leaseKey, `${machine} reads it from ${position.sequenceNumber} on`);
  }

  /** GetRecords is sent. */
  read(machine: string, leaseKey: string): void {
    const { nowMs } = this.#options.time;
    const reading = this.#readingOf(machine, leaseKey);
    const gapMs = nowMs - (reading.readMs ?? -Infinity);
    reading.readMs = nowMs;
    if (gapMs < LEAST_GAP_MS) {
      this.#break("readsKeepTheirPace", leaseKey, `${machine} reads it again after ${Math.round(gapMs)} ms`);
    }
    reading.sentMs = [...reading.sentMs.filter((sentMs) => sentMs > nowMs - 1000), nowMs];
    if (reading.sentMs.length <= MAX_READS_PER_SECOND) return;
    this.#break("readsKeepTheirPace", leaseKey, `${machine} sent ${reading.sentMs.length} in a second`);
  }

  /** An iterator was refused. */
  refused(machine: string, leaseKey: string): void {
    const { nowMs } = this.#options.time;
    const reading = this.#readingOf(machine, leaseKey);
    reading.refusedMs = [...reading.refusedMs.filter((refusedMs) => refusedMs > nowMs - 10_000), nowMs];
    const { length } = reading.refusedMs;
    if (length <= MAX_REFUSALS) return;
    this.#break("repairsSlowDown", leaseKey, `${machine} was refused ${length} iterators in ten seconds`);
  }

  /** A page has come. */
  fetched(machine: string, leaseKey: string, { records, bytes }: GetRecordsOutput): void {
    const last = records.at(-1);
    if (last === undefined) return;
    this.#largest = Math.max(this.#largest, bytes);
    const reading = this.#readingOf(machine, leaseKey);
    // What comes again was let go of: its end could not be confirmed.
    const pages = reading.pages = reading.pages.filter((page) => compare(page.last, last) < 0);
    pages.push({ bytes, last });
    if (pages.length > MAX_WAITING_PAGES && !this.#options.hasLanes) {
      this.#break("buffersKeepTheirBounds", leaseKey, `${machine} keeps ${pages.length} pages of it`);
    }
    const all = [...this.#machines.get(machine)?.values() ?? []].filter((reading) =>
      reading.pages.length > 0
    );
    const kept = all.flatMap((reading) => reading.pages).reduce((sum, page) => sum + page.bytes, 0);
    // One page of each shard in any case, and one that turned out larger than the one before it. With lanes
    // also one whose records wait for others, and one that is handed over meanwhile.
    const mostPages = this.#options.hasLanes ? 4 : 2;
    const bound = this.#options.maxBufferedBytes + mostPages * all.length * this.#largest;
    if (kept <= bound) return;
    this.#break("buffersKeepTheirBounds", leaseKey, `${machine} keeps ${kept} bytes, ${bound} at most`);
  }

  /** A batch that ends there is handed over. */
  handedOver(machine: string, leaseKey: string, last: ExtendedSequenceNumber): void {
    const reading = this.#readingOf(machine, leaseKey);
    reading.pages = reading.pages.filter((page) => compare(page.last, last) > 0);
  }

  /** The reading of a shard is over. */
  left(machine: string, leaseKey: string): void {
    this.#machines.get(machine)?.delete(leaseKey);
  }

  /** A process has died. */
  forget(machine: string): void {
    this.#machines.delete(machine);
  }

  #readingOf(machine: string, leaseKey: string): Reading {
    let shards = this.#machines.get(machine);
    if (shards === undefined) this.#machines.set(machine, shards = new Map());
    let reading = shards.get(leaseKey);
    if (reading === undefined) {
      shards.set(leaseKey, reading = { refusedMs: [], sentMs: [], readMs: undefined, pages: [] });
    }
    return reading;
  }

  #break(invariant: string, leaseKey: string, detail: string): void {
    this.#options.history.violated(invariant, leaseKey, detail);
  }
}
