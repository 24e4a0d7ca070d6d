/**
 * Reports to the fleet that this worker is alive. Without a fresh metrics item no leader, of ours or of
 * KCL's, assigns it a lease. The item is deleted on an orderly stop, so that nothing more is assigned to the
 * stopped worker.
 *
 * The item says which process of the worker's name reports. A process that finds the item of a newer one does
 * not change it.
 *
 * What the worker measures of itself is captured in a loop of its own, so that a source that hangs delays no
 * report.
 *
 * Source: KCL 3.5.1, `WorkerMetricStatsReporter`, `WorkerMetricStatsManager`; what the figures become is in
 * `lease/utilization.ts`.
 *
 * @module
 */

import type { CpuSource } from "../cpu_source.ts";
import { errorText } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { CoordinatorStore, TablePlace, WorkerMetrics } from "../lease/coordinator_store.ts";
import type { Incarnation } from "../lease/incarnation.ts";
import type { TableFormat } from "../lease/table_format.ts";
import {
  CAPTURE_INTERVAL_MS,
  closeInterval,
  EMPTY_LOG,
  type UtilizationLog,
  utilizationMetrics,
  withFailure,
  withMeasurement,
} from "../lease/utilization.ts";
import type { Clock } from "../system.ts";
import { pause, withinTime } from "../async/waiting.ts";
import type { Identity } from "./identity.ts";

/** What the reporter needs. */
export interface MetricsReporterOptions {
  readonly store: CoordinatorStore;
  readonly workerId: string;
  readonly identity: Identity;
  /**
   * Where the item is written. The support code is written only where the single-table format is in force.
   */
  readonly format: Pick<TableFormat, "place" | "supportCode">;
  readonly cpuUtilization: CpuSource | undefined;
  /** The process that the item is known to be of. @default not known */
  readonly found?: Incarnation | undefined;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
}

/** What identifies an item that we wrote. */
interface WrittenItem extends Pick<WorkerMetrics, "lastUpdateEpochS" | "incarnation"> {
  readonly place: TablePlace;
}

/**
 * A measurement that takes longer has failed, in ms. Our own figure: far more than any takes, far less than a
 * report.
 */
const CAPTURE_TIMEOUT_MS = 5000;

/**
 * How many newer processes of its name a starting process may find before its start counts as failed. Ours.
 */
const MAX_CLAIMS = 5;

/** The metrics item of one worker. */
export class MetricsReporter {
  readonly #options: MetricsReporterOptions;
  #format: Pick<TableFormat, "place" | "supportCode">;
  #utilization: UtilizationLog = EMPTY_LOG;
  #hasToldFailure = false;
  /** What we wrote last, and what we left behind when the place changed. */
  #written: WrittenItem | undefined;
  #leftBehind: WrittenItem | undefined;

  constructor(options: MetricsReporterOptions) {
    this.#options = options;
    this.#format = options.format;
  }

  /** Measures about once a second until the signal aborts. */
  async capture(signal: AbortSignal): Promise<void> {
    const { cpuUtilization, clock } = this.#options;
    if (cpuUtilization === undefined) return;
    do await this.#captureOnce(cpuUtilization, signal); while (
      await pause(clock, CAPTURE_INTERVAL_MS, signal)
    );
  }

  /**
   * Writes the item, and ends an interval of measurements with it. Without figures the leader uses the
   * throughput. The first report of a process claims its worker's name.
   */
  async report(signal?: AbortSignal): Promise<void> {
    const { store, workerId, identity, clock, found } = this.#options;
    const { place, supportCode } = this.#format;
    const epochS = Math.floor(clock.epochMs() / 1000);
    this.#utilization = closeInterval(this.#utilization);
    for (let attempt = 1; !identity.superseded.aborted; attempt++) {
      const { incarnation } = identity;
      const newer = await store.writeWorkerMetrics(place, {
        workerId,
        lastUpdateEpochS: epochS,
        ...utilizationMetrics(this.#utilization),
        supportCode,
        supportEpochS: supportCode === undefined ? undefined : epochS,
        incarnation,
        ...(this.#written === undefined && attempt === 1 ? { replaces: found } : {}),
      }, signal);
      if (newer === undefined) {
        identity.claim();
        this.#written = { place, lastUpdateEpochS: epochS, incarnation };
        return await this.#clearUp(signal);
      }
      // Either this ends us, or, before the first report, we go above it and try again.
      identity.see(newer);
      if (attempt >= MAX_CLAIMS) {
        throw new Error(
          `Cannot claim the name of worker "${workerId}": ${attempt} newer processes of this name in a row claimed it: ` +
            "give each a workerIdentifier of its own",
        );
      }
    }
  }

  /** From the next report on the item is in another place; then the old one is deleted. */
  follow(format: Pick<TableFormat, "place" | "supportCode">): void {
    if (format.place !== this.#format.place) this.#leftBehind = this.#written;
    this.#format = format;
  }

  /** Deletes the item, if it is still the one that this process wrote. */
  async withdraw(signal?: AbortSignal): Promise<void> {
    await this.#delete(this.#written, signal);
    await this.#clearUp(signal);
  }

  async #clearUp(signal: AbortSignal | undefined): Promise<void> {
    const item = this.#leftBehind;
    this.#leftBehind = undefined; // tried once: the table may have been deleted
    await this.#delete(item, signal);
  }

  async #delete(item: WrittenItem | undefined, signal: AbortSignal | undefined): Promise<void> {
    const { store, workerId, identity } = this.#options;
    if (item === undefined || identity.superseded.aborted) return;
    const { place, ...written } = item;
    await store.deleteWorkerMetrics(place, { workerId, ...written }, signal);
  }

  async #captureOnce(source: CpuSource, signal: AbortSignal): Promise<void> {
    const { clock, emit } = this.#options;
    try {
      const percent = await withinTime(
        { clock, ms: CAPTURE_TIMEOUT_MS, signal },
        async (within) => await source(within),
      );
      this.#utilization = withMeasurement(this.#utilization, percent);
      this.#hasToldFailure = false;
    } catch (error) {
      if (signal.aborted) return;
      this.#utilization = withFailure(this.#utilization);
      if (this.#hasToldFailure) return;
      this.#hasToldFailure = true;
      const text = `CPU cannot be measured: ${errorText(error)}`;
      emit({ type: "notice", level: "warning", leaseKey: undefined, text });
    }
  }
}
