/**
 * Puts the metrics of a worker of kclite into CloudWatch when the worker has ended: each metric once, added up.
 *
 * @module
 */

import { jsonCaller } from "../../../src/aws/json_call.ts";
import type { MetricPoint } from "../../../src/cloudwatch/metric_point.ts";
import { realSystem } from "../../../src/system.ts";
import { testCredentials } from "../../support/test_stream.ts";

/** The values of one worker. */
export class MetricsSender {
  readonly #values = new Map<string, { readonly point: MetricPoint; readonly values: number[] }>();

  readonly sink = (point: MetricPoint): void => {
    const key = JSON.stringify([point.name, point.dimensions, point.unit]);
    const known = this.#values.get(key);
    if (known === undefined) this.#values.set(key, { point, values: [point.value] });
    else known.values.push(point.value);
  };

  /** @param endpoint Of an emulator. */
  async send(endpoint: string, namespace: string): Promise<void> {
    const call = jsonCaller({
      service: "monitoring",
      targetPrefix: "GraniteServiceVersion20100801",
      contentType: "application/x-amz-json-1.0",
      attemptTimeoutMs: 5000,
    }, { region: "us-east-1", endpoint, credentials: testCredentials, system: realSystem });
    const data = [...this.#values.values()].map(({ point: { name, unit, dimensions }, values }) => ({
      MetricName: name,
      Unit: unit,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StatisticValues: {
        SampleCount: values.length,
        Sum: values.reduce((sum, value) => sum + value, 0),
        Minimum: Math.min(...values),
        Maximum: Math.max(...values),
      },
    }));
    await call({
      operation: "PutMetricData",
      input: { Namespace: namespace, MetricData: data },
      decode: () => {},
    });
  }
}
