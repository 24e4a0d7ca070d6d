/**
 * PutMetricData of CloudWatch: what is put is kept, so that a test can read it. Nothing is aggregated, and
 * nothing else of CloudWatch is answered.
 *
 * Source: CloudWatch API reference, PutMetricData and MetricDatum.
 *
 * @module
 */

import { ApiError } from "../api_error.ts";
import type { Input } from "../input.ts";
import type { Operations, Timeline } from "../operation.ts";

/** One datum, whatever it came as: a value, values with their counts, or statistics. */
export interface MetricDatum {
  /** The CloudWatch namespace. */
  readonly namespace: string;
  /** The metric's name. */
  readonly metricName: string;
  /** By name. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** Ms since 1970; the time of the call, if none was given. */
  readonly timestampMs: number;
  /** Such as `Count`; `None`, if none was given. */
  readonly unit: string;
  /** How many samples there are. */
  readonly sampleCount: number;
  /** The sum of the samples. */
  readonly sum: number;
  /** The smallest sample. */
  readonly minimum: number;
  /** The largest sample. */
  readonly maximum: number;
}

/** Source: PutMetricData. */
const MAX_DATA = 1000, MAX_VALUES = 150, MAX_DIMENSIONS = 30;
/** Source: PutMetricData: two weeks back, two hours ahead, in ms. */
const MAX_AGE_MS = 14 * 86_400_000, MAX_AHEAD_MS = 2 * 3_600_000;
/** No more data is kept than that: then the oldest goes. */
const MAX_KEPT = 100_000;

/** What was put. */
export class EmulatedMetrics {
  readonly #timeline: Timeline;
  #data: MetricDatum[] = [];

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** In the order in which it came. @param namespace Of one alone. @default all */
  data(namespace?: string): readonly MetricDatum[] {
    return this.#data.filter((datum) => namespace === undefined || datum.namespace === namespace);
  }

  /** The operations. */
  operations(): Operations {
    return {
      PutMetricData: ({ input }) => {
        const namespace = input.text("Namespace") ?? "";
        if (namespace === "") throw missing("Namespace");
        if (!/^[^:][\x20-\x7e]{0,254}$/.test(namespace) || namespace.startsWith("AWS/")) {
          throw wrong(`The value ${namespace} for parameter Namespace is invalid.`);
        }
        const given = input.maps("MetricData");
        if (given.length === 0 && !input.has("EntityMetricData")) throw missing("MetricData");
        const all = [
          ...given,
          ...input.maps("EntityMetricData").flatMap((entity) => entity.maps("MetricData")),
        ];
        if (all.length > MAX_DATA) {
          throw wrong(`The collection MetricData must not have a size greater than ${MAX_DATA}.`);
        }
        const { epochMs } = this.#timeline;
        const data = all.map((datum, i) =>
          readDatum(datum, namespace, epochMs, `MetricData.member.${i + 1}`)
        );
        this.#data.push(...data);
        if (this.#data.length > MAX_KEPT) this.#data = this.#data.slice(-MAX_KEPT);
      },
    };
  }
}

/** @param at Where the datum is, as CloudWatch says it. */
function readDatum(input: Input, namespace: string, nowMs: number, at: string): MetricDatum {
  const metricName = input.text("MetricName") ?? "";
  if (metricName === "") throw missing(`${at}.MetricName`);
  const dimensions = input.maps("Dimensions");
  if (dimensions.length > MAX_DIMENSIONS) {
    throw wrong(`The collection ${at}.Dimensions must not have a size greater than ${MAX_DIMENSIONS}.`);
  }
  const timestampMs = input.timeMs("Timestamp") ?? nowMs;
  if (timestampMs < nowMs - MAX_AGE_MS || timestampMs > nowMs + MAX_AHEAD_MS) {
    throw wrong(
      `The parameter ${at}.Timestamp must specify a time within two weeks back and two hours ahead.`,
    );
  }
  return {
    namespace,
    metricName,
    dimensions: Object.fromEntries(dimensions.map((dimension, i) => {
      const part = (name: string) => {
        const text = dimension.text(name) ?? "";
        if (text === "") throw missing(`${at}.Dimensions.member.${i + 1}.${name}`);
        return text;
      };
      return [part("Name"), part("Value")];
    })),
    timestampMs,
    unit: input.text("Unit") ?? "None",
    ...statisticsOf(input, at),
  };
}

type Statistics = Pick<MetricDatum, "sampleCount" | "sum" | "minimum" | "maximum">;

function statisticsOf(input: Input, at: string): Statistics {
  const value = input.number("Value"), set = input.map("StatisticValues"), values = input.numbers("Values");
  const forms = [value !== undefined, set !== undefined, values.length > 0].filter(Boolean).length;
  if (forms === 0) throw missing(`${at}.Value`);
  if (forms > 1) {
    throw new ApiError(
      "InvalidParameterCombinationException",
      `The parameters ${at}.Value, ${at}.Values and ${at}.StatisticValues are mutually exclusive and you have specified more than one.`,
    );
  }
  if (set !== undefined) {
    const part = (name: string) => checked(set.number(name), `${at}.StatisticValues.${name}`);
    return {
      sampleCount: part("SampleCount"),
      sum: part("Sum"),
      minimum: part("Minimum"),
      maximum: part("Maximum"),
    };
  }
  const all = value === undefined ? values : [value];
  const counts = input.numbers("Counts");
  if (all.length > MAX_VALUES) {
    throw wrong(`The collection ${at}.Values must not have a size greater than ${MAX_VALUES}.`);
  }
  if (counts.length > 0 && counts.length !== all.length) {
    throw wrong(`The parameters ${at}.Values and ${at}.Counts must be of the same size.`);
  }
  all.forEach((one) => checked(one, `${at}.Value`));
  const sampleCount = all.reduce((sum, _, i) => sum + (counts[i] ?? 1), 0);
  return {
    sampleCount,
    sum: all.reduce((sum, one, i) => sum + one * (counts[i] ?? 1), 0),
    minimum: Math.min(...all),
    maximum: Math.max(...all),
  };
}

/** CloudWatch takes no number that is not finite, and none beyond 2^360. */
function checked(value: number | undefined, member: string): number {
  if (value === undefined) throw missing(member);
  if (Number.isFinite(value) && Math.abs(value) <= 2 ** 360) return value;
  throw wrong(`The value ${value} for parameter ${member} is invalid.`);
}

function missing(member: string): ApiError {
  return new ApiError("MissingRequiredParameterException", `The parameter ${member} is required.`);
}

function wrong(message: string): ApiError {
  return new ApiError("InvalidParameterValueException", message);
}
