/**
 * One listener for several. None of them can keep the others from getting an event. A log on a full disk must
 * not make health believe that leases are not renewed.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";

/**
 * Makes the listener.
 *
 * @param listeners Called in this order, each with every event: those first that others rely on.
 * @param onFailure Receives what a listener throws, or rejects with if it is asynchronous. Must not throw.
 */
export function inTurn(
  listeners: readonly WorkerEventListener[],
  onFailure: (error: unknown) => void = () => {},
): WorkerEventListener {
  return (event) => {
    for (const listener of listeners) {
      try {
        // An async function is accepted as a listener; an unhandled rejection would end the process.
        const answer: unknown = listener(event);
        if (answer instanceof Promise) answer.catch(onFailure);
      } catch (error) {
        onFailure(error);
      }
    }
  };
}
