/**
 * Waits: for a time, for a signal, for a promise, each with a limit. Each kind of wait is written once, here.
 *
 * A limit holds even if the awaited work ignores its signal. No wait leaves a sleep or a listener behind.
 *
 * @module
 */

import type { Clock } from "../system.ts";

/** Sleeps, for a loop that ends by its signal. @returns false when the signal cut it short. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Waits until one of the signals aborts. */
export function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  if (any.aborted) return Promise.resolve();
  return new Promise((resolve) => any.addEventListener("abort", () => resolve(), { once: true }));
}

/** A controller that a longer-lived signal aborts too. */
export interface LinkedController {
  readonly controller: AbortController;
  /** Takes the listener off the signal again. */
  readonly unlink: () => void;
}

/**
 * Makes a controller that aborts with `signal`, for its reason.
 *
 * `AbortSignal.any` would do the same. But on some runtimes a signal that lives as long as the worker keeps a
 * trace of each call.
 */
export function linkedController(signal: AbortSignal | undefined): LinkedController {
  const controller = new AbortController();
  const follow = () => controller.abort(signal?.reason);
  if (signal?.aborted) follow();
  signal?.addEventListener("abort", follow, { once: true });
  return { controller, unlink: () => signal?.removeEventListener("abort", follow) };
}

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
 * @throws the caller's reason when the caller's signal aborts first; a `TimeoutError`
 * ({@linkcode isTimeLimit}) when the time is over; else what the work throws.
 */
export async function withinTime<T>(limit: TimeLimit, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, ms, signal } = limit;
  signal?.throwIfAborted();
  const { controller: ended, unlink } = linkedController(signal);
  const timer = new AbortController();
  const timeout = clock.sleep(ms, timer.signal).then(
    () => ended.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError")),
    () => {}, // the work was over first
  );
  try {
    return await unlessAborted(work(ended.signal), ended.signal);
  } catch (error) {
    // The caller sees the reason of the abort, not the error that the work made of it.
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    unlink();
    timer.abort(DONE);
    await timeout;
  }
}

/** A reason made once: an abort without one makes an error, with its stack, for each wait. */
const DONE = "the wait is over";

/**
 * Runs work that must not be cut off, such as a write that may arrive although nobody waits for its answer.
 * Its signal aborts only `ms` after the caller's.
 *
 * @throws the caller's reason when that time is over; else what the work throws.
 */
export async function withGrace<T>(
  { clock, ms, signal }: TimeLimit & { readonly signal: AbortSignal },
  work: (late: AbortSignal) => Promise<T>,
): Promise<T> {
  const { controller: asked, unlink } = linkedController(signal);
  const late = new AbortController(), over = new AbortController();
  const ending = aborted(asked.signal).then(async () => {
    if (await pause(clock, ms, over.signal)) late.abort(signal.reason);
  });
  try {
    return await unlessAborted(work(late.signal), late.signal);
  } finally {
    unlink();
    over.abort(DONE);
    asked.abort(DONE);
    await ending;
  }
}

/** Whether the error says that time was over. */
export function isTimeLimit(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/**
 * Waits for a promise, but no longer than `ms`. Unlike {@linkcode withinTime} it stops nothing: the promise
 * continues.
 *
 * @returns Whether it settled in time. A rejection counts as settled and is not thrown: await the promise
 * itself to see it.
 */
export async function settlesWithin(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const settled = new AbortController();
  const expired = pause(clock, ms, settled.signal).then((isOver) => !isOver);
  const done = promise.then(() => true, () => true);
  const inTime = await Promise.race([done, expired]);
  settled.abort(DONE);
  await expired;
  return inTime;
}

/**
 * Waits for a promise until it settles or the signal aborts. A later failure of the promise is dropped.
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
