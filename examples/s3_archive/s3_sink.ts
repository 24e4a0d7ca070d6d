/**
 * A processor that keeps a stream in S3: each batch is one object, and the checkpoint follows its put.
 *
 * An object is named after its first record. After a crash between put and checkpoint the next owner begins
 * at the same record, and overwrites the object. So each record is in the bucket once.
 *
 * @module
 */

import type { RecordProcessor } from "@kclite/kclite";

/** Puts one object. Must end with success only when it is stored. */
export type PutObject = (key: string, body: string) => Promise<void>;

/** Makes one. @param prefix What the names of objects begin with, e.g. `orders/`. */
export function s3Sink(putObject: PutObject, prefix: string): RecordProcessor {
  return {
    async processRecords({ records }, context) {
      const [first] = records;
      if (first === undefined) return;
      // Numbers of equal length sort as they were put.
      const sequence = first.sequenceNumber.padStart(60, "0");
      const place = `${sequence}-${`${first.subSequenceNumber}`.padStart(6, "0")}`;
      const lines = records.map((record) => `${record.text()}\n`);
      await putObject(`${prefix}${context.shardId}/${place}.jsonl`, lines.join(""));
      await context.checkpoint();
    },
    shardEnded: (context) => context.checkpoint(),
  };
}
