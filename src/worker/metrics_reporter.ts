/**
 * Tells the fleet that this worker lives: without a fresh metrics item no leader, of ours or of KCL's, assigns it
 * a lease. Deleted on an orderly stop, so that nothing more is assigned to a worker that is gone.
 *
 * Source: KCL 3.5.1, `WorkerMetricStatsReporter`.
 *
 * @module
 */

import type { CoordinatorStore, TablePlace } from "../lease/coordinator_store.ts";
import type { Clock } from "../system.ts";

/** What the reporter needs. */
export interface MetricsReporterOptions {
  readonly store: CoordinatorStore;
  readonly place: TablePlace;
  readonly workerId: string;
  /** Told only where the single-table format is in force. */
  readonly supportCode: number | undefined;
  readonly clock: Clock;
}

/** The metrics item of one worker. */
export class MetricsReporter {
  readonly #options: MetricsReporterOptions;
  #reportedEpochS: number | undefined;

  constructor(options: MetricsReporterOptions) {
    this.#options = options;
  }

  /** Writes the item. Without figures of our own the leader balances this worker by throughput. */
  async report(signal?: AbortSignal): Promise<void> {
    const { store, place, workerId, supportCode, clock } = this.#options;
    const epochS = Math.floor(clock.epochMs() / 1000);
    await store.writeWorkerMetrics(place, {
      workerId,
      lastUpdateEpochS: epochS,
      stats: {},
      operatingRange: {},
      supportCode,
      supportEpochS: supportCode === undefined ? undefined : epochS,
    }, signal);
    this.#reportedEpochS = epochS;
  }

  /** Deletes the item, if it is still the one we wrote. */
  async withdraw(signal?: AbortSignal): Promise<void> {
    if (this.#reportedEpochS === undefined) return;
    const { store, place, workerId } = this.#options;
    await store.deleteWorkerMetrics(place, { workerId, lastUpdateEpochS: this.#reportedEpochS }, signal);
  }
}
