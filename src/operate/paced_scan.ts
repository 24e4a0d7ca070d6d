/**
 * Scans a table gently: within a bound on read units, in a few parts at once, and slower as soon as DynamoDB
 * throttles. The fleet whose table it is must not feel that somebody looks.
 *
 * @module
 */

import type { DynamoDB, Item } from "../aws/dynamodb.ts";
import { classify } from "../aws/retry.ts";
import { AwsServiceError } from "../errors.ts";
import type { Clock } from "../system.ts";

/** How a table is scanned. */
export interface PacedScanOptions {
  readonly dynamodb: Pick<DynamoDB, "scanPage">;
  readonly tableName: string;
  /** Parts that are read at the same time, until DynamoDB throttles. */
  readonly segments: number;
  /** The most read units a second. Undefined: as many as it takes. */
  readonly maxRcu: number | undefined;
  /** After this many refusals in a row the scan fails. @default {8} */
  readonly patience?: number | undefined;
  readonly clock: Clock;
  /** Takes each page. It keeps no item, so that only one page of each part is in memory. */
  readonly onPage: (items: readonly Item[]) => void;
}

/** The pause after the first refusal, in ms; doubled after each further one in a row. Ours. */
const THROTTLED_MS = 1000, MAX_THROTTLED_MS = 16_000;

/** Of `patience`. Ours. */
const MAX_THROTTLED = 8;

/** The most bytes of a page that is paced: a page of 1 MiB costs 128 read units at once. */
const BYTES_PER_UNIT = 8192;

/**
 * Reads all of it. The other parts begin once the first page has come: what is refused is asked for once.
 *
 * @throws {AwsServiceError} also when it stays throttled.
 */
export async function pacedScan(options: PacedScanOptions, signal: AbortSignal): Promise<void> {
  const { segments } = options;
  const pace = new Pace(options);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let begin = () => {};
  const begun = new Promise<void>((resolve) => begin = resolve);
  const parts = Array.from({ length: segments }, async (_, segment) => {
    try {
      if (segment > 0) await begun;
      either.throwIfAborted();
      await scanPart(options, segment, pace, begin, either);
    } catch (error) {
      failed.abort(error);
      throw error;
    } finally {
      begin();
    }
  });
  await Promise.allSettled(parts);
  if (failed.signal.aborted && !signal.aborted) throw failed.signal.reason;
  signal.throwIfAborted();
}

async function scanPart(
  { dynamodb, tableName, segments, maxRcu, onPage }: PacedScanOptions,
  segment: number,
  pace: Pace,
  onFirst: () => void,
  signal: AbortSignal,
): Promise<void> {
  // Small pages where capacity is small: the cost of a page is known only after it.
  const limit = maxRcu === undefined ? undefined : Math.max(25, Math.floor(maxRcu * BYTES_PER_UNIT / 1024));
  let from: Item | undefined;
  do {
    const page = await pace.next(async () => {
      const found = await dynamodb.scanPage(tableName, { segment, segments, limit, from }, signal);
      return { found, readUnits: found.readUnits ?? 0 };
    }, signal);
    onFirst();
    onPage(page.items);
    from = page.lastKey;
  } while (from !== undefined);
}

/** When the next page may be asked for, over all parts. */
class Pace {
  readonly #clock: Clock;
  readonly #maxRcu: number | undefined;
  readonly #patience: number;
  #nextMs = 0;
  #throttled = 0;
  /** Resolves when no page is under way; parts take turns once DynamoDB has throttled. */
  #turn: Promise<void> | undefined;

  constructor(
    { clock, maxRcu, patience = MAX_THROTTLED }: Pick<PacedScanOptions, "clock" | "maxRcu" | "patience">,
  ) {
    this.#clock = clock;
    this.#maxRcu = maxRcu;
    this.#patience = patience;
  }

  /** Asks when it may, and again after each refusal. */
  async next<T>(
    ask: () => Promise<{ readonly found: T; readonly readUnits: number }>,
    signal: AbortSignal,
  ): Promise<T> {
    while (true) {
      const before = this.#turn;
      let end = () => {};
      if (before !== undefined || this.#maxRcu !== undefined) {
        this.#turn = new Promise((resolve) => end = resolve);
      }
      try {
        await before;
        const waitMs = this.#nextMs - this.#clock.monotonicMs();
        if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
        signal.throwIfAborted();
        const { found, readUnits } = await ask();
        this.#throttled = 0;
        this.#spend(readUnits);
        return found;
      } catch (error) {
        if (!isThrottled(error) || ++this.#throttled >= this.#patience) throw error;
        const pauseMs = Math.min(MAX_THROTTLED_MS, THROTTLED_MS * 2 ** (this.#throttled - 1));
        this.#nextMs = this.#clock.monotonicMs() + pauseMs;
        this.#turn ??= Promise.resolve();
      } finally {
        end();
      }
    }
  }

  #spend(readUnits: number): void {
    if (this.#maxRcu === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    this.#nextMs = Math.max(this.#nextMs, nowMs) + readUnits / this.#maxRcu * 1000;
  }
}

function isThrottled(error: unknown): boolean {
  return error instanceof AwsServiceError &&
    classify({ code: error.code, status: error.status }) === "throttled";
}
