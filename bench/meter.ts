/**
 * Measures one turn of a reader: from the end of its warm-up to its last record. A turn is a process of its own, whose CPU
 * time is the kernel's account of all its threads.
 *
 * @module
 */

import process from "node:process";

/** How much a turn reads. */
export interface TurnSize {
  /** Records that are measured; calls where a case is about calls, ms where it is about memory. */
  readonly count: number;
  /** Records before them that are not: connections, JIT and the reader's start. */
  readonly warmUp: number;
}

/** A turn that takes longer is over, in ms: a reader a hundred times slower than another is not waited for. */
const LONGEST_TURN_MS = 8000;

/** What one turn took. */
export interface Turn {
  /** What was read: records, or calls where a case is about calls. */
  readonly count: number;
  readonly seconds: number;
  /** CPU time in the program, all threads. */
  readonly userSeconds: number;
  /** CPU time in the kernel for it: sockets, and memory that is handed out. */
  readonly systemSeconds: number;
}

/** Counts records until the turn is over. */
export class Meter {
  readonly #size: TurnSize;
  #seen = 0;
  #startMs: number | undefined;
  #startCount = 0;
  #startCpu = process.cpuUsage();
  /** Bytes of records touched, so that no engine may leave the touching out. */
  #touched = 0;

  constructor(size: TurnSize) {
    this.#size = size;
  }

  /** Counts records and touches each. @returns The turn once it is over. */
  page(payloads: Iterable<Uint8Array>): Turn | undefined {
    let count = 0;
    for (const payload of payloads) {
      this.#touched += payload[0] ?? 0;
      count++;
    }
    return this.add(count);
  }

  /** Counts what nobody touches here. @returns The turn once it is over. */
  add(count: number): Turn | undefined {
    const { count: wanted, warmUp } = this.#size;
    this.#seen += count;
    if (this.#seen < warmUp) return undefined;
    if (this.#startMs === undefined) {
      this.#startMs = performance.now();
      this.#startCount = this.#seen;
      this.#startCpu = process.cpuUsage();
      return undefined;
    }
    const ms = performance.now() - this.#startMs;
    const measured = this.#seen - this.#startCount;
    if (measured < wanted && ms < LONGEST_TURN_MS) return undefined;
    const { user, system } = process.cpuUsage(this.#startCpu);
    return { count: measured, seconds: ms / 1000, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
  }
}
