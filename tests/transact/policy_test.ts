/** `context.transact` of a worker with the option `errors`, and with `concurrency`. */

import { assertEquals, assertMatch } from "@std/assert";
import { KinesisWorker, type WorkerOptions } from "../../mod.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { counted } from "../support/transact_bed.ts";

/** Counts six records, of which "d" fails twice; ends when all are stored, or one was refused. */
async function counts(more: Partial<WorkerOptions>) {
  const aws = simulatedAws({ streams: { s: 1 }, tables: { results: { key: "id" } }, changeMs: 1 });
  for (const text of "abcdef") aws.stream("s").put(text);
  const stop = new AbortController();
  const errors: string[] = [];
  let failures = 0;
  await new KinesisWorker({
    applicationName: "app",
    streamName: "s",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    log: false,
    processor: () => ({
      async processRecords({ records }, context) {
        for (const record of records) {
          if (record.text() === "d" && failures++ < 2) throw new Error("d fails");
          try {
            await context.transact([counted(record.text())], { at: record });
          } catch (error) {
            errors.push(String(error));
            stop.abort();
            return;
          }
          if (record.text() === "f") stop.abort();
        }
      },
      shardEnded: (context) => context.checkpoint(),
    }),
    ...more,
  }).run(stop.signal);
  const results = aws.table("results").items().map(({ id, times }) =>
    `${Object.values(id ?? {})}${Object.values(times ?? {})}`
  );
  return { errors, results: results.join() };
}

Deno.test("ShardContext.transact() of a batch that an error policy repeats counts each record once", async () => {
  const errors = { retry: { attempts: 5 }, split: "bisect" } as const;
  for (const more of [{ errors }, { onProcessError: "retry", taskBackoffTimeMs: 1 }] as const) {
    assertEquals(await counts(more), { errors: [], results: "a1,b1,c1,d1,e1,f1" });
  }
});

Deno.test("ShardContext.transact() refuses calls of a shard side by side", async () => {
  const { errors, results } = await counts({ concurrency: { perShard: 4, order: "key" } });
  assertMatch(errors[0] ?? "", /TypeError: Cannot transact: expected one call of a shard at a time/);
  assertEquals(results, "");
});
