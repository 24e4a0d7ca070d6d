/**
 * A Lambda handler runs unchanged in a worker. The record that it cannot read is tried twice more, and then put aside.
 *
 * ```sh
 * deno run -A examples/lambda_handler/main.ts
 * ```
 *
 * On AWS no TypeScript is needed: `lambdaHandler = ./index.mjs#handler` in a properties file names the handler.
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { deadLetter } from "@kclite/kclite/failures";
import { fromLambdaHandler } from "@kclite/kclite/lambda";
import { simulatedAws } from "@kclite/kclite/testing";
import { handler } from "./index.mjs";

/** Processes two orders and one broken record, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 1 } });
  for (const text of [`{"order":1}`, "no JSON"]) aws.stream("orders").put(text);
  const last = aws.stream("orders").put(`{"order":2}`);

  const stop = new AbortController(), decoder = new TextDecoder();
  const worker = new KinesisWorker({
    applicationName: "orders",
    streamName: "orders",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    log: false,
    processor: fromLambdaHandler(handler, { functionName: "orders", timeoutMs: 60_000 }),
    batch: { size: 100 }, // Lambda's BatchSize
    errors: {
      partial: true, // Lambda's ReportBatchItemFailures
      retry: { attempts: 2, delay: () => 10 }, // Lambda's MaximumRetryAttempts
      split: "bisect", // Lambda's BisectBatchOnFunctionError
      onExhausted: deadLetter({
        name: "the screen",
        store: async ({ records }) =>
          records.forEach(({ data }) => print(`put aside: ${decoder.decode(data)}`)),
      }),
    },
    onEvent(event) {
      if (event.type === "batchFailed") print(`failed: ${event.outcome}`);
      if (event.type === "checkpointed" && event.at.sequenceNumber === last.sequenceNumber) stop.abort();
    },
  });
  await worker.run(stop.signal);
}

if (import.meta.main) await main();
