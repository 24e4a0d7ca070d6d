/**
 * A handler for `Deno.cron`.
 *
 * @module
 */

import type { SliceOptions } from "../slice_options.ts";
import type { SliceWorker } from "./slice_worker.ts";

/**
 * Runs one slice per tick: `Deno.cron("consume", "* * * * *", denoCron(worker, { budgetMs: 50_000 }))`.
 *
 * Deno never starts a cron that is still running, so the budget should be below the time between two ticks.
 * Deno Deploy sends SIGINT 5 s before it stops an instance: give a `signal` that aborts then.
 *
 * Source: docs.deno.com/deploy/reference/cron.
 *
 * @param slice What one tick may use.
 */
export function denoCron(worker: SliceWorker, slice: SliceOptions): () => Promise<void> {
  return async () => {
    await worker.runSlice(slice);
  };
}
