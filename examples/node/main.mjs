/**
 * A worker on Node.js, in plain JavaScript, that stops in order on SIGTERM and Ctrl-C.
 *
 * ```sh
 * npm install && npm start
 * ```
 *
 * @module
 */

import process from "node:process";
import { pathToFileURL } from "node:url";
import { KinesisWorker } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";

/**
 * Reads words until it is told to stop.
 *
 * @param {{ signal: AbortSignal, print?: (line: string) => void }} options
 */
export async function main({ signal, print = console.log }) {
  // In place of AWS. There, leave `system` out and give `credentials: defaultCredentials()` of @kclite/kclite/credentials.
  const aws = simulatedAws({ streams: { words: 1 } });
  const producer = setInterval(() => aws.stream("words").put(new Date().toISOString()), 500);
  const worker = new KinesisWorker({
    applicationName: "node-example",
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    processor: (shardId) => ({
      async processRecords({ records }, context) {
        for (const record of records) print(`${shardId}: ${record.text()}`);
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  try {
    await worker.run(signal);
    print("stopped in order: the next worker goes on at once");
  } finally {
    clearInterval(producer);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const stop = new AbortController();
  // Without this Node ends at once, and the shards wait until the leases expire.
  for (const name of ["SIGTERM", "SIGINT"]) process.once(name, () => stop.abort());
  await main({ signal: stop.signal });
}
