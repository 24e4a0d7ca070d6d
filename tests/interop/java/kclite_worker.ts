/**
 * A worker of kclite that prints the same lines as the Java worker beside it (`Told.java`). The only argument is the worker's
 * options as JSON, without the processor. SIGTERM is the orderly stop. SIGUSR2 takes the last of many streams off the list.
 *
 * @module
 */

import { KinesisWorker, type ShardContext, type StreamList } from "../../../mod.ts";
import { errorText } from "../../../src/errors.ts";

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}");
  const worker: string = options.workerIdentifier;
  const tell = (event: string, shardId: string | null, text: string | null) => {
    const line = JSON.stringify({ at: Date.now(), worker, event, shardId, text });
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  };
  const streams: StreamList | undefined = options.streams;
  let listed = streams ?? [];
  Deno.addSignalListener("SIGUSR2", () => void (listed = listed.slice(0, -1)));
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  await new KinesisWorker({
    log: false,
    ...options,
    ...(streams === undefined ? {} : { streams: () => listed }),
    processor(id, { streamName, streamIdentifier }) {
      const shardId = streamIdentifier === undefined ? id : `${streamName}/${id}`;
      const checkpoint = async (context: ShardContext) => {
        try {
          await context.checkpoint();
        } catch (error) {
          tell("checkpointFailed", shardId, errorText(error));
          throw error;
        }
      };
      return {
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
      };
    },
    onEvent(event) {
      if (event.type === "workerReady") tell("STARTED", null, null);
      if (event.type === "leaseUnreadable") tell("leaseUnreadable", event.leaseKey, event.problem);
      if (event.type === "passFailed") tell("passFailed", null, `${event.pass}: ${errorText(event.error)}`);
      if (event.type === "leaseLost") tell("lost", event.leaseKey, event.reason);
      if (event.type === "notice" && event.level === "error") {
        tell("complaint", event.leaseKey ?? null, event.text);
      }
    },
  }).run(stop.signal);
  Deno.exit(0);
}
