/**
 * `Deno.cron` runs one slice each minute, on Deno Deploy or in a process with `--unstable-cron`.
 *
 * ```sh
 * deno run -A examples/edge_deno_cron/main.ts
 * ```
 *
 * Here the tick is called twice, and not by the minute. See docs/edge.md.
 *
 * @module
 */

import { denoCron, EdgeWorker } from "@kclite/kclite/edge";
import { simulatedAws } from "@kclite/kclite/testing";

/** Prints three words in two ticks, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of ["hello", "from"]) aws.stream("words").put(word);

  const worker = new EdgeWorker({
    applicationName: "hello", // also the name of the lease table
    workerIdentifier: "deno-0", // two triggers at once are two slices of one worker: one of them is busy
    leases: "hold",
    failoverTimeMs: 180_000, // twice the time between two ticks, and the budget
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    processor: () => ({
      async processRecords({ records }, context) {
        for (const { data } of records) print(new TextDecoder().decode(data));
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  // Deploy sends SIGINT five seconds before it ends an instance. The slice then stops in order.
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  Deno.addSignalListener("SIGINT", onInterrupt);
  // At the top level of a module: Deno.cron("consume", "* * * * *", tick);
  const tick = denoCron(worker, { budgetMs: 50_000, signal: stop.signal });
  await tick();
  aws.stream("words").put("Kinesis");
  await tick();
  Deno.removeSignalListener("SIGINT", onInterrupt);
}

if (import.meta.main) await main();
