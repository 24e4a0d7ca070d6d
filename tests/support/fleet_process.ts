/**
 * A worker in a process of its own that prints each callback as a line of JSON, with the time. The only
 * argument is the worker's options as JSON, without the processor. SIGTERM is the orderly stop.
 *
 * @module
 */

import { KinesisWorker } from "../../mod.ts";

/** One line that the process prints. */
export interface FleetLine {
  readonly workerId: string;
  readonly shardId: string;
  /** `enter` and `leave` are the beginning and end of one batch's processing. */
  readonly what: "initialize" | "enter" | "leave" | "checkpointed" | "leaseLost" | "shutdownRequested";
  /** Epoch ms; all processes of a test are on one machine. */
  readonly atMs: number;
  /** The texts of the batch, with `enter`. */
  readonly texts?: readonly string[];
}

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}");
  const workerId: string = options.workerIdentifier;
  const encoder = new TextEncoder();
  const tell = (line: Omit<FleetLine, "workerId" | "atMs">) =>
    void Deno.stdout.writeSync(
      encoder.encode(JSON.stringify({ workerId, atMs: Date.now(), ...line }) + "\n"),
    );
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  await new KinesisWorker({
    log: false,
    ...options,
    processor: (shardId) => ({
      initialize: () => tell({ shardId, what: "initialize" }),
      async processRecords({ records }, context) {
        tell({
          shardId,
          what: "enter",
          texts: records.map((record) => new TextDecoder().decode(record.data)),
        });
        await context.checkpoint();
        tell({ shardId, what: "checkpointed" });
        tell({ shardId, what: "leave" });
      },
      shardEnded: (context) => context.checkpoint(),
      shutdownRequested: () => tell({ shardId, what: "shutdownRequested" }),
      leaseLost: () => tell({ shardId, what: "leaseLost" }),
    }),
  }).run(stop.signal);
  Deno.exit(0);
}
