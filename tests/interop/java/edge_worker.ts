/**
 * A worker of kclite in slices, which prints the same lines as the Java worker beside it, and one line `slice` for each slice.
 * The arguments are the worker's options and its {@linkcode Ticks}, as JSON. SIGTERM is the orderly stop: it ends the slice that
 * runs. Where slices keep their leases, a last one gives them up.
 *
 * @module
 */

import { EdgeWorker, type SliceOptions } from "../../../src/edge/mod.ts";
import { sliceSummary } from "../../../src/edge/adapters/slice_worker.ts";
import { pause } from "./processes.ts";
import { notingProcessor, teller, troubleListener } from "./telling.ts";

/** How slices follow one another. */
export interface Ticks {
  readonly slice: SliceOptions;
  /** How long after a slice the next one begins, in ms; without it the slice says when, as to an alarm. */
  readonly pauseMs?: number;
  /** Ends after so many slices. @default never */
  readonly count?: number;
}

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}");
  const { slice, pauseMs, count = Infinity } = JSON.parse(Deno.args[1] ?? "{}") as Ticks;
  const tell = teller(options.workerIdentifier);
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  const worker = new EdgeWorker({
    log: false,
    ...options,
    processor: notingProcessor(tell),
    onEvent: troubleListener(tell),
  });
  tell("STARTED", null, null);
  for (let slices = 0; slices < count && !stop.signal.aborted; slices++) {
    const result = await worker.runSlice({ ...slice, signal: stop.signal });
    tell("slice", null, JSON.stringify(sliceSummary(result)));
    await pause(pauseMs ?? result.nextInMs);
  }
  if (stop.signal.aborted && slice.atEnd === "hold") {
    const result = await worker.runSlice({ ...slice, atEnd: "release" });
    tell("slice", null, JSON.stringify(sliceSummary(result)));
  }
  Deno.exit(0);
}
