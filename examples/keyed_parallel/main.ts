/**
 * Work that waits, such as calls of another service: ten records of one shard at a time, and the order of each
 * key is kept.
 *
 * ```sh
 * deno run -A examples/keyed_parallel/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";

/** Processes four steps of ten customers, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { steps: 1 } });
  for (let step = 1; step <= 4; step++) {
    for (let customer = 0; customer < 10; customer++) {
      aws.stream("steps").put(`${step}`, `customer-${customer}`);
    }
  }

  const steps = new Map<string, string[]>();
  let running = 0, most = 0, done = 0;
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "steps",
    streamName: "steps",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    concurrency: { perShard: 10 }, // ten calls at the same time, for each shard
    batch: { size: 1 }, // of one record each
    processor: () => ({
      async processRecords({ records: [record] }, context) {
        if (record === undefined) return;
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20)); // the other service
        running--;
        steps.set(record.partitionKey, [...steps.get(record.partitionKey) ?? [], record.text()]);
        await context.checkpoint(); // this record, and everything before it that is done
        if (++done === 40) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
  print(`at the same time: ${most}`);
  print(`customer-0: ${steps.get("customer-0")?.join(", ")}`);
  print(
    `in order: ${[...steps.values()].filter((list) => list.join() === "1,2,3,4").length} of 10 customers`,
  );
}

if (import.meta.main) await main();
