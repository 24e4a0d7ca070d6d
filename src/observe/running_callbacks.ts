// Pure.
/**
 * Which callbacks of a shard run. With `concurrency` there may be many at a time, and one that hangs must not
 * be hidden by others that return.
 *
 * @module
 */

import type { ProcessorCallback, WorkerEvent } from "../events.ts";

/** A callback that has been entered and has not returned. */
export interface RunningCallback {
  /** Which one. */
  readonly name: ProcessorCallback;
  /** When it was entered. */
  readonly sinceMs: number;
  /** How many records it was given. */
  readonly records: number;
  /** As its events have it. */
  readonly call: number | undefined;
}

/** The callbacks of a shard that run. */
export interface RunningCallbacks {
  /** The callback that has been entered and has not returned; of several the one that began first. */
  readonly callback: RunningCallback | undefined;
  /** Callbacks that began after it and have not returned, in this order. */
  readonly laterCallbacks: readonly RunningCallback[];
}

type EventOf<Type extends WorkerEvent["type"]> = Extract<WorkerEvent, { readonly type: Type }>;

/** Those that run from now on. */
export function callbackStarted(
  before: RunningCallbacks,
  { callback: name, records, call }: EventOf<"callbackStarted">,
  sinceMs: number,
): RunningCallbacks {
  return runningOf([...others(before, call), { name, sinceMs, records, call }]);
}

/** Those that still run. */
export function callbackEnded(
  before: RunningCallbacks,
  { call }: EventOf<"callbackEnded">,
): RunningCallbacks {
  return runningOf(others(before, call));
}

/** Without a number, one callback of a shard runs at a time. */
function others(
  { callback, laterCallbacks }: RunningCallbacks,
  call: number | undefined,
): readonly RunningCallback[] {
  return callback === undefined ? [] : [callback, ...laterCallbacks].filter((one) => one.call !== call);
}

function runningOf([callback, ...laterCallbacks]: readonly RunningCallback[]): RunningCallbacks {
  return { callback, laterCallbacks };
}
