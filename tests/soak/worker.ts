/**
 * A worker in a process of its own, for `main.ts`, with all that listens to a worker in production: totals, metrics, CloudWatch,
 * spans. It prints lines: `r` and the texts of a batch's records, `e` and a shard that is done, and `m` and its memory as JSON
 * now and then.
 *
 * The only argument is {@linkcode SoakedWorker} as JSON. It needs `--v8-flags=--expose-gc`: the heap is looked at after a
 * collection, since what nobody holds any more is no leak.
 *
 * @module
 */

import { cloudWatchMetrics } from "../../src/cloudwatch/mod.ts";
import { healthApp, Totals } from "../../src/health/mod.ts";
import { KinesisWorker, type WorkerOptions } from "../../mod.ts";
import { otelListener } from "../../src/otel/mod.ts";
import type { MemorySample } from "./flatness.ts";

/** What the process is started with. */
export interface SoakedWorker {
  readonly url: string;
  /** How often it looks at its memory. */
  readonly sampleMs: number;
  readonly options: Omit<WorkerOptions, "processor">;
}

const MIB = 1024 ** 2;
const encoder = new TextEncoder();

function print(line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

function memory(shards: number): MemorySample {
  const { rss } = Deno.memoryUsage();
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = Deno.memoryUsage();
  return { rssMiB: rss / MIB, heapMiB: (heapUsed + external) / MIB, shards };
}

async function main({ url, sampleMs, options }: SoakedWorker): Promise<void> {
  const totals = new Totals();
  const otel = otelListener({ shardMetrics: true });
  await using metrics = cloudWatchMetrics({
    applicationName: options.applicationName,
    region: "us-east-1",
    credentials: { accessKeyId: "soak", secretAccessKey: "soak" },
    endpoint: url,
    metricsBufferTimeMs: 1000,
  });
  const app = healthApp(totals);
  const sample = async () => {
    // Whoever asks for them makes them: that must not leave anything either.
    for (const path of ["/", "/health", "/lag", "/metrics"]) await (await app.request(path)).text();
    print(`m ${JSON.stringify(memory(totals.snapshot().shards.length))}`);
  };
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  const sampling = setInterval(sample, sampleMs);
  const worker = new KinesisWorker({
    log: false,
    ...options,
    processor: otel.around(() => ({
      async processRecords({ records }, context) {
        print(`r ${records.map((record) => record.text().trimEnd()).join(" ")}`);
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
      shutdownRequested: (context) => context.checkpoint(),
    })),
    onEvent(event) {
      totals.listener(event);
      metrics.listener(event);
      otel.onEvent(event);
      if (event.type === "shardCompleted") print(`e ${event.shardId}`);
    },
  });
  await worker.run(stop.signal);
  clearInterval(sampling);
  otel.close();
}

if (import.meta.main) {
  await main(JSON.parse(Deno.args[0] ?? "{}"));
  Deno.exit(0);
}
