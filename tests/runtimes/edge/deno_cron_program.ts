/**
 * A program that consumes by `Deno.cron`, as one for Deno Deploy does. The arguments are the emulator's address and the recorder's.
 * `DENO_CRON_TEST_SCHEDULE_OFFSET` makes Deno run a cron so many ms after its last run, in place of each minute.
 *
 * @module
 */

import { denoCron, EdgeWorker } from "@kclite/kclite/edge";

/** Unstable in Deno's types. */
interface WithCron {
  cron(name: string, schedule: string, handler: () => Promise<void>): Promise<void>;
}

const [aws = "", recorder = ""] = Deno.args;
const applicationName = "deno";
const send = (body: unknown) => fetch(recorder, { method: "POST", body: JSON.stringify(body) });
const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());

const worker = new EdgeWorker({
  applicationName,
  workerIdentifier: "deno-0",
  leases: "hold",
  streamName: "words",
  region: "us-east-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  kinesisEndpoint: aws,
  dynamoDBEndpoint: aws,
  initialPositionInStream: "TRIM_HORIZON",
  failoverTimeMs: 30_000,
  onProcessError: "retry",
  processor: (shardId) => ({
    async processRecords({ records }, context) {
      const texts = records.map(({ data }) => new TextDecoder().decode(data));
      await send({ applicationName, shardId, texts });
      await context.checkpoint();
    },
    shardEnded: (context) => context.checkpoint(),
  }),
});
const tick = denoCron({
  async runSlice(options) {
    const result = await worker.runSlice(options);
    const failures = result.failures.map(({ step, text }) => `${step}: ${text}`);
    await send({ applicationName, slice: { ...result, failures } });
    return result;
  },
}, { budgetMs: 8000, reserveMs: 1000, signal: stop.signal });

await (Deno as unknown as WithCron).cron("consume", "* * * * *", tick);
