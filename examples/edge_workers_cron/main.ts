/**
 * A cron trigger of Cloudflare Workers runs one slice each minute. Between two slices nobody holds the leases.
 *
 * ```sh
 * deno run -A examples/edge_workers_cron/main.ts
 * ```
 *
 * In a Worker: `export default { scheduled }`, and a trigger in wrangler.jsonc. See docs/edge.md.
 *
 * @module
 */

import { cloudflareScheduled, EdgeWorker } from "@kclite/kclite/edge";
import { simulatedAws } from "@kclite/kclite/testing";

/** Prints three words in two triggers, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of ["hello", "from"]) aws.stream("words").put(word);

  // Made once for each isolate, with the bindings of the first trigger.
  const make = (env: { readonly REGION: string }) =>
    new EdgeWorker({
      applicationName: "hello", // also the name of the lease table
      workerIdentifier: "cron-0",
      leases: "relay", // released at the end of each slice
      streamName: "words",
      region: env.REGION,
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
  const scheduled = cloudflareScheduled(make, { budgetMs: 50_000 });

  await scheduled({ cron: "* * * * *" }, { REGION: "us-east-1" });
  aws.stream("words").put("Kinesis");
  await scheduled({ cron: "* * * * *" }, { REGION: "us-east-1" });
}

if (import.meta.main) await main();
