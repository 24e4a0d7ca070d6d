/**
 * Metrics in CloudWatch as a properties file sets them.
 *
 * The default is KCL's: everything is sent. Nothing is sent by default where Kinesis has an endpoint of its
 * own and CloudWatch has none: an emulator's keys would go to AWS.
 *
 * @module
 */

import { type ConfiguredEndpoint, configuredEndpoint } from "../aws/configured_endpoint.ts";
import type { CredentialsProvider } from "../aws/credentials.ts";
import type { EnabledDimension, MetricsLevel } from "../cloudwatch/metric_tally.ts";
import type { WorkerEventListener } from "../events.ts";
import type { LogLine } from "../observe/log_lines.ts";
import type { ProgramConfiguration } from "./configuration.ts";
import type { ProgramContext } from "./program_context.ts";

/** What the metrics of a run need besides its configuration. */
export interface CloudWatchSetup {
  /** Those of the worker, or of CloudWatch alone where the properties say so. */
  readonly credentials: CredentialsProvider;
  /** Receives what is to be said about sending. */
  readonly onEvent: WorkerEventListener;
}

/** The metrics of a run. */
export interface RunMetrics {
  /** None: nothing is sent. */
  readonly listeners: readonly WorkerEventListener[];
  /** Says what is sent and what it costs; none where nothing is to be said. */
  readonly lines: readonly LogLine[];
  /** Sends what there is, within two seconds. */
  close(): Promise<void>;
}

function noMetrics(...lines: readonly LogLine[]): RunMetrics {
  return { listeners: [], lines, close: () => Promise.resolve() };
}

/** Whether metrics are sent, and where to. */
export type MetricsTarget =
  /** The reason, where a person did not decide it. */
  | { readonly type: "none"; readonly reason: string | undefined }
  | {
    readonly type: "sent";
    readonly level: MetricsLevel;
    readonly dimensions: readonly EnabledDimension[];
    readonly bufferTimeMs: number;
    readonly region: string;
    readonly endpoint: string | undefined;
    /** Where AWS's own settings name the endpoint. */
    readonly configured: ConfiguredEndpoint | undefined;
  };

/**
 * Decides it.
 *
 * @param isKinesisGiven Whether Kinesis itself is handed in, by a test.
 * @throws {TypeError} when a setting of the endpoint cannot be read.
 */
export function metricsTarget(
  { settings, options, endpointSettings }: ProgramConfiguration,
  isKinesisGiven: boolean,
): MetricsTarget {
  const { metricsLevel: level = "DETAILED", metricsEnabledDimensions: dimensions = ["ALL"] } = settings;
  if (level === "NONE") return { type: "none", reason: undefined };
  const { region: kinesisRegion = "us-east-1" } = options;
  const region = settings.cloudWatchRegion ?? kinesisRegion;
  const configured = settings.cloudWatchEndpoint === undefined
    ? configuredEndpoint("cloudwatch", region, endpointSettings)
    : undefined;
  const endpoint = settings.cloudWatchEndpoint ?? configured?.url;
  const isElsewhere = options.kinesisEndpoint !== undefined || isKinesisGiven;
  if (settings.metricsLevel === undefined && isElsewhere && endpoint === undefined) {
    return { type: "none", reason: ELSEWHERE };
  }
  const { metricsBufferTimeMillis: bufferTimeMs = 10_000 } = settings;
  return { type: "sent", level, dimensions, bufferTimeMs, region, endpoint, configured };
}

/** Makes them. Without a way to send them the worker runs all the same. */
export async function cloudWatchOf(
  configuration: ProgramConfiguration,
  context: ProgramContext,
  setup: CloudWatchSetup,
): Promise<RunMetrics> {
  try {
    return await metricsOf(configuration, context, setup);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const text = `${error.message}: the worker runs without metrics in CloudWatch`;
    return noMetrics({ level: "warning", text });
  }
}

async function metricsOf(
  configuration: ProgramConfiguration,
  { host, system }: ProgramContext,
  { credentials, onEvent }: CloudWatchSetup,
): Promise<RunMetrics> {
  const target = metricsTarget(configuration, host.options?.kinesis !== undefined);
  if (target.type === "none") {
    return target.reason === undefined
      ? noMetrics()
      : noMetrics({ level: "info", text: `No metrics are sent to CloudWatch: ${target.reason}` });
  }
  const { settings, options } = configuration;
  const { level: metricsLevel, dimensions: metricsEnabledDimensions, region, endpoint, configured } = target;
  const { bufferTimeMs: metricsBufferTimeMs } = target;
  const { applicationName = "" } = options;
  const { cloudWatchMetrics } = await import("../cloudwatch/mod.ts");
  const { metricCostText } = await import("../cloudwatch/metric_cost.ts");
  const { metricsMaxQueueSize } = settings;
  const metrics = cloudWatchMetrics({
    applicationName,
    region,
    endpoint,
    credentials,
    metricsLevel,
    metricsEnabledDimensions,
    metricsBufferTimeMs,
    metricsMaxQueueSize,
    workerIdentifier: options.workerIdentifier,
    system,
    onEvent,
  });
  const cost = metricCostText({
    level: metricsLevel,
    dimensions: metricsEnabledDimensions,
    bufferTimeMs: metricsBufferTimeMs,
  });
  const where = configured === undefined ? "" : `, at ${configured.url}, set by ${configured.setting}`;
  const fewer = metricsLevel === "DETAILED"
    ? "metricsLevel=SUMMARY sends about half of them, NONE"
    : "metricsLevel=NONE";
  const text =
    `Metrics go to CloudWatch at level ${metricsLevel}, into namespace ${applicationName}${where}: ` +
    `${cost}; ${fewer} turns them off`;
  return { listeners: [metrics.listener], lines: [{ level: "info", text }], close: () => metrics.close() };
}

const ELSEWHERE = "Kinesis has an endpoint of its own, and CloudWatch has none: set metricsLevel, " +
  "cloudWatchClient.endpointOverride or AWS_ENDPOINT_URL_CLOUDWATCH to send them";
