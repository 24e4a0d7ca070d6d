/**
 * Passes events on to a worker's log and to the user's listener. An error in one of them reaches neither the
 * others nor the worker. What a worker watches besides stands in `event_outlet.ts`.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import { consoleLog } from "../observe/console_log.ts";
import { withErrorJson } from "../observe/error_json.ts";
import { inTurn } from "../observe/listeners.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { Clock } from "../system.ts";

/** The log, unless it is switched off, and the user's listener if there is one. */
export function userListeners(
  { log, onEvent }: Pick<WorkerOptions, "log" | "onEvent">,
  clock: Clock,
): WorkerEventListener[] {
  const users: WorkerEventListener[] = [];
  if (log !== false) users.push(log ?? consoleLog(clock));
  if (onEvent !== undefined) users.push(onEvent);
  return users;
}

/** How events reach several listeners. */
export interface Passing {
  /** Gives each of them the event. */
  readonly emit: WorkerEventListener;
  /** Reports that a listener has failed: the first time only. */
  readonly onFailure: (error: unknown) => void;
}

/** Passes events on to these listeners, in this order. */
export function passingTo(listeners: readonly WorkerEventListener[]): Passing {
  let hasFailed = false;
  const onFailure = (error: unknown) => {
    if (hasFailed) return;
    hasFailed = true;
    const text = "A listener of events has failed; the worker goes on, and does not report it again: " +
      errorText(error);
    emit({ type: "notice", level: "warning", leaseKey: undefined, text });
  };
  const listen = inTurn(listeners, onFailure);
  const emit: WorkerEventListener = (event) => listen(withErrorJson(event));
  return { emit, onFailure };
}
