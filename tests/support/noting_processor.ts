import type { RecordProcessorFactory } from "../../src/consumer/record_processor.ts";

/**
 * Processors that checkpoint each batch, and note the texts of all records and `<end of …>` of each shard.
 */
export function notingTexts(texts: string[]): RecordProcessorFactory {
  return (shardId) => ({
    async processRecords({ records }, context) {
      for (const { data } of records) texts.push(new TextDecoder().decode(data));
      await context.checkpoint();
    },
    async shardEnded(context) {
      texts.push(`<end of ${shardId}>`);
      await context.checkpoint();
    },
  });
}
