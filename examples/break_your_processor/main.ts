/**
 * A worker on an emulator that fails on command: throttled reads, a lost answer, an iterator that has expired.
 *
 * ```sh
 * deno run -A examples/break_your_processor/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker, type WorkerEvent } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";

const WORDS = 300;

/** Reads all words through the faults, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 2 } });
  for (let i = 0; i < WORDS; i++) aws.stream("words").put(`word ${i}`);

  // The next calls of each operation meet these. docs/emulator.md lists what else can go wrong.
  aws.faults.next("GetRecords", { type: "throttled", times: 2 });
  aws.faults.next("GetRecords", { type: "refused", code: "ExpiredIteratorException" });
  // The write is done and its answer is lost, so the worker must find out that it was done.
  aws.faults.next("UpdateItem", { type: "answerLost", times: 3 });

  const words = new Set<string>();
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "broken",
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    maxRecords: 50, // more calls, so that there is more to break
    log: false,
    onEvent(event: WorkerEvent) {
      if (event.type === "fetchFailed") print(`${event.shardId}, read again: ${event.error}`);
      if (event.type === "iteratorExpired") {
        print(`${event.shardId}: a new iterator, from the last record on`);
      }
    },
    processor: () => ({
      async processRecords({ records }, context) {
        for (const record of records) words.add(record.text());
        await context.checkpoint();
        if (words.size === WORDS) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
  print(`${words.size} of ${WORDS} words, through ${aws.faults.met()} faults`);
}

if (import.meta.main) await main();
