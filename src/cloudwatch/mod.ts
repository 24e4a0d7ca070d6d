/**
 * A worker's metrics in CloudWatch, under KCL's names, dimensions and units: dashboards and alarms of a Java
 * fleet go on as they are. See docs/cloudwatch.md.
 *
 * ```ts
 * import { KinesisWorker } from "@kclite/kclite";
 * import { cloudWatchMetrics } from "@kclite/kclite/cloudwatch";
 *
 * const credentials = { accessKeyId: "any", secretAccessKey: "any" };
 * await using metrics = cloudWatchMetrics({ applicationName: "orders-app", region: "eu-central-1", credentials });
 * const worker = new KinesisWorker({
 *   applicationName: "orders-app",
 *   streamName: "orders",
 *   region: "eu-central-1",
 *   credentials,
 *   processor: () => ({
 *     processRecords: (_batch, context) => context.checkpoint(),
 *     shardEnded: (context) => context.checkpoint(),
 *   }),
 *   onEvent: metrics.listener,
 * });
 * await worker.run(AbortSignal.timeout(60_000));
 * ```
 *
 * @module
 */

import { signedCloudWatch } from "../aws/cloudwatch.ts";
import { keptCredentials } from "../aws/credential_sources/given.ts";
import type { GivenCredentials } from "../aws/credentials.ts";
import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import { refuseUnknownNames } from "../nearest_name.ts";
import { consoleLog } from "../observe/console_log.ts";
import { inTurn } from "../observe/listeners.ts";
import { realSystem, type System, withFetch } from "../system.ts";
import { MAX_DATA } from "../aws/metric_data.ts";
import { MetricPoints } from "./metric_points.ts";
import { MetricPublisher } from "./metric_publisher.ts";
import { type DropReason, type EnabledDimension, type MetricsLevel, MetricTally } from "./metric_tally.ts";
import { isNamespace } from "./metric_text.ts";

export type { DropReason, EnabledDimension, MetricsLevel } from "./metric_tally.ts";
export type { MetricDimension } from "./metric_point.ts";
export type { Credentials, CredentialsProvider, GivenCredentials } from "../aws/credentials.ts";
export type { Clock, System } from "../system.ts";

/** Options of {@linkcode cloudWatchMetrics}. */
export interface CloudWatchOptions {
  /** The worker's application. It is the namespace of its metrics, as in KCL. */
  readonly applicationName: string;
  /** Another namespace. KCL: `MetricsConfig.namespace`. @default the application's name */
  readonly namespace?: string | undefined;
  /** The region whose CloudWatch gets the metrics. KCL: `cloudWatchClient.region`. */
  readonly region: string;
  /**
   * Keys, or a function that gives them. IAM: `cloudwatch:PutMetricData`. KCL:
   * `AwsCredentialsProviderCloudWatch`.
   */
  readonly credentials: GivenCredentials;
  /**
   * Base URL of CloudWatch, for emulators and private endpoints. KCL: `cloudWatchClient.endpointOverride`.
   *
   * @default the region's public endpoint
   */
  readonly endpoint?: string | undefined;
  /**
   * `"SUMMARY"`: what most alarms need. `"DETAILED"`: each step besides, about twice as many metrics.
   * `"NONE"`: nothing. KCL: `metricsLevel`. Each metric costs money in each month.
   *
   * @default {"DETAILED"}
   */
  readonly metricsLevel?: MetricsLevel | undefined;
  /**
   * The dimensions that metrics have. What differs by others alone becomes one metric. KCL:
   * `metricsEnabledDimensions`. Without `Operation` metrics of one name fall together, such as `Success`.
   *
   * @default all
   */
  readonly metricsEnabledDimensions?: readonly EnabledDimension[] | undefined;
  /**
   * How long values are added up before they are sent, in ms. KCL: `metricsBufferTimeMillis`. Longer than a
   * minute, and CloudWatch shows gaps.
   *
   * @default {10000}
   */
  readonly metricsBufferTimeMs?: number | undefined;
  /**
   * The most metrics that wait to be sent; further ones are dropped and counted. KCL: `metricsMaxQueueSize`.
   *
   * @default {10000}
   */
  readonly metricsMaxQueueSize?: number | undefined;
  /**
   * Whether metrics are sent in the background. With false nothing is sent but by `flush()`: for an
   * `EdgeWorker`, whose platform stops all work between two slices.
   *
   * @default {true}
   */
  readonly autoFlush?: boolean | undefined;
  /** The worker's name in metrics. @default what the worker says at its start */
  readonly workerIdentifier?: string | undefined;
  /**
   * Whether metrics of a shard name its stream too. KCL does so in multi-stream mode.
   *
   * @default what the worker says at its start
   */
  readonly isMultiStream?: boolean | undefined;
  /**
   * Receives what is to be said about sending: requests, and notices when metrics are refused or dropped.
   *
   * @default warnings and errors go to the console
   */
  readonly onEvent?: WorkerEventListener | undefined;
  /** Sends every request, in place of the runtime's `fetch`. */
  readonly fetch?: System["fetch"] | undefined;
  /** Time, chance and `fetch`. @default the real ones */
  readonly system?: System | undefined;
}

/** The names that there are: one that is missing here does not compile. */
const OPTIONS: Readonly<Record<keyof CloudWatchOptions, true>> = {
  applicationName: true,
  namespace: true,
  region: true,
  credentials: true,
  endpoint: true,
  metricsLevel: true,
  metricsEnabledDimensions: true,
  metricsBufferTimeMs: true,
  metricsMaxQueueSize: true,
  autoFlush: true,
  workerIdentifier: true,
  isMultiStream: true,
  onEvent: true,
  fetch: true,
  system: true,
};

/** The metrics of one worker, on their way to CloudWatch. */
export interface CloudWatchMetrics extends AsyncDisposable {
  /** The worker's option `onEvent`, or called by it. Returns at once. */
  readonly listener: WorkerEventListener;
  /** How many values were not sent, by reason. */
  readonly dropped: ReadonlyMap<DropReason, number>;
  /**
   * Sends what there is. Never rejects: what fails is reported, and kept for one more try.
   *
   * @param signal Cuts sending off. What was not sent is kept.
   */
  flush(signal?: AbortSignal): Promise<void>;
  /** Sends what there is, for two seconds at the most, and takes no more. Never rejects. */
  close(): Promise<void>;
}

/**
 * Makes the metrics of one worker. Each worker needs its own.
 *
 * @throws {TypeError} when an option is missing or of the wrong kind, {@linkcode RangeError} when a number is
 * out of range.
 */
export function cloudWatchMetrics(options: CloudWatchOptions): CloudWatchMetrics {
  check(options);
  const { applicationName, namespace = applicationName, region, endpoint, autoFlush = true } = options;
  const { metricsBufferTimeMs = 10_000, metricsMaxQueueSize = 10_000 } = options;
  const system = withFetch(options.system ?? realSystem, options.fetch);
  const emit = inTurn([options.onEvent ?? consoleLog(system.clock)]);
  const tally = new MetricTally({
    level: options.metricsLevel ?? "DETAILED",
    dimensions: options.metricsEnabledDimensions ?? ["ALL"],
    maxQueueSize: metricsMaxQueueSize,
  });
  const credentials = keptCredentials(options.credentials, "the option credentials of cloudWatchMetrics()", {
    system,
    onEvent: emit,
  });
  const publisher = new MetricPublisher({
    cloudWatch: signedCloudWatch({ region, endpoint, credentials, system, onEvent: emit }),
    namespace,
    tally,
    clock: system.clock,
    bufferTimeMs: metricsBufferTimeMs,
    fullSize: Math.min(MAX_DATA, metricsMaxQueueSize),
    isAutomatic: autoFlush,
    notice: (level, text) => emit({ type: "notice", level, leaseKey: undefined, text }),
  });
  let points: MetricPoints | undefined;
  return {
    listener(event) {
      points ??= pointsOf(event, options, publisher);
      points?.listener(event);
    },
    dropped: tally.dropped,
    flush: (signal) => publisher.flush(signal),
    close: () => publisher.close(),
    [Symbol.asyncDispose]: () => publisher.close(),
  };
}

/** As soon as the worker's name is known. Before that there are only requests. */
function pointsOf(
  event: WorkerEvent,
  options: CloudWatchOptions,
  publisher: MetricPublisher,
): MetricPoints | undefined {
  const isStart = event.type === "workerStarting";
  const named = isStart || event.type === "workerReady" ? event.workerId : undefined;
  const workerIdentifier = options.workerIdentifier ?? named;
  if (workerIdentifier === undefined) return undefined;
  const isMultiStream = options.isMultiStream ?? (isStart && event.streamName === undefined);
  const clock = options.system?.clock ?? realSystem.clock;
  return new MetricPoints({ workerIdentifier, isMultiStream, clock }, (point) => publisher.add(point));
}

const ACTION = "Cannot send metrics";

function check(options: CloudWatchOptions): void {
  refuseUnknownNames(Object.keys(options), Object.keys(OPTIONS), { action: ACTION });
  const { applicationName, namespace = applicationName, metricsLevel = "NONE" } = options;
  for (const name of ["applicationName", "region"] as const) {
    if (typeof options[name] === "string" && options[name].trim() !== "") continue;
    throw new TypeError(`${ACTION}: expected ${name}: got none`);
  }
  if (typeof namespace !== "string" || !isNamespace(namespace)) {
    throw new TypeError(
      `${ACTION}: expected a namespace of 1 to 255 printable ASCII characters that begins with neither ":" ` +
        `nor "AWS/": got ${JSON.stringify(namespace)}: set the option namespace`,
    );
  }
  oneOf("metricsLevel", metricsLevel, ["NONE", "SUMMARY", "DETAILED"]);
  const { metricsEnabledDimensions: dimensions = [] } = options;
  if (!Array.isArray(dimensions)) throw new TypeError(`${ACTION}: expected metricsEnabledDimensions: a list`);
  for (const dimension of dimensions) oneOf("metricsEnabledDimensions", dimension, DIMENSIONS);
  for (const [name, least] of [["metricsBufferTimeMs", 100], ["metricsMaxQueueSize", 1]] as const) {
    const value = options[name];
    if (value === undefined || (typeof value === "number" && value >= least && Number.isFinite(value))) {
      continue;
    }
    throw new RangeError(`${ACTION}: ${name} must be a finite number >= ${least}: got ${value}`);
  }
}

const DIMENSIONS: readonly EnabledDimension[] = [
  "Operation",
  "ShardId",
  "StreamId",
  "WorkerIdentifier",
  "ALL",
];

function oneOf(name: string, value: unknown, words: readonly string[]): void {
  if (typeof value === "string" && words.includes(value)) return;
  throw new TypeError(
    `${ACTION}: expected ${name} to be one of ${words.join(", ")}: got ${JSON.stringify(value)}`,
  );
}
