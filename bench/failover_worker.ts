/**
 * A worker in a process of its own, for `failover.ts`: prints the shard id of each batch as a line. The only argument is the
 * worker's options as JSON, without the processor.
 *
 * @module
 */

import { KinesisWorker } from "../mod.ts";

if (import.meta.main) {
  const encoder = new TextEncoder();
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  await new KinesisWorker({
    log: false,
    ...JSON.parse(Deno.args[0] ?? "{}"),
    processor: (shardId) => ({
      async processRecords(_batch, context) {
        Deno.stdout.writeSync(encoder.encode(`${shardId}\n`));
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
      shutdownRequested: (context) => context.checkpoint(),
    }),
  }).run(stop.signal);
  Deno.exit(0);
}
