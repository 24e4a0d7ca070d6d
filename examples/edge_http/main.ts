/**
 * Any scheduler that can send a request with a secret runs a slice: Supabase's, Vercel's, QStash, curl.
 *
 * ```sh
 * deno run -A examples/edge_http/main.ts
 * ```
 *
 * With a server: `Deno.serve(handle)`. See docs/edge.md for Supabase and Vercel.
 *
 * @module
 */

import { EdgeWorker, fetchHandler } from "@kclite/kclite/edge";
import { simulatedAws } from "@kclite/kclite/testing";

/** Prints two words and four answers, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of ["hello", "Kinesis"]) aws.stream("words").put(word);

  const worker = new EdgeWorker({
    applicationName: "hello", // also the name of the lease table
    workerIdentifier: "http-0", // two triggers at once are two slices of one worker: one of them is busy
    leases: "hold",
    failoverTimeMs: 180_000, // twice the time between two requests, and the budget
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
  const secret = "a secret of at least 16 characters"; // from the platform's settings
  const handle = fetchHandler(worker, { secret, slice: { budgetMs: 50_000 } });
  const request = (authorization: string) =>
    new Request("https://example.com/tick", { method: "POST", headers: { authorization } });

  print(`without the secret: ${(await handle(request("Bearer guessed"))).status}`);
  const answers = await Promise.all([1, 2].map(() => handle(request(`Bearer ${secret}`))));
  for (const answer of answers) print(`${answer.status}: ${(await answer.json()).outcome}`);
}

if (import.meta.main) await main();
