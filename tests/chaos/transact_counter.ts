/**
 * The processor of a chaos run that counts in DynamoDB, each record exactly once: `context.transact`. A batch is
 * stored in parts of any size, so that a part also ends within an aggregate.
 *
 * @module
 */

import type { KinesisRecord, RecordProcessor, RecordsBatch, ShardContext } from "../../mod.ts";
import { marshall, type TransactWrite } from "../../src/transact/mod.ts";
import { additionsOf, endOf } from "./counters.ts";
import { crashAtTimes, work } from "./work.ts";

/** Each record has at most two writes, and a transaction has 99. */
const MOST_RECORDS = 49;

const TableName = Deno.env.get("CHAOS_TABLE") ?? "";

export default class TransactCounter implements RecordProcessor {
  async processRecords({ records }: RecordsBatch, context: ShardContext): Promise<void> {
    for (let from = 0; from < records.length;) {
      const part: readonly KinesisRecord[] = records.slice(from, from + 1 + Math.random() * MOST_RECORDS);
      await work();
      crashAtTimes();
      const writes = writesOf(additionsOf(part.map((record) => record.text())));
      await context.transact(writes, { at: part.at(-1) });
      crashAtTimes();
      from += part.length;
    }
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await context.transact(writesOf(new Map([[endOf(context.shardId), 1]])));
  }
}

function writesOf(additions: ReadonlyMap<string, number>): readonly TransactWrite[] {
  return [...additions].map(([id, number]) => ({
    Update: {
      TableName,
      Key: marshall({ id }),
      UpdateExpression: "ADD amount :number",
      ExpressionAttributeValues: marshall({ ":number": number }),
    },
  }));
}
