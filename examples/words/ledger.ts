/**
 * What was put and what was processed, record by record: the demo's own book, by which it knows what is missing, what came twice, and
 * how late each shard is read.
 *
 * @module
 */

/** Who processed something of a shard, and when. */
export interface Reading {
  readonly worker: string;
  readonly atMs: number;
}

interface Put {
  readonly shardId: string;
  readonly atMs: number;
}

/** The book. All times are monotonic ms. */
export class Ledger {
  readonly #put: Put[] = [];
  readonly #isProcessed: boolean[] = [];
  /** By shard, the numbers of records that are not processed yet, oldest first. */
  readonly #waiting = new Map<string, Set<number>>();
  readonly #lastReading = new Map<string, Reading>();
  readonly #byWorker = new Map<string, number>();
  #processed = 0;
  #repeated = 0;

  /** How many records were put. Their numbers are 0, 1, 2 and so on. */
  get put(): number {
    return this.#put.length;
  }

  /** How many of them were processed. */
  get processed(): number {
    return this.#processed;
  }

  /** How many times a record came again. */
  get repeated(): number {
    return this.#repeated;
  }

  /** How many records each worker has processed. */
  get byWorker(): ReadonlyMap<string, number> {
    return this.#byWorker;
  }

  /** The next record was put. */
  notePut(shardId: string, atMs: number): void {
    const waiting = this.#waiting.get(shardId) ?? new Set();
    this.#waiting.set(shardId, waiting.add(this.#put.length));
    this.#put.push({ shardId, atMs });
  }

  /** A record was processed, for the first time or again. */
  noteProcessed(number: number, worker: string, atMs: number): void {
    const { shardId } = this.#put[number] ?? {};
    if (shardId === undefined) return;
    this.#lastReading.set(shardId, { worker, atMs });
    this.#byWorker.set(worker, (this.#byWorker.get(worker) ?? 0) + 1);
    if (this.#isProcessed[number]) this.#repeated++;
    else {
      this.#isProcessed[number] = true;
      this.#processed++;
      this.#waiting.get(shardId)?.delete(number);
    }
  }

  /** Who processed the last record of a shard. */
  lastReading(shardId: string): Reading | undefined {
    return this.#lastReading.get(shardId);
  }

  /** How old the oldest record of a shard is that is not processed; 0 while there is none. */
  lagMs(shardId: string, nowMs: number): number {
    const [oldest] = this.#waiting.get(shardId) ?? [];
    const put = oldest === undefined ? undefined : this.#put[oldest];
    return put === undefined ? 0 : nowMs - put.atMs;
  }
}
