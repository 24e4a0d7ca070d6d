// Pure.
/**
 * One value of a metric, as a part of the worker reports it, before values are added up.
 *
 * Source: KCL 3.5.1, `MetricsUtil`, `MetricsLevel`.
 *
 * @module
 */

/** A unit of CloudWatch. */
export type MetricUnit = "Count" | "Milliseconds" | "Bytes" | "None";

/** How much a metric matters: `SUMMARY` is sent at both levels, `DETAILED` only at that level. */
export type MetricImportance = "SUMMARY" | "DETAILED";

/** A dimension by KCL's name. */
export type MetricDimension = "Operation" | "ShardId" | "StreamId" | "WorkerIdentifier";

/** One value. */
export interface MetricPoint {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly importance: MetricImportance;
  /** `Operation` is always there. */
  readonly dimensions: Readonly<Partial<Record<MetricDimension, string>>>;
  readonly value: number;
}

/** Takes values. It must not throw, and returns at once. */
export type MetricSink = (point: MetricPoint) => void;
