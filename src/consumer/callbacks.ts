/**
 * Calls a processor: one call at a time, each reported as events, its failures returned and not thrown. A
 * callback is never interrupted: the caller waits until it returns. Health reports when that takes too long.
 *
 * @module
 */

import { thrownError } from "../errors.ts";
import type { ProcessorCallback, WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import type { HeldLease } from "./held_lease.ts";

/** How a callback ended. */
export type CallbackOutcome =
  | { readonly ok: true; readonly ms: number; /** What it returned. */ readonly answer: unknown }
  | { readonly ok: false; readonly ms: number; readonly error: unknown };

/** Runs one callback of one shard's processor. */
export async function runCallback(
  about: {
    readonly held: HeldLease;
    readonly callback: ProcessorCallback;
    readonly records: number;
    /** For calls that may run beside others of the shard. */
    readonly call?: number;
    readonly clock: Clock;
    readonly emit: WorkerEventListener;
  },
  work: () => unknown,
): Promise<CallbackOutcome> {
  const { held, callback, records, call, clock, emit } = about;
  const { leaseKey, shardId } = held;
  const which = { leaseKey, shardId, callback, ...(call === undefined ? {} : { call }) };
  const startedMs = clock.monotonicMs();
  emit({ type: "callbackStarted", ...which, records });
  let error: unknown;
  let answer: unknown;
  let ok = true;
  try {
    answer = await work();
  } catch (thrown) {
    ok = false;
    error = thrownError(thrown);
  }
  const ms = clock.monotonicMs() - startedMs;
  emit({ type: "callbackEnded", ...which, ms, error });
  return ok ? { ok, ms, answer } : { ok, ms, error };
}

/** The pause after the nth failure in a row: the base, doubled each time, up to 30 s. */
export function callbackBackoffMs(failures: number, taskBackoffTimeMs: number): number {
  return Math.min(30_000, taskBackoffTimeMs * 2 ** Math.min(failures - 1, 16));
}
