/**
 * Shows that the event loop has its turn. Code that blocks the event loop keeps these events from being
 * emitted, and a liveness probe notices.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import { pause } from "../async/waiting.ts";

/** How often, in ms. Ours: a twelfth of what health calls overdue. */
const TURN_MS = 5000;

/** Emits an event immediately and then every few seconds, until the signal aborts. */
export async function showTurns(
  clock: Clock,
  emit: WorkerEventListener,
  signal: AbortSignal,
): Promise<void> {
  for (let goesOn = true; goesOn; goesOn = await pause(clock, TURN_MS, signal)) {
    emit({ type: "eventLoopTurned" });
  }
}
