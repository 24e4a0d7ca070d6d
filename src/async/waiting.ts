/**
 * Waiting no longer than is wanted: until a signal aborts, or a time limit is over.
 *
 * Both hold even where the awaited work ignores its signal, and neither leaves a sleep or a listener behind.
 *
 * @module
 */

import type { Clock } from "../system.ts";

/** How long work may take. */
export interface TimeLimit {
  readonly clock: Clock;
  /** In ms. */
  readonly ms: number;
  /** The caller's own signal. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs work under a signal that aborts when the time is over or the caller's signal aborts.
 *
 * @throws the caller's reason when the caller's signal aborts first; a `TimeoutError` ({@linkcode isTimeLimit}) when
 * the time is over; else what the work throws.
 */
export async function withinTime<T>(limit: TimeLimit, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, ms, signal } = limit;
  signal?.throwIfAborted();
  const ended = new AbortController();
  const timer = new AbortController();
  const stop = () => ended.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const timeout = clock.sleep(ms, timer.signal).then(
    () => ended.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError")),
    () => {}, // the work was over first
  );
  try {
    return await unlessAborted(work(ended.signal), ended.signal);
  } catch (error) {
    // What the work makes of its abort is not what the caller is to see.
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", stop);
    timer.abort();
    await timeout;
  }
}

/** Whether the error says that time was over. */
export function isTimeLimit(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/**
 * Waits for a promise, but no longer than until the signal aborts. The promise's own failure after that is dropped.
 *
 * @throws the signal's reason, or what the promise rejects with.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
