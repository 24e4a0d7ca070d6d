/**
 * Exactly once into DynamoDB: the sums of a batch and its checkpoint are stored in one transaction. Answers are
 * lost, and the processor crashes; each visit is counted once all the same.
 *
 * ```sh
 * deno run -A examples/exactly_once_dynamodb/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";
import { add } from "./add.ts";

const VISITS = 400, PAGES = ["/", "/about", "/shop"];

/** Counts visits by page. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { visits: 1 }, tables: { pages: { key: "page" } } });
  for (let i = 0; i < VISITS; i++) aws.stream("visits").put(PAGES[i % PAGES.length] ?? "/");
  // Each is done, but its answer is lost. It must not be done twice.
  aws.faults.next("TransactWriteItems", { type: "answerLost", times: 4 });

  const stop = new AbortController();
  let counted = 0, hasCrashed = false;
  const worker = new KinesisWorker({
    applicationName: "counts",
    streamName: "visits",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    maxRecords: 50,
    log: false,
    processor: () => ({
      async processRecords({ records }, context) {
        const visits = Map.groupBy(records, (record) => record.text());
        // Without `at`, the checkpoint is at the batch's last record.
        await context.transact([...visits].map(([page, { length }]) => add(page, length)));
        counted += records.length;
        if (counted === VISITS) stop.abort();
        if (hasCrashed) return;
        hasCrashed = true;
        print("the processor crashes, after its transaction");
        throw new Error("a crash");
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
  for (const { page, visits } of aws.table("pages").items()) {
    print(`${Object.values(page ?? {})}: ${Object.values(visits ?? {})} visits`);
  }
}

if (import.meta.main) await main();
