// Pure.
/**
 * Hands values to a sink, each with the name, unit, level and dimensions of its metric.
 *
 * @module
 */

import { type MetricId, metricSpecs } from "./metric_names.ts";
import type { MetricDimension, MetricSink } from "./metric_point.ts";

/** Dimensions and their values. */
export type Dimensions = Readonly<Partial<Record<MetricDimension, string>>>;

const SPECS = new Map(metricSpecs().map((spec) => [spec.id, spec]));

/** See the module. */
export class MetricWriter {
  readonly #sink: MetricSink;
  /** By operation. */
  readonly #application: ReadonlyMap<string, Dimensions>;
  readonly #worker: ReadonlyMap<string, Dimensions>;

  /** @param workerIdentifier The dimension of what is counted for a worker. */
  constructor(sink: MetricSink, workerIdentifier: string) {
    this.#sink = sink;
    const operations = new Set([...SPECS.values()].map(({ operation }) => operation));
    const each = (more: Dimensions) =>
      new Map([...operations].map((operation) => [operation, { Operation: operation, ...more }]));
    this.#application = each({});
    this.#worker = each({ WorkerIdentifier: workerIdentifier });
  }

  /** A value of the application or of the worker, whichever the metric is counted for. */
  add(id: MetricId, value: number): void {
    const spec = SPECS.get(id);
    if (spec === undefined) return;
    const known = spec.subject === "worker" ? this.#worker : this.#application;
    this.addWith(id, known.get(spec.operation) ?? {}, value);
  }

  /** A value that is sent only where it is not 0. */
  addIfAny(id: MetricId, value: number): void {
    if (value !== 0) this.add(id, value);
  }

  /** A value with dimensions of its own. */
  addWith(id: MetricId, dimensions: Dimensions, value: number): void {
    const spec = SPECS.get(id);
    if (spec === undefined) return;
    const { name, unit, importance } = spec;
    this.#sink({ name, unit, importance, dimensions, value });
  }
}
