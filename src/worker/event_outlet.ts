/**
 * Passes a worker's events on: to its watch for faults, to its log, and to the user's listener. An error in
 * one of them reaches neither the others nor the worker.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import { consoleLog } from "../observe/console_log.ts";
import { withErrorJson } from "../observe/error_json.ts";
import { FaultWatch, LOOK_INTERVAL_MS } from "../observe/fault_watch.ts";
import { inTurn } from "../observe/listeners.ts";
import { type HealthLimits, healthLimits } from "../observe/verdict.ts";
import type { Clock } from "../system.ts";
import { pause } from "../async/waiting.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { WatchingSettings } from "../options/setting_groups.ts";

/** What a worker reports by. */
export interface EventOutlet {
  readonly emit: WorkerEventListener;
  /** Reports faults as they begin and end, until the signal aborts. */
  watchFaults(signal: AbortSignal): Promise<void>;
}

/** Makes the outlet of one worker. */
export function eventOutlet(
  { log, onEvent }: Pick<WorkerOptions, "log" | "onEvent">,
  watching: WatchingSettings,
  clock: Clock,
): EventOutlet {
  const users: WorkerEventListener[] = [];
  if (log !== false) users.push(log ?? consoleLog(clock));
  if (onEvent !== undefined) users.push(onEvent);
  if (users.length === 0) return { emit: () => {}, watchFaults: () => Promise.resolve() };

  const faults = new FaultWatch({
    clock,
    limits: faultLimits(watching),
    taskWarningMs: watching.logWarningForTaskAfterMs,
  });
  let hasFailed = false;
  const onFailure = (error: unknown) => {
    if (hasFailed) return;
    hasFailed = true;
    const text = "A listener of events has failed; the worker goes on, and does not report it again: " +
      errorText(error);
    emit({ type: "notice", level: "warning", leaseKey: undefined, text });
  };
  const listen = inTurn([faults.listener, ...users], onFailure);
  const emit = (event: WorkerEvent) => listen(withErrorJson(event));
  return {
    emit,
    async watchFaults(signal) {
      while (await pause(clock, LOOK_INTERVAL_MS, signal)) {
        try {
          faults.look().forEach(emit);
        } catch (error) {
          onFailure(error);
        }
      }
    },
  };
}

/** The limits beyond which something is a fault of a worker with these options. */
export function faultLimits(
  { failoverTimeMs, callbackLimitMs, idleTimeBetweenReadsMs = 0 }: Pick<
    WorkerOptions,
    "failoverTimeMs" | "callbackLimitMs" | "idleTimeBetweenReadsMs"
  >,
): HealthLimits {
  // A worker with options that make renewals or reads rare is healthy between them.
  const stallLimitMs = Math.max(60_000, 2 * idleTimeBetweenReadsMs);
  return healthLimits({ failoverTimeMs, callbackLimitMs, stallLimitMs });
}
