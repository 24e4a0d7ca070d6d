/**
 * One worker reads one stream, on an emulator in this process.
 *
 * ```sh
 * deno run -A examples/hello/main.ts
 * ```
 *
 * On AWS, leave out `system`, and give `credentials`: `defaultCredentials()` of `@kclite/kclite/credentials`.
 *
 * @module
 */

import { eachRecord, KinesisWorker } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";

/** Prints three records and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of ["hello", "from", "Kinesis"]) aws.stream("words").put(word);

  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "hello", // also the name of the lease table
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    // Without this a new application starts at the end of the stream, and waits.
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    // The worker stores how far it is after each batch; a restart goes on after that.
    processor: eachRecord((record, { shardId }) => {
      const word = record.text();
      print(`${shardId}: ${word}`);
      if (word === "Kinesis") stop.abort(); // the orderly stop: the worker gives its leases back
    }),
  });
  await worker.run(stop.signal);
}

if (import.meta.main) await main();
