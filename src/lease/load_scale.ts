// Pure.
/**
 * Weighs leases and workers for the load-based strategy.
 *
 * A lease whose throughput is not known counts as an average one. While none is known at all, every lease
 * counts as one, so a fresh fleet is spread by lease count. KCL divides zero by zero there and serves two
 * workers only.
 *
 * Workers that measure nothing are weighed by the virtual metric `T`: the percentage of a fair share of the
 * fleet's throughput. The fleet's throughput is that of the leases of reporting workers and of free leases.
 * KCL differs in two more points. It compares such a worker with the mean of its kind, and any `T` above 100
 * counts as overloaded whatever the threshold. And it ranks a worker that reads 0 % below one at 10 %.
 *
 * Source: KCL 3.5.1, `LeaseAssignmentManager`, `VarianceBasedLeaseAssignmentDecider`.
 *
 * @module
 */

import {
  drainingOf,
  type Fleet,
  give,
  groupBy,
  loadsOf,
  strangersOf,
  takeFrom,
  type WorkerLoad,
} from "./fleet.ts";
import type { Lease } from "./lease.ts";
import { isShardEnd } from "../stream/sequence_number.ts";

/**
 * The virtual metric of workers that measure nothing: 100 is a fair share of the fleet's throughput. KCL:
 * `WorkerMetricType.THROUGHPUT`.
 */
export const THROUGHPUT = "T";

/** A worker on the scale. */
export interface WeighedWorker extends WorkerLoad {
  /** Sum of the weights of its leases. */
  weight: number;
  /** Sum of their throughput; the same as the weight unless no throughput is known at all. */
  throughputKBps: number;
  /** Percent by metric name, as measured and as predicted from what the pass changes. */
  readonly values: Map<string, number>;
  /** The most that the worker wants, by metric name. */
  readonly limits: ReadonlyMap<string, number>;
  /** How far it is below the average of its scarcest metric, relative to its own value there. */
  slack: number;
}

/** The weights of leases, and the state of the workers during a pass. */
export class LoadScale {
  readonly workers: readonly WeighedWorker[];
  /** Owners that report nothing: they have leases, and no values. */
  readonly strangers: readonly WeighedWorker[];
  /** Workers that are drained: likewise. */
  readonly draining: readonly WeighedWorker[];
  readonly #averageKBps: number;
  /** The weight of each worker if all had the same. */
  readonly #fairWeight: number;
  /** Percent by metric name, over the workers that have it, as measured. */
  readonly #averages = new Map<string, number>();
  /** Percent of a metric that a lease of weight 1 costs. */
  readonly #risePerWeight = new Map<string, number>();

  constructor(fleet: Fleet) {
    const leases = [...fleet.available, ...fleet.settled];
    const known = leases.filter((lease) => !isShardEnd(lease.checkpoint))
      .map((lease) => lease.throughputKBps).filter((kBps) => kBps !== undefined);
    this.#averageKBps = mean(known);
    const strangers = new Set<string | undefined>(fleet.strangers);
    const shared = leases.filter((lease) => !strangers.has(lease.leaseOwner));
    this.#fairWeight = sum(shared.map((lease) => this.weightOf(lease))) /
      Math.max(1, fleet.candidates.length);
    const owned = groupBy(fleet.settled, (lease) => lease.leaseOwner);
    const utilizations = new Map(fleet.candidates.map((worker) => [worker.workerId, worker.utilization]));
    const weighed = (load: WorkerLoad) => {
      const own = owned.get(load.workerId) ?? [];
      return {
        ...load,
        weight: sum(own.map((lease) => this.weightOf(lease))),
        throughputKBps: sum(own.map((lease) => this.#throughputOf(lease))),
        slack: 0,
      };
    };
    this.workers = loadsOf(fleet).map(weighed).map((worker) => {
      const measured = [...utilizations.get(worker.workerId) ?? []];
      return {
        ...worker,
        values: measured.length === 0
          ? new Map([[THROUGHPUT, this.#shareOf(worker.weight)]])
          : new Map(measured.map(([name, { value }]) => [name, value])),
        limits: new Map(measured.map(([name, { limit }]) => [name, limit])),
      };
    });
    const unmeasured = (load: WorkerLoad) => ({ ...weighed(load), values: new Map(), limits: new Map() });
    this.strangers = strangersOf(fleet).map(unmeasured);
    this.draining = drainingOf(fleet).map(unmeasured);
    for (const metric of this.metrics) {
      const measuring = this.workers.filter((worker) => worker.values.has(metric));
      const average = metric === THROUGHPUT
        ? FAIR_SHARE
        : mean(measuring.map((worker) => worker.values.get(metric) ?? 0));
      const weight = metric === THROUGHPUT ? 0 : mean(measuring.map((worker) => worker.weight));
      this.#averages.set(metric, average);
      this.#risePerWeight.set(metric, average / (weight || this.#fairWeight || Infinity));
    }
    for (const worker of this.workers) worker.slack = this.#slackOf(worker);
  }

  /** The names of the metrics that at least one worker has. */
  get metrics(): readonly string[] {
    return [...new Set(this.workers.flatMap((worker) => [...worker.values.keys()]))].toSorted();
  }

  averageOf(metric: string): number {
    return this.#averages.get(metric) ?? 0;
  }

  /**
   * A worker's percent of a metric; 0 if the worker does not measure it. Every worker has a share of the
   * throughput.
   */
  valueOf(worker: WeighedWorker, metric: string): number {
    return metric === THROUGHPUT ? this.#shareOf(worker.weight) : worker.values.get(metric) ?? 0;
  }

  weightOf(lease: Lease): number {
    if (isShardEnd(lease.checkpoint)) return 0;
    return this.#averageKBps === 0 ? 1 : this.#throughputOf(lease);
  }

  /** Whether the worker would stay within the averages and its own limits with one more lease. */
  fits(worker: WeighedWorker, lease: Lease): boolean {
    return [...worker.values].every(([metric, value]) =>
      value + this.#riseBy(metric, lease) <=
        Math.min(this.averageOf(metric), worker.limits.get(metric) ?? Infinity) * ROUNDING
    );
  }

  give(worker: WeighedWorker, lease: Lease): void {
    give(worker, lease);
    this.#weigh(worker, lease, 1);
  }

  takeFrom(worker: WeighedWorker, lease: Lease): void {
    takeFrom(worker, lease);
    this.#weigh(worker, lease, -1);
  }

  #weigh(worker: WeighedWorker, lease: Lease, sign: 1 | -1): void {
    worker.weight += sign * this.weightOf(lease);
    worker.throughputKBps += sign * this.#throughputOf(lease);
    for (const [metric, value] of worker.values) {
      worker.values.set(metric, value + sign * this.#riseBy(metric, lease));
    }
    worker.slack = this.#slackOf(worker);
  }

  /**
   * By how much a lease raises a metric: in proportion to its weight, as the leases of the workers that
   * measure the metric do.
   */
  #riseBy(metric: string, lease: Lease): number {
    return this.weightOf(lease) * (this.#risePerWeight.get(metric) ?? 0);
  }

  #shareOf(weight: number): number {
    return this.#fairWeight === 0 ? 0 : FAIR_SHARE * weight / this.#fairWeight;
  }

  #throughputOf(lease: Lease): number {
    return isShardEnd(lease.checkpoint) ? 0 : lease.throughputKBps ?? this.#averageKBps;
  }

  #slackOf(worker: WeighedWorker): number {
    return Math.min(...[...worker.values].map(([metric, value]) => {
      const average = this.averageOf(metric);
      return value > 0 ? (average - value) / value : average > 0 ? Infinity : 0;
    }));
  }
}

/** Orders workers by their slack, most first, then by what they have, least first. */
export function byNeed(a: WeighedWorker, b: WeighedWorker): number {
  if (a.slack !== b.slack) return a.slack > b.slack ? -1 : 1;
  return a.weight - b.weight || a.unfinished - b.unfinished;
}

/** The sum of some numbers. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

const FAIR_SHARE = 100;
/** Room for rounding where a value is compared with an average that it may just reach. */
const ROUNDING = 1 + 1e-9;

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}
