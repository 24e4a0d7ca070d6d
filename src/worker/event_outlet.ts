/**
 * Passes a worker's events on: to its watch for faults, to its log, and to the user's listener. An error in
 * one of them reaches neither the others nor the worker.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { FaultWatch, LOOK_INTERVAL_MS } from "../observe/fault_watch.ts";
import { type HealthLimits, healthLimits } from "../observe/verdict.ts";
import type { Clock } from "../system.ts";
import { pause } from "../async/waiting.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { WatchingSettings } from "../options/setting_groups.ts";
import { passingTo, userListeners } from "./user_listeners.ts";

/** What a worker reports by. */
export interface EventOutlet {
  readonly emit: WorkerEventListener;
  /** Reports faults as they begin and end, until the signal aborts. */
  watchFaults(signal: AbortSignal): Promise<void>;
}

/** Makes the outlet of one worker. */
export function eventOutlet(
  options: Pick<WorkerOptions, "log" | "onEvent">,
  watching: WatchingSettings,
  clock: Clock,
): EventOutlet {
  const users = userListeners(options, clock);
  if (users.length === 0) return { emit: () => {}, watchFaults: () => Promise.resolve() };

  const faults = new FaultWatch({
    clock,
    limits: faultLimits(watching),
    taskWarningMs: watching.logWarningForTaskAfterMs,
  });
  const { emit, onFailure } = passingTo([faults.listener, ...users]);
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
  { failoverTimeMs, callbackLimitMs, dataLossLimitMs, idleTimeBetweenReadsMs = 0 }: Pick<
    WorkerOptions,
    "failoverTimeMs" | "callbackLimitMs" | "dataLossLimitMs" | "idleTimeBetweenReadsMs"
  >,
): HealthLimits {
  // A worker with options that make renewals or reads rare is healthy between them.
  const stallLimitMs = Math.max(60_000, 2 * idleTimeBetweenReadsMs);
  return healthLimits({ failoverTimeMs, callbackLimitMs, stallLimitMs, dataLossLimitMs });
}
