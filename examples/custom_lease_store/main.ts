/**
 * Leases somewhere else than in DynamoDB: a worker takes any `LeaseStore` and `CoordinatorStore`. Java workers cannot join.
 *
 * ```sh
 * deno run -A examples/custom_lease_store/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";
import { MapCoordinatorStore } from "./coordinator_store.ts";
import { MapLeaseStore } from "./lease_store.ts";

const WORDS = 40;

/** Two workers share four shards by leases in a Map, until all words are read and both have a part. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 4 } });
  for (let i = 0; i < WORDS; i++) aws.stream("words").put(`word ${i}`);

  const coordinatorStore = new MapCoordinatorStore();
  const leaseStore = new MapLeaseStore(coordinatorStore.workers);
  const stop = new AbortController();
  const readers = new Set<string>(), words = new Set<string>();
  const workers = ["Ada", "Bea"].map((workerIdentifier) =>
    new KinesisWorker({
      applicationName: "custom",
      workerIdentifier,
      streamName: "words",
      region: "us-east-1",
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
      system: aws.system,
      ...{ leaseStore, coordinatorStore },
      initialPositionInStream: "TRIM_HORIZON",
      onProcessError: "retry",
      callProcessRecordsEvenForEmptyRecordList: true, // who comes late finds nothing left to read
      processor: (shardId) => ({
        initialize: () => print(`${workerIdentifier} reads ${shardId}`),
        async processRecords({ records }, context) {
          for (const { partitionKey } of records) words.add(partitionKey);
          await context.checkpoint();
          if (readers.add(workerIdentifier).size === 2 && words.size === WORDS) stop.abort();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
    })
  );
  await Promise.all(workers.map((worker) => worker.run(stop.signal)));
  for (const { leaseKey, checkpoint } of (await leaseStore.list()).leases) {
    print(`${leaseKey}: read to ${checkpoint.sequenceNumber}`);
  }
}

if (import.meta.main) await main();
