// Pure.
/**
 * Finds the workers of a fleet that are not ours: KCL for Java, and kclite of before the marks of its
 * processes. They store no results where a processor of ours does, and would move leases past them.
 *
 * Each worker of KCL 3 reports; a report of ours names its process. A program that reports nothing shows
 * itself by a lease whose counter moves without a mark of ours.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";
import { lastWriter } from "./incarnation.ts";
import { actualOwner, type Lease } from "./lease.ts";
import { METRICS_REPORT_INTERVAL_S } from "./live_workers.ts";
import type { ReportAge } from "./reports.ts";

/** A look at a fleet. */
export interface ForeignLook {
  readonly leases: readonly Lease[];
  readonly reports: readonly WorkerMetrics[];
  readonly ageOf: ReportAge;
  /** The counters of the look before, by lease key; empty for the first. */
  readonly countersBefore: ReadonlyMap<string, number>;
}

/** The names of the foreign workers that live, in order. */
export function foreignWorkers({ leases, reports, ageOf, countersBefore }: ForeignLook): readonly string[] {
  const ours = new Set<string>(), found = new Set<string>();
  for (const { workerId, lastUpdateEpochS, incarnation } of reports) {
    if (incarnation !== undefined) ours.add(workerId);
    else if (lastUpdateEpochS !== undefined && ageOf({ workerId, lastUpdateEpochS }) <= LIVE_S) {
      found.add(workerId);
    }
  }
  for (const lease of leases) {
    const owner = actualOwner(lease), before = countersBefore.get(lease.leaseKey);
    if (owner === undefined || ours.has(owner) || before === undefined) continue;
    if (lease.leaseCounter > before && lastWriter(lease) === undefined) found.add(owner);
  }
  return [...found].filter((workerId) => !ours.has(workerId)).toSorted();
}

/** A report that is older than two intervals is of a worker that has stopped. KCL counts so too. */
const LIVE_S = 2 * METRICS_REPORT_INTERVAL_S;
