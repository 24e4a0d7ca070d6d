// Pure.
/**
 * Turns the options about streams into what is to be read: one stream, or many.
 *
 * @module
 */

import { consumerStreamOf, parseStreamArn, type StreamArn } from "../aws/endpoint.ts";
import type { StreamReference } from "../aws/kinesis.ts";
import { NO_ACCOUNT_ID, parseIdentifier } from "../stream/stream_identifier.ts";
import { required, shown } from "./option_checks.ts";
import { checkStreamConfig } from "./option_table.ts";
import type { WorkerOptions } from "./options.ts";
import type { StreamConfig, StreamList } from "./stream_options.ts";

/** Which streams are read. */
export type StreamsSetting =
  | {
    readonly mode: "one";
    /** The ARN is undefined until the service has reported it, if it was not given. */
    readonly stream: StreamReference;
    readonly consumerArn: string | undefined;
  }
  | {
    readonly mode: "many";
    /** A list is checked already; what a function lists is to be given to {@linkcode streamConfigs}. */
    readonly list: NonNullable<WorkerOptions["streams"]>;
  };

/**
 * Fills in and checks.
 *
 * @throws {TypeError} when no stream is given, too many ways are, or one cannot be a stream.
 */
export function streamsSetting(
  options: WorkerOptions,
): { readonly streams: StreamsSetting; readonly region: string | undefined } {
  const { streams, streamName, streamArn, consumerArn } = options;
  if (streams === undefined) {
    const arn = streamArn === undefined ? undefined : inRegion(streamArn, options.region);
    const stream = { streamName: arn?.streamName ?? required("streamName", streamName), streamArn };
    checkConsumer(
      consumerArn,
      arn ?? { streamName: stream.streamName, ...regionPart(regionOfArns(options)) },
    );
    return { streams: { mode: "one", stream, consumerArn }, region: options.region ?? arn?.region };
  }
  for (const [name, value] of Object.entries({ streamName, streamArn, consumerArn })) {
    if (value !== undefined) {
      throw new TypeError(
        `Cannot start worker: expected ${name} inside of streams, not beside it: got ${shown(value)}`,
      );
    }
  }
  if (typeof streams === "function") {
    return { streams: { mode: "many", list: streams }, region: options.region };
  }
  const { region = regionIn(streams) } = options;
  if (streamConfigs(streams, region, regionOfArns(options)).length === 0) {
    throw new TypeError("Cannot start worker: expected streams to name a stream: got none");
  }
  return { streams: { mode: "many", list: streams }, region };
}

/** The region that ARNs must name. An emulator has one of its own, whatever requests to it are signed for. */
function regionOfArns({ region, kinesisEndpoint }: WorkerOptions): string | undefined {
  return kinesisEndpoint === undefined ? region : undefined;
}

/**
 * Checks that a consumer belongs to its stream. With a consumer of another stream, Kinesis would refuse every
 * subscription, or deliver the other stream's records. A text that is no consumer ARN at all is left for
 * Kinesis to refuse.
 *
 * @param stream What is known of the stream.
 * @throws {TypeError} when it is another one's.
 */
export function checkConsumer(
  consumerArn: string | undefined,
  stream: Partial<StreamArn> & Pick<StreamArn, "streamName">,
): void {
  const consumer = consumerArn === undefined ? undefined : consumerStreamOf(consumerArn);
  if (consumer === undefined) return;
  for (const [what, key] of CONSUMER_PARTS) {
    const wanted = stream[key];
    if (wanted === undefined || wanted === consumer[key]) continue;
    throw new TypeError(
      `Cannot read stream "${stream.streamName}" with consumer ${consumerArn}: expected a consumer of ${what} ` +
        `${wanted}: got one of ${consumer[key]}: set consumerArn to one of this stream, or leave it out`,
    );
  }
}

const CONSUMER_PARTS = [
  ["stream", "streamName"],
  ["account", "accountId"],
  ["region", "region"],
  ["partition", "partition"],
] as const;

function regionPart(region: string | undefined): { readonly region?: string } {
  return region === undefined ? {} : { region };
}

/** @throws {TypeError} when it is no stream's ARN, or one of another region than the worker's. */
function inRegion(streamArn: string, region: string | undefined): StreamArn {
  const arn = parseStreamArn(streamArn);
  if (region === undefined || arn.region === region) return arn;
  throw new TypeError(
    `Cannot read stream ${streamArn}: expected it in the worker's region, ${region}: run a worker in each region`,
  );
}

function regionIn(streams: StreamList): string | undefined {
  if (!Array.isArray(streams)) return undefined; // reported by the check that follows
  const arn = streams.map((stream) => configOf(stream).streamArn).find((arn) => arn !== undefined);
  return arn === undefined ? undefined : parseStreamArn(arn).region;
}

/**
 * A list of streams, checked.
 *
 * @param region All must be in it, if it is known.
 * @param consumerRegion So must their consumers, if it is known.
 * @throws {TypeError} when one cannot be a stream, is listed twice, or has a consumer of another one.
 */
export function streamConfigs(
  streams: StreamList,
  region: string | undefined,
  consumerRegion?: string,
): readonly StreamConfig[] {
  if (!Array.isArray(streams)) {
    throw new TypeError(
      `Cannot read streams: expected a list of names, ARNs, identifiers or StreamConfigs: got ${
        shown(streams)
      }`,
    );
  }
  const configs = new Map<string, StreamConfig>();
  for (const stream of streams) {
    const config = checked(configOf(stream), region, consumerRegion);
    const { streamIdentifier, streamArn, streamName } = config;
    const key = streamIdentifier ?? streamArn ?? streamName ?? "";
    if (configs.has(key)) throw new TypeError(`Cannot read stream ${shown(key)}: it is listed twice`);
    configs.set(key, config);
  }
  return [...configs.values()];
}

function configOf(stream: string | StreamConfig): StreamConfig {
  if (typeof stream !== "string") {
    checkStreamConfig(stream);
    return stream;
  }
  if (stream.startsWith("arn:")) return { streamArn: stream };
  // No name of a stream has a colon.
  return stream.includes(":") ? { streamIdentifier: stream } : { streamName: stream };
}

function checked(
  config: StreamConfig,
  region: string | undefined,
  consumerRegion: string | undefined,
): StreamConfig {
  const { streamIdentifier, streamArn, streamName, consumerArn } = config;
  const arn = streamArn === undefined ? undefined : inRegion(streamArn, region);
  if (streamIdentifier !== undefined) {
    const identifier = parseIdentifier(streamIdentifier);
    if (identifier !== undefined) {
      const { streamName, accountId } = identifier;
      checkConsumer(consumerArn, {
        streamName,
        ...(accountId === NO_ACCOUNT_ID ? {} : { accountId }),
        ...regionPart(consumerRegion),
      });
      return config;
    }
    throw new TypeError(
      `Cannot read stream ${
        shown(streamIdentifier)
      }: expected account:stream:epoch, e.g. 123456789012:orders:1700000000`,
    );
  }
  const name = arn?.streamName ?? required("streamName", streamName);
  checkConsumer(consumerArn, arn ?? { streamName: name, ...regionPart(consumerRegion) });
  return config;
}
