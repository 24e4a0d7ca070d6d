/**
 * Asks the service for one stream that is to be read.
 *
 * @module
 */

import { withinTime } from "../async/waiting.ts";
import { parseStreamArn, type StreamArn } from "../aws/endpoint.ts";
import type { Kinesis, StreamReference, StreamSummary } from "../aws/kinesis.ts";
import type { Clock } from "../system.ts";

/**
 * A stream is to be described within this time, retries included, in ms; then the attempt has failed. Ours.
 */
const DESCRIBE_LIMIT_MS = 20_000;

/** What the service says of a stream. */
export interface DescribedStream {
  /** Undefined if the service names none, as some emulators do. */
  readonly streamArn: string | undefined;
  /** In whole seconds since 1970. */
  readonly creationEpochS: number | undefined;
  /** How long it keeps records. */
  readonly retentionMs: number | undefined;
}

/**
 * What the service says of a stream that can be read.
 *
 * @throws {Error} when the stream is being made or deleted, or nothing was answered in time; what the service
 * refuses.
 */
export async function describedStream(
  stream: StreamReference,
  { kinesis, clock }: { readonly kinesis: Kinesis; readonly clock: Clock },
  signal: AbortSignal,
): Promise<DescribedStream> {
  // A server that never answers must not use up the time of many attempts in one.
  const summary = await withinTime(
    { clock, ms: DESCRIBE_LIMIT_MS, signal },
    (limited) => kinesis.describeStreamSummary(stream, limited),
  );
  if (summary.streamStatus !== "ACTIVE" && summary.streamStatus !== "UPDATING") {
    throw new Error(
      `Cannot read stream "${stream.streamName}": expected status ACTIVE or UPDATING: got ${summary.streamStatus}: wait for it`,
    );
  }
  const { streamArn, streamCreationEpochS } = summary;
  return {
    streamArn,
    creationEpochS: streamCreationEpochS === undefined ? undefined : Math.floor(streamCreationEpochS),
    retentionMs: retentionOf(summary),
  };
}

/** How long a stream keeps records, in ms. Undefined if the service does not say, or says what is no time. */
export function retentionOf({ retentionPeriodHours = 0 }: StreamSummary): number | undefined {
  return retentionPeriodHours > 0 && retentionPeriodHours < Infinity
    ? retentionPeriodHours * 3_600_000
    : undefined;
}

/**
 * What is known of a stream. The service may name no ARN, or an ARN that AWS would not accept, as some
 * emulators do.
 */
export function arnParts(
  streamName: string,
  streamArn: string | undefined,
): Partial<StreamArn> & { readonly streamName: string } {
  if (streamArn === undefined) return { streamName };
  try {
    return parseStreamArn(streamArn);
  } catch (error) {
    if (error instanceof TypeError) return { streamName };
    throw error;
  }
}
