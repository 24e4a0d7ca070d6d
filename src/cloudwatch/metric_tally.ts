// Pure.
/**
 * Adds up values of metrics until they are sent: one set of statistics for each name with its dimensions, in
 * the order of their first values.
 *
 * The bound is on distinct sets. A value that joins a set is always taken, so a full tally goes on counting
 * what it has. What is dropped is counted, by its reason.
 *
 * Source: KCL 3.5.1, `MetricAccumulatingQueue`, `FilteringMetricsScope`.
 *
 * @module
 */

import {
  datumBytes,
  GREATEST_NUMBER,
  MAX_DATA,
  MAX_DATA_BYTES,
  type StatisticDatum,
} from "../aws/metric_data.ts";
import type { MetricDimension, MetricPoint } from "./metric_point.ts";
import { dimensionValue, metricName } from "./metric_text.ts";

/** Which metrics are sent: none, those that matter most, or all. KCL: `metricsLevel`. */
export type MetricsLevel = "NONE" | "SUMMARY" | "DETAILED";

/** A dimension, or all of them. KCL: `metricsEnabledDimensions`. */
export type EnabledDimension = MetricDimension | "ALL";

/** What a tally takes. */
export interface TallyRules {
  readonly level: MetricsLevel;
  /** Others are left out, and what differs by them alone becomes one metric. */
  readonly dimensions: readonly EnabledDimension[];
  /** The most sets. */
  readonly maxQueueSize: number;
}

/** Why values were dropped. */
export type DropReason =
  /** The tally was full. */
  | "full"
  /** No number that CloudWatch takes. */
  | "noNumber"
  /** The same metric has another unit already. */
  | "otherUnit"
  /** CloudWatch refused them. */
  | "refused"
  /** They could not be sent, twice. */
  | "unsent"
  /** CloudWatch takes nothing for now, or the worker has stopped. */
  | "closed";

/** Statistics on their way. */
export interface QueuedDatum extends StatisticDatum {
  /** How often they, or a part of them, could not be sent. */
  readonly failures: number;
}

/** In this order, so that a metric has one key. */
const DIMENSIONS: readonly MetricDimension[] = ["Operation", "ShardId", "StreamId", "WorkerIdentifier"];

/** See the module. */
export class MetricTally {
  readonly #rules: TallyRules;
  readonly #dimensions: readonly MetricDimension[];
  #sets = new Map<string, QueuedDatum>();
  readonly #dropped = new Map<DropReason, number>();

  constructor(rules: TallyRules) {
    const { dimensions } = rules;
    this.#rules = rules;
    this.#dimensions = DIMENSIONS.filter((name) => dimensions.includes("ALL") || dimensions.includes(name));
  }

  /** How many sets wait. */
  get size(): number {
    return this.#sets.size;
  }

  /** How many values were dropped, by reason; reasons without any are left out. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  /** Adds a value, unless its level says otherwise. */
  add({ name, unit, importance, dimensions, value }: MetricPoint): void {
    const { level } = this.#rules;
    if (level === "NONE" || (level === "SUMMARY" && importance === "DETAILED")) return;
    if (!isNumber(value)) return this.drop("noNumber", 1);
    this.#merge({
      name: metricName(name),
      unit,
      dimensions: this.#dimensions.flatMap((dimension) => {
        const given = dimensions[dimension];
        return given === undefined ? [] : [[dimension, dimensionValue(given)] as const];
      }),
      sampleCount: 1,
      sum: value,
      minimum: value,
      maximum: value,
      failures: 0,
    });
  }

  /** Takes out as many sets as one request may have, the oldest first. */
  drain(): readonly QueuedDatum[] {
    const taken: QueuedDatum[] = [];
    let bytes = 0;
    for (const [key, datum] of this.#sets) {
      bytes += datumBytes(datum);
      if (taken.length === MAX_DATA || (bytes > MAX_DATA_BYTES && taken.length > 0)) break;
      taken.push(datum);
      this.#sets.delete(key);
    }
    return taken;
  }

  /** Puts back what could not be sent, before all others. What came meanwhile joins it. */
  putBack(data: readonly QueuedDatum[]): void {
    const later = this.#sets;
    this.#sets = new Map();
    // Those that came meanwhile have their place already.
    const room = this.#rules.maxQueueSize - later.size;
    let added = 0;
    for (const datum of data) {
      const isKnown = later.has(keyOf(datum));
      if (!isKnown && added >= room) this.drop("full", datum.sampleCount);
      else {
        if (!isKnown) added++;
        this.#sets.set(keyOf(datum), datum);
      }
    }
    for (const datum of later.values()) this.#merge(datum);
  }

  /** Drops all sets. */
  clear(reason: DropReason): void {
    for (const { sampleCount } of this.#sets.values()) this.drop(reason, sampleCount);
    this.#sets.clear();
  }

  /** Counts what somebody else has dropped. */
  drop(reason: DropReason, values: number): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + values);
  }

  #merge(datum: QueuedDatum): void {
    const key = keyOf(datum);
    const before = this.#sets.get(key);
    if (before === undefined) {
      if (this.#sets.size >= this.#rules.maxQueueSize) return this.drop("full", datum.sampleCount);
      this.#sets.set(key, datum);
      return;
    }
    if (before.unit !== datum.unit) return this.drop("otherUnit", datum.sampleCount);
    const sum = before.sum + datum.sum;
    if (!isNumber(sum)) return this.drop("noNumber", datum.sampleCount);
    this.#sets.set(key, {
      ...before,
      sampleCount: before.sampleCount + datum.sampleCount,
      sum,
      minimum: Math.min(before.minimum, datum.minimum),
      maximum: Math.max(before.maximum, datum.maximum),
      failures: Math.max(before.failures, datum.failures),
    });
  }
}

function isNumber(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= GREATEST_NUMBER;
}

/** Texts have no line breaks. */
function keyOf({ name, dimensions }: StatisticDatum): string {
  return [name, ...dimensions.flat()].join("\n");
}
