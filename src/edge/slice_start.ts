/**
 * What must be known before a slice may take part in a fleet: the stream, the table and its format. The start
 * of a worker finds out, and the worker's item remembers it for ten minutes.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { Streams } from "../fleet/streams.ts";
import type { TableListing } from "../lease/lease_store.ts";
import { METRICS_REPORT_INTERVAL_S } from "../lease/live_workers.ts";
import { foreignError, storesTransactions } from "../worker/sole_processing.ts";
import { startUp } from "../worker/start_up.ts";
import { FORMAT_LIFE_MS, isDue, type SliceMemory } from "./slice_memory.ts";
import type { SliceHost, SliceParts } from "./slice_parts.ts";

/** What finding out needs. */
export interface SliceStartOptions {
  readonly host: SliceHost;
  readonly parts: SliceParts;
  readonly memory: SliceMemory | undefined;
  readonly emit: WorkerEventListener;
}

/** What must be known before a worker takes part. */
export interface SliceStart {
  readonly found: SliceMemory["start"];
  readonly streams: Streams;
}

/** How old another worker's report may be, in ms, so that it counts as alive. KCL: two reports. */
export const ALIVE_MS: number = 2 * METRICS_REPORT_INTERVAL_S * 1000;
/**
 * Finds out how to take part, or remembers it.
 *
 * @throws what keeps the worker from starting.
 */
export async function sliceStart(
  { host, parts, memory, emit }: SliceStartOptions,
  signal: AbortSignal,
): Promise<SliceStart> {
  const { settings: { finding, starting, table }, workerId } = host;
  const { kinesis, leaseStore, coordinatorStore, system } = parts;
  const { clock } = system;
  const streams = new Streams({ finding, kinesis, clock, emit });
  const nowMs = clock.epochMs();
  if (memory?.start.stream !== undefined && !isDue(memory.start.atMs, FORMAT_LIFE_MS, nowMs)) {
    streams.restore(memory.start.stream);
    return { found: memory.start, streams };
  }
  const format = await startUp({
    wanted: finding.streams,
    ...{ starting, table, workerId, streams, leaseStore, coordinatorStore, system, emit },
  }, signal);
  if (format.place !== "leaseTable" || !format.mayLead) {
    throw new Error(
      `Cannot run slices: expected the single table of KCL 3.5 in application "${host.settings.applicationName}": ` +
        "got the tables of KCL 3.0 to 3.4: finish that migration first, or run an ordinary worker",
    );
  }
  if (host.mode !== "relay" || storesTransactions(host.processor)) {
    await leaseStore.list(signal); // it shows who else is there
  }
  const [first] = streams.tracked;
  const stream = finding.streams.mode === "one" && first !== undefined
    ? { streamArn: first.reference.streamArn, creationEpochS: first.creationEpochS }
    : undefined;
  return { found: { atMs: nowMs, format, stream }, streams };
}

/** Whether a slice must list the table to see who else is there: under another's lead nothing shows it. */
export function mustLook({ mode, processor }: SliceHost, hasLed: boolean): boolean {
  return mode === "relay" && !hasLed && storesTransactions(processor);
}

/**
 * Says why a slice must not work beside the workers of a listing; undefined if it may.
 *
 * @param listing The table as just listed.
 */
export function unfit(
  { mode, workerId, processor }: Pick<SliceHost, "mode" | "workerId" | "processor">,
  { workers }: TableListing,
  nowEpochMs: number,
): Error | undefined {
  const others = workers.filter((worker) =>
    worker.workerId !== workerId && nowEpochMs - (worker.lastUpdateEpochS ?? 0) * 1000 < ALIVE_MS
  );
  const [other] = mode === "solo" ? others : others.filter(({ incarnation }) => incarnation === undefined);
  const isSole = storesTransactions(processor);
  if (other === undefined || mode === "relay" && !isSole) return undefined;
  if (isSole && mode !== "solo") return foreignError("Cannot run slices", other.workerId);
  return new Error(
    mode === "solo"
      ? `Cannot run slices with leases: "solo": expected no other worker: got "${other.workerId}": ` +
        'stop it, or set leases to "hold" or "relay"'
      : `Cannot run slices with leases: "hold": expected workers of kclite alone: got "${other.workerId}", a worker ` +
        'of Java or of another program: set leases to "relay"',
  );
}
