/**
 * Counts words. Named by `executableName` in words.properties: the default export makes the processor of one shard.
 *
 * @module
 */

import type { KinesisRecord, RecordProcessor, RecordsBatch, ShardContext } from "@kclite/kclite";

/** How often each word was seen by all shards of this process. */
export const counts: Map<string, number> = new Map();

/** The number of a record, which is before its word: `17 fox`. */
export function numberOf(record: KinesisRecord): number {
  return Number(record.text().split(" ")[0]);
}

/** One shard's share of the work. */
export default class WordCounter implements RecordProcessor {
  async processRecords({ records }: RecordsBatch, context: ShardContext): Promise<void> {
    for (const record of records) {
      const [, word = ""] = record.text().split(" ");
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
