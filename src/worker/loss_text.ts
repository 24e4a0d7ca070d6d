// Pure.
/**
 * Why a lease was lost, or nearly lost, in words.
 *
 * @module
 */

import type { LeaseLossReason } from "../events.ts";

/** Ends the sentence of a `LeaseLostError`. */
export const LOSS_TEXT: Readonly<Record<LeaseLossReason, string>> = {
  taken: "another worker owns it",
  namesake: "another process writes to it under this worker's name",
  superseded: "a newer process has this worker's name",
  expired: "it could not be renewed in time",
  handoffOverdue: "it could not be handed over in time",
  deleted: "its item is gone from the lease table",
  givenUp: "it was given up",
};

/** Of a lease that was not renewed in time, and is held all the same. */
export function silenceText(silentMs: number): string {
  return `Its lease was not renewed for ${silentMs} ms, longer than the failover time, and nobody took it. ` +
    "Processing goes on; but a record processor must let the event loop run, or other workers take its leases";
}
