/**
 * A relay: what one stream holds goes into another one, with its partition keys, in order of each key.
 *
 * ```sh
 * deno run -A examples/relay/main.ts
 * ```
 *
 * A checkpoint follows the put, so nothing is lost. After a crash in between, some records are put twice.
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { KinesisProducer } from "@kclite/kclite/producer";
import { simulatedAws } from "@kclite/kclite/testing";

/** Copies what two customers did from `orders` to `archive`, and prints the copy. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 2, archive: 3 } });
  for (let step = 1; step <= 3; step++) {
    for (const customer of ["ada", "bob"]) aws.stream("orders").put(`${step}`, customer);
  }
  const place = {
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
  };

  const archive = new KinesisProducer({ ...place, streamName: "archive" });
  const stop = new AbortController();
  let copied = 0;
  const worker = new KinesisWorker({
    ...place,
    applicationName: "relay",
    streamName: "orders",
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry", // the batch is put again
    processor: () => ({
      async processRecords({ records }, context) {
        await archive.putAll(records);
        await context.checkpoint();
        if ((copied += records.length) === 6) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);

  const copies = aws.stream("archive");
  const records = copies.shards().flatMap(({ shardId }) => copies.records(shardId));
  for (const customer of ["ada", "bob"]) {
    const steps = records.filter(({ partitionKey }) => partitionKey === customer).map((copy) => copy.text());
    print(`${customer}: ${steps.join(", ")}`);
  }
}

if (import.meta.main) await main();
