/**
 * How a slice reads its shards: like any worker, but each fetch waits for its turn, and nothing is read
 * ahead. A shard goes on from the iterator of an earlier slice where that is certain to continue at its
 * checkpoint.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { ByteBudget } from "../retrieval/byte_budget.ts";
import { pageMemory } from "../retrieval/page_memory.ts";
import type { RecordsPage, Retrieval, RetrievalRequest } from "../retrieval/retrieval.ts";
import { textOf } from "../stream/sequence_number.ts";
import { pollingReading, type ShardReading } from "../worker/shard_reading.ts";
import type { KeptIterator, SliceHost, SliceParts } from "./slice_parts.ts";
import type { SliceShards } from "./slice_shards.ts";
import type { Turns } from "./turns.ts";

/** How long iterators are kept, in ms. They are good for 5 minutes: Kinesis API reference. */
export const ITERATOR_LIFE_MS = 240_000;

/** What reading in turns needs. */
export interface SliceReadingOptions {
  readonly host: Pick<SliceHost, "settings" | "kept" | "fanOut">;
  readonly parts: SliceParts;
  readonly turns: Turns;
  readonly shards: SliceShards;
  readonly emit: WorkerEventListener;
  /** Called when a page has come. */
  readonly onPage: () => void;
  /** Called when a shard has been read to its tip, and is not read on. */
  readonly onCaughtUp: (leaseKey: string) => void;
  /** How long a shard rests at its tip before it is read on, in ms; undefined when it is not. */
  readonly tipRestMs: () => number | undefined;
}

/** Reads in turns. */
export function sliceReading(options: SliceReadingOptions): ShardReading {
  const { host: { settings, fanOut }, parts, emit } = options;
  const { reading } = settings;
  const { kinesisConsumers, system } = parts;
  const shared = { parts, reading, budget: new ByteBudget(reading.maxBufferedBytes), system, emit };
  const base = kinesisConsumers === undefined || fanOut === undefined
    ? pollingReading(shared)
    : fanOut.reading(shared, kinesisConsumers);
  return {
    of(stream) {
      const retrieval = base.of(stream);
      return { read: (request, signal) => read(retrieval, request, options, signal) };
    },
    // A registration of enhanced fan-out outlives a slice.
    close: () => Promise.resolve(),
  };
}

async function* read(
  retrieval: Retrieval,
  request: RetrievalRequest,
  options: SliceReadingOptions,
  signal: AbortSignal,
): AsyncGenerator<RecordsPage, void, void> {
  const { turns, shards, parts: { system: { clock } }, onPage, onCaughtUp, tipRestMs } = options;
  const { leaseKey } = request;
  const { pacing: { maxReadsPerSecond } } = options.host.settings.reading;
  const kept = usable(options, request);
  let readMs = kept?.sinceMs ?? -Infinity;
  let restMs: number | undefined = 0;
  const pages = retrieval.read({ ...request, iterator: kept?.iterator }, signal)[Symbol.asyncIterator]();
  try {
    while (true) {
      // Counted from the answer: the request may have waited for its turn to be sent.
      const betweenMs = Math.max(restMs ?? 0, 1000 / maxReadsPerSecond);
      await clock.sleep(Math.max(0, readMs + betweenMs - clock.monotonicMs()), signal);
      await turns.next(leaseKey, signal);
      let page: RecordsPage | undefined;
      try {
        const next = await pages.next();
        if (next.done === true) return;
        page = next.value;
      } finally {
        const bytes = page === undefined ? 0 : pageMemory(page);
        turns.fetched(leaseKey, { bytes, behindMs: page?.millisBehindLatest });
      }
      readMs = clock.monotonicMs();
      shards.page(page, leaseKey, readMs);
      onPage();
      yield page;
      if (page.end !== undefined) return;
      restMs = shards.delivered(page, leaseKey) ? tipRestMs() : 0;
      if (restMs !== undefined) continue;
      await shards.finished(leaseKey);
      onCaughtUp(leaseKey);
    }
  } finally {
    turns.left(leaseKey);
    await pages.return?.();
  }
}

function usable(
  { host: { kept }, parts: { system: { clock } } }: SliceReadingOptions,
  { leaseKey, checkpoint }: RetrievalRequest,
): KeptIterator | undefined {
  const found = kept.get(leaseKey);
  kept.delete(leaseKey);
  if (found === undefined || textOf(found.checkpoint) !== textOf(checkpoint)) return undefined;
  return clock.monotonicMs() - found.sinceMs < ITERATOR_LIFE_MS ? found : undefined;
}
