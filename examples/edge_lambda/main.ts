/**
 * An AWS Lambda function that EventBridge Scheduler invokes each minute. It uses the time that Lambda has left, and no more.
 *
 * ```sh
 * deno run -A examples/edge_lambda/main.ts
 * ```
 *
 * On Lambda: `export const handler = lambdaScheduled(worker)`, with `defaultCredentials()` of `@kclite/kclite/credentials`.
 *
 * @module
 */

import { EdgeWorker, lambdaScheduled } from "@kclite/kclite/edge";
import { simulatedAws } from "@kclite/kclite/testing";

/** Prints two words and what the function answers, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of ["hello", "Kinesis"]) aws.stream("words").put(word);

  const worker = new EdgeWorker({
    applicationName: "hello", // also the name of the lease table
    workerIdentifier: "lambda-0", // two triggers at once are two slices of one worker: one of them is busy
    leases: "solo", // nobody else reads for this application
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
  const handler = lambdaScheduled(worker);
  const endsAt = Date.now() + 60_000;
  const answer = await handler({}, { getRemainingTimeInMillis: () => endsAt - Date.now() });
  for (const { shardId, records } of answer.shards) print(`${shardId}: ${records} records`);
  print(`outcome: ${answer.outcome}`);
}

if (import.meta.main) await main();
