/**
 * A processor that was written for KCL v1 runs unchanged: `fromV1()` wraps it.
 *
 * ```sh
 * deno run -A examples/kcl_v1/main.ts
 * ```
 *
 * @module
 */

import { fromV1, KinesisWorker, type V1RecordProcessor } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";

/** Reads two records, closes the shard, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  const stream = aws.stream("words");
  for (const word of ["hello", "v1"]) stream.put(word);
  stream.split("shardId-000000000000"); // the shard ends after its two records: shutdown("TERMINATE")

  const stop = new AbortController();
  const processor = (): V1RecordProcessor => ({
    initialize: (shardId) => print(`initialize ${shardId}`),
    async processRecords(records, checkpointer) {
      for (const record of records) print(`record ${atob(record.data)}`); // v1 has base64 text
      await checkpointer.checkpoint();
    },
    async shutdown(checkpointer, reason) {
      print(`shutdown ${reason}`);
      if (reason !== "TERMINATE") return; // ZOMBIE: another worker has the shard, and a checkpoint would throw
      await checkpointer.checkpoint(); // without this the children of the shard never start
      stop.abort();
    },
  });
  const worker = new KinesisWorker({
    applicationName: "words-v1",
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    processor: fromV1(processor),
  });
  await worker.run(stop.signal);
}

if (import.meta.main) await main();
