/**
 * Reads the next pages of a shard while one is being processed.
 *
 * Bounded per shard, in pages, records and bytes, and per worker in bytes. A shard with no page, neither
 * waiting nor in work, may always read one, even a large one and on a full worker. So no shard can stop for
 * ever. What a page keeps in memory counts, not its payloads alone, and so does the page that is being read,
 * by what the last one took. The memory in use is at most the worker's bound plus one page of each shard.
 *
 * One reader requests one page at a time from the source, in order. So the source's knowledge of expired
 * iterators and failures stays true. An error of the source comes after the pages that were read before it.
 *
 * Source: KCL 3.5.1, `PrefetchRecordsPublisher`, which has no bound for the worker.
 *
 * @module
 */

import { linkedController } from "../async/waiting.ts";
import type { ByteBudget } from "./byte_budget.ts";
import { pageMemory } from "./page_memory.ts";
import type { RecordsPage, Retrieval, RetrievalRequest } from "./retrieval.ts";

/** How far ahead one shard is read. No further page is requested once one of the limits is reached. */
export interface ReadAheadLimits {
  readonly pages: number;
  readonly records: number;
  readonly bytes: number;
}

/** Source: KCL 3.5.1, `PollingConfig.maxPendingProcessRecordsInput`, `SimpleRecordsFetcherFactory`. */
export const READ_AHEAD_LIMITS: ReadAheadLimits = { pages: 4, records: 30_000, bytes: 8 * 1024 * 1024 };

/** What reading ahead takes. */
export interface ReadAheadOptions {
  readonly limits: ReadAheadLimits;
  /** Shared by all shards of the worker. */
  readonly budget: ByteBudget;
  /** What a page takes of the budget, in bytes. @default {pageMemory} */
  readonly memoryOf?: ((page: RecordsPage) => number) | undefined;
}

/** Reads a source ahead. */
export function readAhead(source: Retrieval, options: ReadAheadOptions): Retrieval {
  return { read: (request, signal) => read(source, options, request, signal) };
}

async function* read(
  source: Retrieval,
  options: ReadAheadOptions,
  request: RetrievalRequest,
  signal: AbortSignal,
): AsyncGenerator<RecordsPage, void, void> {
  const { controller: leaving, unlink } = linkedController(signal);
  const buffer = new PageBuffer(options, leaving.signal);
  const filling = buffer.fill(source.read(request, leaving.signal));
  try {
    for (;;) {
      const page = await buffer.take();
      if (page === undefined) return;
      yield page;
      signal.throwIfAborted();
      buffer.done();
    }
  } finally {
    unlink();
    leaving.abort();
    await filling;
    buffer.clear();
  }
}

/** The pages of one shard between its reader and its processor. */
class PageBuffer {
  readonly #limits: ReadAheadLimits;
  readonly #budget: ByteBudget;
  readonly #signal: AbortSignal;
  readonly #memoryOf: (page: RecordsPage) => number;
  readonly #pages: { readonly page: RecordsPage; readonly memory: number }[] = [];
  #records = 0;
  #bytes = 0;
  /** What the page in work takes of the budget; undefined while there is none. */
  #inWork: number | undefined;
  /** What the last page took: the next one is likely to be like it. */
  #expected = 0;
  #end: { readonly error: unknown } | "over" | undefined;
  #wakeReader = () => {};
  #wakeTaker = () => {};

  constructor({ limits, budget, memoryOf = pageMemory }: ReadAheadOptions, signal: AbortSignal) {
    this.#limits = limits;
    this.#budget = budget;
    this.#memoryOf = memoryOf;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Reads until the source is over, fails, or the signal aborts. Never rejects. */
  async fill(source: AsyncIterable<RecordsPage>): Promise<void> {
    try {
      const pages = source[Symbol.asyncIterator]();
      while (!this.#signal.aborted) {
        if (!this.#mayRead()) {
          await this.#room();
          continue;
        }
        if (!await this.#read(pages)) break;
      }
      await pages.return?.();
      this.#end = "over";
    } catch (error) {
      this.#end = { error };
    }
    this.#wakeTaker();
  }

  /**
   * The next page, which then is in work; undefined when there are no more. @throws the signal's reason, or
   * what the source threw.
   */
  async take(): Promise<RecordsPage | undefined> {
    for (;;) {
      this.#signal.throwIfAborted();
      const next = this.#pages.shift();
      if (next !== undefined) {
        const { page, memory } = next;
        this.#records -= page.records.length;
        this.#bytes -= page.bytes;
        this.#inWork = memory;
        this.#wakeReader();
        return page;
      }
      if (this.#end === "over") return undefined;
      if (this.#end !== undefined) throw this.#end.error;
      await new Promise<void>((resolve) => this.#wakeTaker = resolve);
    }
  }

  /** The page in work is processed. */
  done(): void {
    const bytes = this.#inWork;
    this.#inWork = undefined;
    if (bytes !== undefined) this.#budget.give(bytes);
    this.#wakeReader();
  }

  /** Drops everything. */
  clear(): void {
    this.#budget.give(this.#pages.reduce((sum, { memory }) => sum + memory, 0));
    this.#pages.length = 0;
    this.#bytes = this.#records = 0;
    this.done();
  }

  /**
   * Reads one page. Keeps room for it meanwhile, so that shards that read side by side do not all use the
   * same room. @returns whether there was one.
   */
  async #read(pages: AsyncIterator<RecordsPage>): Promise<boolean> {
    const reserved = this.#expected;
    this.#budget.take(reserved);
    try {
      const { value, done } = await pages.next();
      if (!done) this.#put(value);
      return !done;
    } finally {
      this.#budget.give(reserved);
    }
  }

  #put(page: RecordsPage): void {
    const memory = this.#memoryOf(page);
    this.#budget.take(memory);
    this.#expected = memory;
    this.#pages.push({ page, memory });
    this.#records += page.records.length;
    this.#bytes += page.bytes;
    this.#wakeTaker();
  }

  #mayRead(): boolean {
    const { pages, records, bytes } = this.#limits;
    if (this.#pages.length === 0 && this.#inWork === undefined) return true;
    return this.#pages.length < pages && this.#records < records && this.#bytes < bytes &&
      this.#budget.hasRoomFor(this.#expected);
  }

  /** Waits until a page was taken or processed, here or, for the bytes, in another shard. */
  async #room(): Promise<void> {
    let forget = () => {};
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
      forget = this.#budget.onRoom(resolve);
    });
    forget();
  }

  #wake(): void {
    this.#wakeReader();
    this.#wakeTaker();
  }
}
