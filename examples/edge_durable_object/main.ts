/**
 * A Durable Object of Cloudflare's that consumes by alarms, and the cron trigger that sets a lost one.
 *
 * ```sh
 * deno run -A examples/edge_durable_object/main.ts
 * ```
 *
 * As a project for wrangler: docs/edge.md.
 * @module
 */

import {
  cloudflareDurableObject,
  cloudflareRearm,
  type DurableObjectNamespace,
  EdgeWorker,
} from "@kclite/kclite/edge";
import { simulatedAws } from "@kclite/kclite/testing";

/** Prints three words in two alarms, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of ["hello", "from"]) aws.stream("words").put(word);
  const Consumer = cloudflareDurableObject((_env, workerIdentifier) =>
    new EdgeWorker({
      applicationName: "hello", // also the name of the lease table
      workerIdentifier, // the object's id
      leases: "hold",
      failoverTimeMs: 120_000, // more than twice the time between two alarms
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
    }), { budgetMs: 20_000 });
  const scheduled = cloudflareRearm(
    (env: { readonly CONSUMER: DurableObjectNamespace<string> }) => env.CONSUMER,
    ["0"],
  );
  let alarmAt: number | null = null; // from here on, a few lines stand for the platform
  const storage = { getAlarm: async () => alarmAt, setAlarm: (at: number) => void (alarmAt = at) };
  const fetch = (url: string) => object.fetch(new Request(url));
  const env = { CONSUMER: { idFromName: (name: string) => name, get: () => ({ fetch }) } };
  const object = new Consumer({ id: "0", storage }, env);
  await scheduled({}, env); // the first alarm
  print(`an alarm is set: ${alarmAt !== null}`);
  await object.alarm();
  aws.stream("words").put("Kinesis");
  await object.alarm();
}

if (import.meta.main) await main();
