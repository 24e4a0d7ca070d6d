/**
 * A worker in a process of its own, to be killed. Prints each record's text as a line; checkpoints each batch after that.
 * The only argument is the worker's options as JSON, without the processor.
 *
 * @module
 */

import { KinesisWorker } from "../../mod.ts";

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}");
  const write = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  await new KinesisWorker({
    ...options,
    processor: () => ({
      initialize: () => void write("<initialize>"),
      async processRecords({ records }, context) {
        for (const record of records) write(new TextDecoder().decode(record.data));
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
      shutdownRequested: (context) => context.checkpoint(),
    }),
  }).run(stop.signal);
  Deno.exit(0);
}
