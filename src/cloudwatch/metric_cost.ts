// Pure.
/**
 * Estimates what metrics cost: CloudWatch charges for each distinct metric in each month, and for requests.
 *
 * Metrics differ by their dimensions, so the number of shards decides. Where a dimension is not enabled, the
 * metrics that differ by it alone are one.
 *
 * Source: CloudWatch pricing, us-east-1: custom metrics, and $0.01 for 1000 requests of PutMetricData.
 *
 * @module
 */

import { metricSpecs, type MetricSubject } from "./metric_names.ts";
import type { EnabledDimension, MetricsLevel } from "./metric_tally.ts";

/** How many metrics there are for each shard, for each worker, and for the application. */
export interface MetricCounts {
  readonly perShard: number;
  readonly perWorker: number;
  readonly perApplication: number;
}

/** A fleet whose metrics are sent. */
export interface MeasuredFleet {
  readonly shards: number;
  readonly workers: number;
  readonly level: MetricsLevel;
  readonly dimensions: readonly EnabledDimension[];
  readonly bufferTimeMs: number;
}

/** What it costs. */
export interface MetricCost {
  readonly metrics: number;
  /** Dollars a month, for metrics. */
  readonly metricDollars: number;
  /** Dollars a month, for requests. */
  readonly requestDollars: number;
}

/** How many metrics are sent at a level by a worker that polls. Those of rare events are left out. */
export function metricCounts(level: MetricsLevel): MetricCounts {
  const sent = metricSpecs().filter(({ isSteady, importance }) =>
    isSteady && (level === "DETAILED" || level === importance)
  );
  const count = (...subjects: readonly MetricSubject[]) =>
    sent.filter(({ subject }) => subjects.includes(subject)).length;
  return {
    perShard: count("shard"),
    perWorker: count("worker"),
    perApplication: count("application", "stream"),
  };
}

/** The price of a metric for a month, and for how many of them. The last one holds for all others. */
const PRICES: readonly (readonly [metrics: number, dollars: number])[] = [
  [10_000, 0.3],
  [240_000, 0.1],
  [750_000, 0.05],
  [Infinity, 0.02],
];

const DOLLARS_A_REQUEST = 0.01 / 1000;

const MS_A_MONTH = 365 / 12 * 86_400_000;

/** Estimates a fleet's cost of a month. */
export function metricCost(fleet: MeasuredFleet): MetricCost {
  const { shards, workers, level, dimensions, bufferTimeMs } = fleet;
  const { perShard, perWorker, perApplication } = metricCounts(level);
  const isEnabled = (name: EnabledDimension) => dimensions.includes("ALL") || dimensions.includes(name);
  const metrics = perShard * (isEnabled("ShardId") ? shards : 1) +
    perWorker * (isEnabled("WorkerIdentifier") ? workers : 1) + perApplication;
  const requests = metrics === 0 ? 0 : workers * MS_A_MONTH / bufferTimeMs;
  return { metrics, metricDollars: priceOf(metrics), requestDollars: requests * DOLLARS_A_REQUEST };
}

function priceOf(metrics: number): number {
  let left = metrics, dollars = 0;
  for (const [most, price] of PRICES) {
    const these = Math.min(left, most);
    dollars += these * price;
    left -= these;
  }
  return dollars;
}

/** The cost in one sentence, for an example of a fleet, since no worker knows the fleet when it starts. */
export function metricCostText(rules: Pick<MeasuredFleet, "level" | "dimensions" | "bufferTimeMs">): string {
  const { level, dimensions, bufferTimeMs } = rules;
  const { perShard, perWorker, perApplication } = metricCounts(level);
  const shards = 10, workers = 2;
  const cost = metricCost({ shards, workers, level, dimensions, bufferTimeMs });
  const isByShard = dimensions.includes("ALL") || dimensions.includes("ShardId");
  return `about ${perShard} ${isByShard ? "for each shard" : "for all shards together"}, ${perWorker} ` +
    `for a worker and ${perApplication} for the application; with ${shards} shards and ${workers} workers ` +
    `some $${Math.round(cost.metricDollars + cost.requestDollars)} a month`;
}
