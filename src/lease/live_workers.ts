// Pure.
/**
 * Reads the metrics items of a fleet: which workers are alive, which may be given leases, and how busy each
 * one is.
 *
 * Source: KCL 3.5.1, `WorkerMetricStats`, `LeaseAssignmentManager`, `ExponentialMovingAverage`.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";
import type { ReportAge } from "./reports.ts";

/** How often a worker writes its metrics item. KCL: `workerMetricsReporterFreqInMillis`, 30 s. */
export const METRICS_REPORT_INTERVAL_S = 30;
/** Weight of the newest average. KCL: `workerMetricsEMAAlpha`. */
export const METRICS_EMA_ALPHA = 0.5;
/** What a worker writes for a measurement that failed. KCL: `WorkerMetricStats`. */
export const FAILED = -1;

/** One measured metric of a worker, in percent. */
export interface Utilization {
  readonly value: number;
  /** The most that the worker wants to be used. */
  readonly limit: number;
}

/** A worker that may be given leases. */
export interface LiveWorker {
  readonly workerId: string;
  readonly lastUpdateEpochS: number;
  /** How old its item is, in s. */
  readonly ageS: number;
  /**
   * By metric name (`C`, `M`, `NI`, `NO`); empty for a worker that measures nothing and is balanced by
   * throughput.
   */
  readonly utilization: ReadonlyMap<string, Utilization>;
}

/**
 * The workers that a leader may give leases to, ordered by id. Their item is no older than two report
 * intervals and well formed, and its last measurement did not fail. A worker with two items (two tables,
 * during a migration) counts once, by the newer.
 *
 * @param ageOf An item from the future counts as fresh.
 */
export function liveWorkers(items: readonly WorkerMetrics[], ageOf: ReportAge): LiveWorker[] {
  const newest = new Map<string, LiveWorker>();
  for (const item of items) {
    const { workerId, lastUpdateEpochS } = item;
    if (lastUpdateEpochS === undefined) continue;
    const ageS = ageOf({ workerId, lastUpdateEpochS });
    if (ageS > 2 * METRICS_REPORT_INTERVAL_S) continue;
    const utilization = utilizationOf(item);
    if (utilization === undefined) continue;
    const other = newest.get(workerId);
    if (other !== undefined && other.lastUpdateEpochS >= lastUpdateEpochS) continue;
    newest.set(workerId, { workerId, lastUpdateEpochS, ageS, utilization });
  }
  return [...newest.values()].toSorted((a, b) => a.workerId < b.workerId ? -1 : 1);
}

/**
 * The exponential moving average of some measurements, oldest first; failed ones (−1) are left out.
 *
 * @returns 0 when nothing was measured.
 */
export function movingAverage(values: readonly number[], alpha: number = METRICS_EMA_ALPHA): number {
  return values.filter((value) => value !== FAILED)
    .reduce(
      (average: number | undefined, value) =>
        average === undefined ? value : alpha * value + (1 - alpha) * average,
      undefined,
    ) ?? 0;
}

/** A key by which KCL marks a worker as balanced by throughput. KCL: `WorkerMetricType.THROUGHPUT.name()`. */
const THROUGHPUT_MARK = "THROUGHPUT";

/** Undefined when the item is malformed or its last measurement failed. */
function utilizationOf(item: WorkerMetrics): Map<string, Utilization> | undefined {
  const utilization = new Map<string, Utilization>();
  if (THROUGHPUT_MARK in item.stats) return utilization;
  for (const [name, values] of Object.entries(item.stats)) {
    const limit = item.operatingRange[name]?.[0];
    if (limit === undefined || !(limit > 0) || values.at(-1) === FAILED) return undefined;
    utilization.set(name, { value: movingAverage(values), limit });
  }
  return utilization;
}
