/**
 * The processor under test: it adds amounts up, and stores each total together with the position that it includes.
 *
 * @module
 */

import type { RecordProcessor } from "@kclite/kclite";

/** Stands for a table with a row for each account. */
export type Database = Map<string, { readonly total: number; readonly step: number }>;

/** Makes the processor of one shard. Records are `{"step": 3, "amount": 5}`, by account as partition key. */
export function adder(database: Database, pause: (signal: AbortSignal) => Promise<void>): RecordProcessor {
  return {
    async processRecords({ records }, context) {
      for (const record of records) {
        await pause(context.signal); // what the database takes
        const { partitionKey } = record;
        const { step, amount } = record.json<{ readonly step: number; readonly amount: number }>();
        const row = database.get(partitionKey) ?? { total: 0, step: 0 };
        // A record comes again after a crash. Its step says whether the total has it already.
        if (step > row.step) database.set(partitionKey, { total: row.total + amount, step });
      }
      await context.checkpoint(); // after the writes, never before
    },
    shardEnded: (context) => context.checkpoint(),
    shutdownRequested: (context) => context.checkpoint(),
  };
}
