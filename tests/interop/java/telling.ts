/**
 * What a worker of kclite prints: the same lines as the Java worker beside it (`Told.java`).
 *
 * @module
 */

import type { RecordProcessorFactory, ShardContext, WorkerEventListener } from "../../../mod.ts";
import { errorText } from "../../../src/errors.ts";

/** Prints a line. */
export type Tell = (event: string, shardId: string | null, text: string | null) => void;

/** Prints the lines of one worker. */
export function teller(worker: string): Tell {
  return (event, shardId, text) => {
    const line = JSON.stringify({ at: Date.now(), worker, event, shardId, text });
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  };
}

/** Tells of each record, then checkpoints its batch; tells of each callback. As `NotingProcessor.java`. */
export function notingProcessor(tell: Tell): RecordProcessorFactory {
  return (id, { streamName, streamIdentifier }) => {
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
  };
}

/** Tells of trouble. */
export function troubleListener(tell: Tell): WorkerEventListener {
  return (event) => {
    if (event.type === "leaseUnreadable") tell("leaseUnreadable", event.leaseKey, event.problem);
    if (event.type === "passFailed") tell("passFailed", null, `${event.pass}: ${errorText(event.error)}`);
    if (event.type === "leaseLost") tell("lost", event.leaseKey, event.reason);
    if (event.type === "notice" && event.level === "error") {
      tell("complaint", event.leaseKey ?? null, event.text);
    }
  };
}
