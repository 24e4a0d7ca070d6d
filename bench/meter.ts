/**
 * Measures one turn of a reader: from the end of its warm-up to its last page.
 *
 * @module
 */

import process from "node:process";

/** How many pages a turn takes. */
export interface TurnSize {
  /** Pages that are measured. */
  readonly pages: number;
  /** Pages before them that are not: connections, JIT and the reader's start. */
  readonly warmUpPages: number;
}

/** What a figure that is worth publishing takes. */
export const FULL_TURN: TurnSize = { pages: 100, warmUpPages: 10 };
/** Shows that a benchmark runs, and measures nothing. */
export const SMOKE_TURN: TurnSize = { pages: 2, warmUpPages: 1 };
/** A turn that takes longer is over, in ms: a reader a hundred times slower than another is not waited for. */
const LONGEST_TURN_MS = 8000;

/** What one turn took. */
export interface Turn {
  readonly records: number;
  readonly seconds: number;
  /** User and system time of the whole process, all threads. */
  readonly cpuSeconds: number;
}

/** Counts pages until the turn is over. */
export class Meter {
  readonly #size: TurnSize;
  #pages = 0;
  #records = 0;
  #startMs = 0;
  #startCpu = process.cpuUsage();
  /** Bytes of records touched, so that no engine may leave the touching out. */
  #touched = 0;

  constructor(size: TurnSize = FULL_TURN) {
    this.#size = size;
  }

  /** Counts a page. @returns The turn once it is over. */
  page(payloads: Iterable<Uint8Array>): Turn | undefined {
    let records = 0;
    for (const payload of payloads) {
      this.#touched += payload[0] ?? 0;
      records++;
    }
    const { pages, warmUpPages } = this.#size;
    this.#pages++;
    if (this.#pages > warmUpPages) this.#records += records;
    if (this.#pages === warmUpPages) {
      this.#startMs = performance.now();
      this.#startCpu = process.cpuUsage();
    }
    if (this.#pages <= warmUpPages) return undefined;
    const ms = performance.now() - this.#startMs;
    if (this.#pages < warmUpPages + pages && ms < LONGEST_TURN_MS) return undefined;
    const cpu = process.cpuUsage(this.#startCpu);
    return { records: this.#records, seconds: ms / 1000, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
  }
}

/** Records a second by the clock. */
export function perSecond({ records, seconds }: Turn): number {
  return records / seconds;
}

/** Records a second by the CPU time. */
export function perCpuSecond({ records, cpuSeconds }: Turn): number {
  return records / cpuSeconds;
}

/** The middle one; of an even number, the greater of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
