/**
 * A database that is away: the record comes again. A record that can never be read: it becomes a dead letter.
 *
 * ```sh
 * deno run -A examples/retry_and_dead_letters/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { deadLetter } from "@kclite/kclite/failures";
import { simulatedAws } from "@kclite/kclite/testing";

/** Processes two orders and one broken record, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 1 } });
  for (const text of [`{"order":1}`, "no JSON", `{"order":2}`]) aws.stream("orders").put(text);
  const stored: number[] = [], letters: string[] = [], stop = new AbortController();
  let failuresLeft = 2;
  const store = (text: string) => {
    if (!text.startsWith("{")) throw new SyntaxError("this is no JSON");
    const { order } = JSON.parse(text);
    if (order === 2 && failuresLeft-- > 0) throw new Error("the database is away");
    if (!stored.includes(order)) stored.push(order); // a failed batch comes again, with what went well
  };
  const worker = new KinesisWorker({
    applicationName: "orders",
    streamName: "orders",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    errors: {
      retry: { attempts: 3, delay: () => 50 }, // without `delay`: 100 ms, doubled up to 30 s
      split: "bisect", // finds the one that fails
      onExhausted: deadLetter({
        name: "a list",
        store: async ({ records }) => void letters.push(...records.map((each) => each.text())),
      }),
    },
    log: false, // it would say the same
    onEvent(event) {
      if (event.type === "batchFailed") print(`${event.records} failed: ${event.error}: ${event.outcome}`);
    },
    processor: () => ({
      async processRecords({ records }, context) {
        for (const record of records) store(record.text());
        await context.checkpoint();
        if (stored.includes(2)) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
  print(`stored orders: ${stored}`);
  print(`dead letters: ${letters}`);
}

if (import.meta.main) await main();
