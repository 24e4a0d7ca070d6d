// Pure.
/**
 * Turns the options about streams into what is to be read: one stream, or many.
 *
 * @module
 */

import { parseStreamArn } from "../aws/endpoint.ts";
import type { StreamReference } from "../aws/kinesis.ts";
import { parseIdentifier } from "../stream/stream_identifier.ts";
import { required, shown } from "./option_checks.ts";
import { checkStreamConfig } from "./option_table.ts";
import type { WorkerOptions } from "./options.ts";
import type { StreamConfig, StreamList } from "./stream_options.ts";

/** Which streams are read. */
export type StreamsSetting =
  | {
    readonly mode: "one";
    /** The ARN is undefined until the service has told it, unless it was given. */
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
    const arn = streamArn === undefined ? undefined : parseStreamArn(streamArn);
    const stream = { streamName: arn?.streamName ?? required("streamName", streamName), streamArn };
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
  if (streamConfigs(streams, region).length === 0) {
    throw new TypeError("Cannot start worker: expected streams to name a stream: got none");
  }
  return { streams: { mode: "many", list: streams }, region };
}

function regionIn(streams: StreamList): string | undefined {
  if (!Array.isArray(streams)) return undefined; // told by the check that follows
  const arn = streams.map((stream) => configOf(stream).streamArn).find((arn) => arn !== undefined);
  return arn === undefined ? undefined : parseStreamArn(arn).region;
}

/**
 * A list of streams, checked.
 *
 * @param region All must be in it, where it is known.
 * @throws {TypeError} when one cannot be a stream, or is listed twice.
 */
export function streamConfigs(streams: StreamList, region: string | undefined): readonly StreamConfig[] {
  if (!Array.isArray(streams)) {
    throw new TypeError(
      `Cannot read streams: expected a list of names, ARNs, identifiers or StreamConfigs: got ${
        shown(streams)
      }`,
    );
  }
  const configs = new Map<string, StreamConfig>();
  for (const stream of streams) {
    const config = checked(configOf(stream), region);
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

function checked(config: StreamConfig, region: string | undefined): StreamConfig {
  const { streamIdentifier, streamArn, streamName } = config;
  if (streamArn !== undefined) {
    const arn = parseStreamArn(streamArn);
    if (region !== undefined && arn.region !== region) {
      throw new TypeError(
        `Cannot read stream ${streamArn}: expected it in the worker's region, ${region}: run a worker in each region`,
      );
    }
  }
  if (streamIdentifier !== undefined) {
    if (parseIdentifier(streamIdentifier) !== undefined) return config;
    throw new TypeError(
      `Cannot read stream ${
        shown(streamIdentifier)
      }: expected account:stream:epoch, e.g. 123456789012:orders:1700000000`,
    );
  }
  if (streamArn === undefined) required("streamName", streamName);
  return config;
}
