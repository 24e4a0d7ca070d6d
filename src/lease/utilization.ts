// Pure.
/**
 * Keeps a worker's own measurements in the form in which it reports them: averages of the intervals between
 * two reports, the newest ten.
 *
 * One successful measurement makes an interval valid. While the newest interval is a failed one, leaders give
 * the worker no more leases. A worker without any figures reports none, and is balanced by the throughput of
 * its leases. The same holds for a worker whose measurements have never succeeded. (KCL reports failures
 * there, so a worker that may not read its own figures never gets a lease.)
 *
 * Source: KCL 3.5.1, `WorkerMetricStatsManager`, `WorkerMetricStats`.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";
import { FAILED } from "./live_workers.ts";

/** How many averages an item holds. KCL: `noOfPersistedMetricsPerWorkerMetrics`, 10. */
export const MAX_AVERAGES = 10;
/** How often a worker measures, in ms. KCL: `inMemoryWorkerMetricsCaptureFrequencyMillis`. */
export const CAPTURE_INTERVAL_MS = 1000;

/** All measurements up to now. */
export interface UtilizationLog {
  /** Of past intervals, oldest first, in percent; −1 where all measurements failed. */
  readonly averages: readonly number[];
  /** The interval under way. */
  readonly sum: number;
  readonly measured: number;
  readonly failed: number;
  /** Measurements that gave no figure. */
  readonly untold: number;
}

/** Before the first measurement. */
export const EMPTY_LOG: UtilizationLog = { averages: [], sum: 0, measured: 0, failed: 0, untold: 0 };

/**
 * Adds a measurement.
 *
 * @param percent Undefined if there is no figure. A value that is no number counts as failed; a value beyond
 * 0 to 100 counts as the nearer of the two.
 */
export function withMeasurement(log: UtilizationLog, percent: number | undefined): UtilizationLog {
  if (percent === undefined) return { ...log, untold: log.untold + 1 };
  if (!Number.isFinite(percent)) return withFailure(log);
  return { ...log, sum: log.sum + Math.min(100, Math.max(0, percent)), measured: log.measured + 1 };
}

/** Adds a measurement that failed. */
export function withFailure(log: UtilizationLog): UtilizationLog {
  return { ...log, failed: log.failed + 1 };
}

/**
 * Ends the interval under way. If nothing was tried in it, the averages stay as they are. If nothing could be
 * measured, without a failure, the averages are dropped. Old figures say nothing about a worker that has
 * none.
 */
export function closeInterval(log: UtilizationLog): UtilizationLog {
  const { averages, sum, measured, failed, untold } = log;
  if (measured > 0) return { ...EMPTY_LOG, averages: appended(averages, rounded(sum / measured)) };
  if (failed > 0) return { ...EMPTY_LOG, averages: averages.length === 0 ? [] : appended(averages, FAILED) };
  return { ...EMPTY_LOG, averages: untold > 0 ? [] : averages };
}

/** The past intervals as the metrics item holds them. */
export function utilizationMetrics(log: UtilizationLog): Pick<WorkerMetrics, "stats" | "operatingRange"> {
  if (log.averages.length === 0) return { stats: {}, operatingRange: {} };
  return { stats: { [CPU]: log.averages }, operatingRange: { [CPU]: [MAX_UTILIZATION] } };
}

/** KCL: `WorkerMetricType.CPU`. */
const CPU = "C";
/** The most that a worker wants to be used, in percent. KCL: `maxUtilization`. */
const MAX_UTILIZATION = 100;

function appended(averages: readonly number[], average: number): number[] {
  return [...averages, average].slice(-MAX_AVERAGES);
}

/** To 6 decimals, as KCL does. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
