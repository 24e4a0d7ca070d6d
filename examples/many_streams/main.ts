/**
 * One worker reads two streams, with one lease table for both.
 *
 * ```sh
 * deno run -A examples/many_streams/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";

/** Prints two records of each stream and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 1, clicks: 1 } });
  for (const text of ["order 1", "order 2"]) aws.stream("orders").put(text);
  for (const text of ["click 1", "click 2"]) aws.stream("clicks").put(text);

  const stop = new AbortController();
  let seen = 0;
  const worker = new KinesisWorker({
    applicationName: "audit",
    // A function in place of the list is asked once a minute: streams may come and go while the worker runs.
    streams: ["orders", { streamName: "clicks", initialPositionInStream: "TRIM_HORIZON" }],
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON", // for streams that name no position of their own
    onProcessError: "retry",
    // Both streams have a shard of the same id. What tells them apart is the stream, or `context.leaseKey`.
    processor: (shardId, { streamName }) => ({
      async processRecords({ records }, context) {
        for (const { data } of records) print(`${streamName} ${shardId}: ${new TextDecoder().decode(data)}`);
        await context.checkpoint();
        seen += records.length;
        if (seen === 4) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
}

if (import.meta.main) await main();
