// Pure.
/**
 * Measures how old the reports of workers are (their metrics items), from what this worker has seen of them.
 *
 * A report carries the time of its writer's wall clock. If two clocks differ by some seconds, a worker that
 * has died looks fresh, and leases are given to it again and again. If they differ by a minute, a live worker
 * looks as if it had died. So a report that has been seen to change is as old as that sight, on our own
 * monotonic clock. A report that has not is at least as old as its first sight.
 *
 * KCL compares the wall clocks.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";

/** What is known of one worker's report. */
export interface ReportSighting {
  readonly lastUpdateEpochS: number;
  /** Monotonic ms at which this report was seen first. */
  readonly sinceMs: number;
  /** Whether another one had been seen before: then it was written shortly before that. */
  readonly hasMoved: boolean;
}

/** A report with a time. */
export type Report = Pick<WorkerMetrics, "workerId"> & { readonly lastUpdateEpochS: number };

/** How old a report is, in s. */
export type ReportAge = (report: Report) => number;

/**
 * Adds a fresh listing to the earlier sightings, by worker id. A worker that is no longer listed is
 * forgotten. Of two items of one worker (two tables, during a migration) the newer counts.
 *
 * @param nowMs Monotonic ms, taken after the listing ended.
 */
export function observeReports(
  sightings: ReadonlyMap<string, ReportSighting>,
  items: readonly WorkerMetrics[],
  nowMs: number,
): Map<string, ReportSighting> {
  const seen = new Map<string, ReportSighting>();
  for (const { workerId, lastUpdateEpochS } of items) {
    if (lastUpdateEpochS === undefined) continue;
    const other = seen.get(workerId);
    if (other !== undefined && other.lastUpdateEpochS >= lastUpdateEpochS) continue;
    const before = sightings.get(workerId);
    const isSame = before?.lastUpdateEpochS === lastUpdateEpochS;
    seen.set(
      workerId,
      isSame ? before : { lastUpdateEpochS, sinceMs: nowMs, hasMoved: before !== undefined },
    );
  }
  return seen;
}

/**
 * Ages by what was seen, and by the wall clocks if that says too little.
 *
 * @param sightings What {@linkcode observeReports} made of the reports.
 * @param now The present, in wall seconds since 1970 and in monotonic ms.
 */
export function reportAge(
  sightings: ReadonlyMap<string, ReportSighting>,
  now: { readonly epochS: number; readonly ms: number },
): ReportAge {
  return ({ workerId, lastUpdateEpochS }) => {
    const told = now.epochS - lastUpdateEpochS;
    const sighting = sightings.get(workerId);
    if (sighting === undefined || sighting.lastUpdateEpochS !== lastUpdateEpochS) return told;
    const seen = (now.ms - sighting.sinceMs) / 1000;
    return sighting.hasMoved ? seen : Math.max(seen, told);
  };
}
