// Pure.
/**
 * Data of CloudWatch as PutMetricData takes them: statistics of many values at once, and the limits of one
 * request.
 *
 * No time is written: CloudWatch takes the time of arrival, as it does for KCL.
 *
 * Source: CloudWatch API reference, PutMetricData, MetricDatum, StatisticSet.
 *
 * @module
 */

/** Statistics of some values of one metric. */
export interface StatisticDatum {
  readonly name: string;
  readonly unit: string;
  /** Names and values. */
  readonly dimensions: readonly (readonly [name: string, value: string])[];
  readonly sampleCount: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** The most data of one request. */
export const MAX_DATA = 1000;

/** The most bytes of data in one request, before they are packed: of 1 MB, with something to spare. */
export const MAX_DATA_BYTES = 900_000;

/** No number may be greater, of either sign. */
export const GREATEST_NUMBER: number = 2 ** 360;

/** A datum as its API has it. */
export function datumInput(datum: StatisticDatum): Readonly<Record<string, unknown>> {
  return {
    MetricName: datum.name,
    Dimensions: datum.dimensions.map(([Name, Value]) => ({ Name, Value })),
    Unit: datum.unit,
    StatisticValues: {
      SampleCount: datum.sampleCount,
      Sum: datum.sum,
      Minimum: datum.minimum,
      Maximum: datum.maximum,
    },
  };
}

/** How many bytes a datum takes in a request. Its texts are ASCII. */
export function datumBytes(datum: StatisticDatum): number {
  return JSON.stringify(datumInput(datum)).length + 1;
}
