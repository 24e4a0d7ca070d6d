/**
 * Two kinds of failure. A database that is away: the batch comes again. A record that can never be read: it is put aside.
 *
 * ```sh
 * deno run -A examples/retry_and_dead_letters/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker, type WorkerEvent } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";

/** Processes two orders and one broken record, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 1 } });
  for (const text of [`{"order":1}`, "no JSON", `{"order":2}`]) aws.stream("orders").put(text);

  // A Set, because a retried batch begins with its first record: what was stored before comes again.
  const stored = new Set<number>(), deadLetters = new Set<string>();
  let failuresLeft = 2;
  const store = (order: number) => {
    if (order === 2 && failuresLeft-- > 0) throw new Error("the database is away");
    stored.add(order);
  };
  const stop = new AbortController(), decoder = new TextDecoder();
  const worker = new KinesisWorker({
    applicationName: "orders",
    streamName: "orders",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry", // the default, "skip", would lose the whole batch
    taskBackoffTimeMs: 100, // the first pause; each further one is twice as long
    log: false, // it would say the same as `onEvent` here
    onEvent(event: WorkerEvent) {
      if (event.type === "batchFailed") print(`attempt ${event.attempt}: ${event.error}: ${event.outcome}`);
    },
    processor: () => ({
      async processRecords({ records }, context) {
        for (const { data } of records) {
          const text = decoder.decode(data);
          // Retrying cannot mend such a record. If this threw, the shard would stand still for ever.
          if (!text.startsWith("{")) deadLetters.add(text);
          else store(JSON.parse(text).order); // what this throws may pass: leave it to the retry
        }
        await context.checkpoint();
        stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
  print(`stored orders: ${[...stored].join(", ")}`);
  print(`put aside: ${[...deadLetters].join(", ")}`);
}

if (import.meta.main) await main();
