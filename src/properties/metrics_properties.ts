// Pure.
/**
 * The part of the table of properties that is about metrics in CloudWatch.
 *
 * Source: KCL 3.5.1, `MultiLangDaemonConfiguration`, `MetricsConfig`.
 *
 * @module
 */

import { type Property, setting } from "./property.ts";
import { count, INT_MAX, listOf, milliseconds, oneOf, providers, text, url } from "./property_value.ts";

/** Rows of the table. */
export const METRICS_PROPERTIES: readonly Property[] = [
  setting({
    name: "metricsLevel",
    type: oneOf(["NONE", "SUMMARY", "DETAILED"]),
    setting: "metricsLevel",
    kcl: "DETAILED",
    note:
      "Which metrics are sent to CloudWatch, which charges for each of them: docs/cloudwatch.md. Where it is not set, nothing is " +
      "sent if Kinesis has an endpoint of its own and CloudWatch has none, as with emulators",
  }),
  setting({
    name: "metricsEnabledDimensions",
    type: listOf(["Operation", "ShardId", "StreamId", "WorkerIdentifier", "ALL"]),
    setting: "metricsEnabledDimensions",
    kcl: "ALL",
    note:
      "The dimensions that metrics have. Metrics that differ by others alone become one, which costs less",
  }),
  setting({
    name: "metricsBufferTimeMillis",
    type: milliseconds,
    setting: "metricsBufferTimeMillis",
    kcl: "10000",
    note:
      "How long values are added up before they are sent. Danger: over a minute, and CloudWatch shows gaps",
  }),
  setting({
    name: "metricsMaxQueueSize",
    type: count({ max: INT_MAX }),
    setting: "metricsMaxQueueSize",
    kcl: "10000",
    note: "The most metrics that wait to be sent. Further ones are dropped, with a warning",
  }),
  setting({
    name: "AwsCredentialsProviderCloudWatch",
    type: providers,
    setting: "cloudWatchCredentials",
    kcl: "`AwsCredentialsProvider`",
    note: "Other credentials for CloudWatch",
  }),
  setting({
    name: "cloudWatchClient.region",
    type: text,
    setting: "cloudWatchRegion",
    kcl: "`regionName`",
    note: "The region whose CloudWatch gets the metrics",
  }),
  setting({
    name: "cloudWatchClient.endpointOverride",
    type: url,
    setting: "cloudWatchEndpoint",
    kcl: "the region's",
    note: "For emulators and private endpoints. `AWS_ENDPOINT_URL_CLOUDWATCH` sets it too",
  }),
];
