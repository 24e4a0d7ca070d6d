/**
 * Handlers for cron triggers of Cloudflare Workers: one runs a slice, one sets lost alarms of Durable
 * Objects.
 *
 * @module
 */

import type { SliceOptions } from "../slice_options.ts";
import type { SliceWorker } from "./slice_worker.ts";

/** The handler `scheduled` of a Worker. */
export type ScheduledHandler<Env> = (controller: unknown, env: Env) => Promise<void>;

/**
 * Runs one slice per cron trigger.
 *
 * @param make Makes the worker, once for each isolate.
 * @param slice What one trigger may use. A cron comes each minute at the most: 50 s are a good budget.
 */
export function cloudflareScheduled<Env>(
  make: (env: Env) => SliceWorker,
  slice: SliceOptions,
): ScheduledHandler<Env> {
  let worker: SliceWorker | undefined;
  return async (_controller, env) => {
    worker ??= make(env);
    await worker.runSlice(slice);
  };
}

/** The part of a binding of Durable Objects that is used. */
export interface DurableObjectNamespace<Id> {
  /** The id of an object. */
  idFromName(name: string): Id;
  /** The object, which is loaded when it is first called. */
  get(
    id: Id,
  ): { readonly fetch: (url: string) => Promise<{ readonly ok: boolean; readonly status: number }> };
}

/**
 * Sets the alarm of each object that has none: the first one, and one that was lost. Each object is one
 * worker.
 *
 * @param objects Finds the binding of a class of {@linkcode cloudflareDurableObject}.
 * @param names One for each worker of the application that shall run.
 * @throws {AggregateError} when an object could not be reached. The others have been.
 */
export function cloudflareRearm<Env, Id>(
  objects: (env: Env) => DurableObjectNamespace<Id>,
  names: readonly string[],
): ScheduledHandler<Env> {
  return async (_controller, env) => {
    const namespace = objects(env);
    const results = await Promise.allSettled(names.map(async (name) => {
      const { ok, status } = await namespace.get(namespace.idFromName(name)).fetch("https://consumer/rearm");
      if (!ok) throw new Error(`Cannot set the alarm of object "${name}": it answered with status ${status}`);
    }));
    const errors = results.flatMap((result) => result.status === "rejected" ? [result.reason] : []);
    if (errors.length > 0) {
      throw new AggregateError(
        errors,
        `Cannot set the alarms of ${errors.length} of ${names.length} objects`,
      );
    }
  };
}
