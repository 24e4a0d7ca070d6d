/**
 * PutMetricData of CloudWatch, as signed JSON calls. Large bodies are packed with gzip, and the packed bytes
 * are signed.
 *
 * A call is tried once: who sends has a pace of its own.
 *
 * Source: the service model of CloudWatch (`monitoring-2010-08-01`): JSON 1.0, request compression.
 *
 * @module
 */

import { exchange } from "./http_exchange.ts";
import { jsonCaller, type JsonService, type ServiceOptions } from "./json_call.ts";
import { datumInput, type StatisticDatum } from "./metric_data.ts";
import { DEFAULT_RETRY_POLICY } from "./retry.ts";

/** Takes metrics. */
export interface CloudWatch {
  /**
   * Puts at most 1000 data into a namespace.
   *
   * Throws `AwsServiceError`, `CredentialsError`, or the signal's reason.
   */
  putMetricData(namespace: string, data: readonly StatisticDatum[], signal?: AbortSignal): Promise<void>;
}

const SERVICE: JsonService = {
  service: "monitoring",
  targetPrefix: "GraniteServiceVersion20100801",
  contentType: "application/x-amz-json-1.0",
  // KCL's own limit of one request. Source: KCL 3.5.1, `CloudWatchMetricsPublisher`.
  attemptTimeoutMs: 5000,
};

/** Smaller bodies are not packed. Source: the AWS SDKs, `request_min_compression_size_bytes`. */
const PACKED_FROM_BYTES = 10_240;

/**
 * CloudWatch over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedCloudWatch(options: ServiceOptions): CloudWatch {
  const call = jsonCaller(SERVICE, options);
  return {
    async putMetricData(Namespace, data, signal) {
      const input = { Namespace, MetricData: data.map(datumInput) };
      const plain = new TextEncoder().encode(JSON.stringify(input));
      const isPacked = plain.length >= PACKED_FROM_BYTES && typeof CompressionStream !== "undefined";
      await call({
        operation: "PutMetricData",
        input,
        decode: () => {},
        retry: { ...DEFAULT_RETRY_POLICY, attempts: 1, throttledAttempts: 1 },
        transport: {
          message: isPacked
            ? { contentType: SERVICE.contentType, contentEncoding: "gzip", body: await packed(plain) }
            : { contentType: SERVICE.contentType, body: plain },
          send: exchange,
        },
        signal,
      });
    },
  };
}

async function packed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
