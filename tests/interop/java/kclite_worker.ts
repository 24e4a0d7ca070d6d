/**
 * A worker of kclite that prints the same lines as the Java worker beside it (`Told.java`). The only argument is the worker's
 * options as JSON, without the processor. SIGTERM is the orderly stop.
 *
 * @module
 */

import { KinesisWorker, type ShardContext } from "../../../mod.ts";
import { errorText } from "../../../src/errors.ts";

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}");
  const worker: string = options.workerIdentifier;
  const tell = (event: string, shardId: string | null, text: string | null) => {
    const line = JSON.stringify({ at: Date.now(), worker, event, shardId, text });
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  };
  const checkpoint = async (context: ShardContext) => {
    try {
      await context.checkpoint();
    } catch (error) {
      tell("checkpointFailed", context.shardId, errorText(error));
      throw error;
    }
  };
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  await new KinesisWorker({
    ...options,
    processor: (shardId) => ({
      initialize: (context) => tell("initialize", shardId, context.initialCheckpoint.sequenceNumber),
      async processRecords({ records }, context) {
        for (const record of records) tell("record", shardId, new TextDecoder().decode(record.data));
        await checkpoint(context);
      },
      leaseLost: () => tell("leaseLost", shardId, null),
      async shardEnded(context) {
        tell("shardEnded", shardId, null);
        await checkpoint(context);
      },
      async shutdownRequested(context) {
        tell("shutdownRequested", shardId, null);
        await checkpoint(context);
      },
    }),
    onEvent(event) {
      if (event.type === "workerReady") tell("STARTED", null, null);
      if (event.type === "leaseUnreadable") tell("leaseUnreadable", event.leaseKey, event.problem);
      if (event.type === "passFailed") tell("passFailed", null, `${event.pass}: ${errorText(event.error)}`);
      if (event.type === "leaseLost") tell("lost", event.shardId, event.reason);
    },
  }).run(stop.signal);
  Deno.exit(0);
}
