// Pure.
/**
 * Decides whether a restart of this process would mend something, for a liveness probe. It never looks at
 * AWS, at the lease table, at permissions or at other workers. Otherwise one fault of AWS would restart every
 * process of a fleet at the same time. Those are for alarms, and {@linkcode healthOf} judges them.
 *
 * @module
 */

import type { Snapshot } from "./totals.ts";
import { callbackFault, DEFAULT_LIMITS, eventLoopFault, type Fault, type HealthLimits } from "./verdict.ts";

/** The verdict of a liveness probe. */
export interface Liveness {
  /** False: restart the process. */
  readonly alive: boolean;
  /** Empty when alive. */
  readonly faults: readonly Fault[];
}

/** Whether the process works at the moment of the snapshot, whatever the services do. */
export function livenessOf(
  { worker, shards, atMs }: Snapshot,
  limits: HealthLimits = DEFAULT_LIMITS,
): Liveness {
  const faults = [
    eventLoopFault(worker, atMs, limits),
    ...shards.map((shard) => callbackFault(shard, atMs, limits)),
  ].filter((fault) => fault !== undefined);
  if (worker.phase === "stopped" && worker.hasBroken) {
    const text = `A loop of the worker has ended: ${worker.stopError}: restart the process`;
    faults.unshift({ code: "loopEnded", leaseKey: undefined, text });
  }
  return { alive: faults.length === 0, faults };
}
