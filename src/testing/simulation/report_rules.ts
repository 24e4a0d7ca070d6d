/**
 * What must hold for the items by which workers report: a leader deletes those of workers that have died, and
 * no others.
 *
 * @module
 */

import type { Item } from "../../aws/dynamodb.ts";
import { METRICS_REPORT_INTERVAL_S } from "../../lease/live_workers.ts";
import { WORKER_METRICS_ENTITY } from "../../store/coordinator_items.ts";
import type { History } from "./history.ts";
import type { TableWrite } from "./shared_table.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the rules look at. */
export interface ReportRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  /** The worker that a process runs. */
  readonly workerOf: (machine: string) => string;
  /** Since when a process runs the worker; undefined: none does. */
  readonly startedMs: (workerId: string) => number | undefined;
}

/** See the module. */
export class ReportRules {
  readonly #options: ReportRulesOptions;
  /** When the report of each worker that has an item last changed. */
  readonly #changedMs = new Map<string, number>();
  /**
   * Workers that have had a lease. A worker that is started again under its name may have let that lease
   * expire.
   */
  readonly #owners = new Set<string>();

  constructor(options: ReportRulesOptions) {
    this.#options = options;
  }

  applied({ by, key, before, after }: TableWrite): void {
    const owner = textIn(after, "leaseOwner");
    if (owner !== undefined) this.#owners.add(owner);
    if (textIn(after ?? before, "entityType") !== WORKER_METRICS_ENTITY) return;
    if (after === undefined) {
      this.#checkDeletion(by, key);
      this.#changedMs.delete(key);
    } else if (numberIn(after, "lut") !== numberIn(before, "lut")) {
      this.#changedMs.set(key, this.#options.time.nowMs);
    }
  }

  /** The workers that have died while their items exist. */
  get leftBehind(): readonly string[] {
    return [...this.#changedMs.keys()].filter((id) => this.#options.startedMs(id) === undefined);
  }

  /** A worker that has had no lease and reports in time waits for its part. It has not died. */
  #checkDeletion(by: string, workerId: string): void {
    const { time, history, workerOf, startedMs } = this.#options;
    const runsSinceMs = startedMs(workerId);
    if (workerOf(by) === workerId || runsSinceMs === undefined || this.#owners.has(workerId)) return;
    const ageMs = time.nowMs - (this.#changedMs.get(workerId) ?? -Infinity);
    if (ageMs > 2 * METRICS_REPORT_INTERVAL_S * 1000) return;
    history.violated(
      "liveReportsStay",
      undefined,
      `${by} deleted the item of ${workerId}, ${ageMs} ms after its report`,
    );
  }
}

function textIn(item: Item | undefined, name: string): string | undefined {
  const value = item?.[name];
  return value !== undefined && "S" in value ? value.S : undefined;
}

function numberIn(item: Item | undefined, name: string): string | undefined {
  const value = item?.[name];
  return value !== undefined && "N" in value ? value.N : undefined;
}
