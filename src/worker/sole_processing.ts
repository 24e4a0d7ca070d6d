/**
 * What a worker makes sure of whose processors store results and position in one transaction: that records of
 * a shard do not overtake one another, and that no program of another kind processes shards of the fleet.
 *
 * @module
 */

import { pause } from "../async/waiting.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import { LeaseTableError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import { foreignWorkers } from "../lease/foreign_workers.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { observeReports, reportAge, type ReportSighting } from "../lease/reports.ts";
import type { TableFormat } from "../lease/table_format.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import type { Clock } from "../system.ts";

/** How often a worker looks whether others have joined, in ms. Each look is a scan. Ours. */
const LOOK_MS = 60_000;

/** Whether the processors store results and position in one transaction. */
export function storesTransactions(processor: RecordProcessorFactory): boolean {
  return processor.stores === "transaction";
}

/** @throws {TypeError} when options let records of a shard overtake one another. */
export function refuseOvertaking({ failures }: Pick<WorkerSettings, "failures">): void {
  const { perShard = 1, order = "shard" } = failures?.concurrency ?? {};
  if (perShard === 1 && order === "shard") return;
  throw new TypeError(
    "Cannot start worker: expected no concurrency beside a processor that stores its position with its results: " +
      `got perShard ${perShard}, order ${JSON.stringify(order)}: remove the option concurrency, and park()`,
  );
}

/** @param found The names of the workers. */
export function foreignError(action: string, found: string): LeaseTableError {
  return new LeaseTableError(
    `${action}: expected kclite alone, since the processor stores its position with its results: got ${found}, ` +
      "of KCL for Java or an older kclite, which would process shards past them: stop those workers, and start " +
      "this one a minute later",
  );
}

/** What looking takes. */
export interface ForeignWatchOptions {
  readonly leaseStore: Pick<LeaseStore, "list">;
  readonly coordinatorStore: Pick<CoordinatorStore, "listLegacyWorkerMetrics">;
  readonly format: Pick<TableFormat, "mayLead">;
  readonly tableName: string;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
}

/** See the module. */
export class ForeignWatch {
  readonly #options: ForeignWatchOptions;
  #sightings: ReadonlyMap<string, ReportSighting> = new Map();
  #counters: ReadonlyMap<string, number> = new Map();

  constructor(options: ForeignWatchOptions) {
    this.#options = options;
  }

  /** @throws {LeaseTableError} when a foreign worker lives in the fleet, and what the table throws. */
  async look(signal: AbortSignal): Promise<void> {
    const { leaseStore, coordinatorStore, format, tableName, clock } = this.#options;
    const { leases, workers } = await leaseStore.list(signal);
    const legacy = format.mayLead ? [] : await coordinatorStore.listLegacyWorkerMetrics(signal);
    const reports = [...workers, ...legacy];
    this.#sightings = observeReports(this.#sightings, reports, clock.monotonicMs());
    const ageOf = reportAge(this.#sightings, { epochS: clock.epochMs() / 1000, ms: clock.monotonicMs() });
    const found = foreignWorkers({ leases, reports, ageOf, countersBefore: this.#counters });
    this.#counters = new Map(leases.map(({ leaseKey, leaseCounter }) => [leaseKey, leaseCounter]));
    if (found.length === 0) return;
    throw foreignError(`Cannot work on lease table "${tableName}"`, found.join(", "));
  }

  /** Looks every minute. Resolves when the signal aborts. @throws {LeaseTableError} as {@linkcode look}. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, emit } = this.#options;
    let hasFailed = false;
    while (await pause(clock, LOOK_MS, signal)) {
      try {
        await this.look(signal);
        if (hasFailed) emit({ type: "passRecovered", pass: "tableFormat" });
        hasFailed = false;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof LeaseTableError) throw error;
        emit({ type: "passFailed", pass: "tableFormat", error });
        hasFailed = true;
      }
    }
  }
}
