/**
 * A worker with its health and metrics over HTTP, and the alarms to set on them.
 *
 * ```sh
 * deno run -A examples/health_and_metrics/main.ts
 * ```
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { healthApp, Totals } from "@kclite/kclite/health";
import { simulatedAws } from "@kclite/kclite/testing";

/** The alarms that are on. In Prometheus: `kclite_healthy == 0` and `kclite_max_lag_seconds > 60`. */
export function alarms(metrics: string): string {
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1]);
  const late = value("kclite_max_lag_seconds") > 60 ? ["a shard is read over a minute late"] : [];
  return [...(value("kclite_healthy") === 1 ? [] : ["not healthy"]), ...late].join(", ") || "none";
}

/** Processes a record on which the processor hangs for `hangMs`, prints each change of the alarms, and ends. */
export async function main(
  { print = console.log, hangMs = 3000 }: { print?: (line: string) => void; hangMs?: number } = {},
): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 } });
  const totals = new Totals(); // adds the worker's events up: health and metrics are made of that
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "health",
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    onEvent: totals.listener,
    processor: () => ({
      processRecords: (_batch, context) => aws.system.clock.sleep(hangMs).then(() => context.checkpoint()),
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  // A Hono app: it takes routes of your own, and your own app takes it with `app.route("/kclite", health)`.
  const health = healthApp(totals, { callbackLimitMs: hangMs / 3 }); // the default is five minutes
  health.get("/version", (context) => context.text("1.0.0"));
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, health.fetch);
  print(`A page for people: http://127.0.0.1:${server.addr.port}/`);

  const running = worker.run(stop.signal);
  for (let before = "", changes = 0; changes < 4; await aws.system.clock.sleep(50)) {
    const now = alarms(await (await fetch(`http://127.0.0.1:${server.addr.port}/metrics`)).text());
    if (now === before) continue;
    print(`alarms: ${before = now}`);
    if (++changes === 2) aws.stream("words").put("a record that hangs"); // the worker has started
  }
  stop.abort();
  await running;
}

if (import.meta.main) await main();
