/**
 * Counts words. Named by `executableName` in words.properties: the default export makes the processor of one shard.
 *
 * @module
 */

import type { RecordProcessor, RecordsBatch, ShardContext } from "@kclite/kclite";

/** How often each word was seen by all shards of this process. */
export const counts: Map<string, number> = new Map();

/** The numbers of the records seen, so that the demo can tell whether one is missing. */
export const seen: Set<number> = new Set();

/** One shard's share of the work. */
export default class WordCounter implements RecordProcessor {
  async processRecords({ records }: RecordsBatch, context: ShardContext): Promise<void> {
    for (const record of records) {
      const [number, word = ""] = new TextDecoder().decode(record.data).split(" ");
      seen.add(Number(number));
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    await context.checkpoint();
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await context.checkpoint();
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await context.checkpoint();
  }
}
