/**
 * The streams of an application, each with its shards and its leases.
 *
 * @module
 */

import type { StreamReference } from "../../aws/kinesis.ts";
import { isAwsError } from "../../errors.ts";
import type { Lease } from "../../lease/lease.ts";
import { originOf } from "../../lease/stream_origin.ts";
import type { Shard } from "../../stream/shard.ts";
import { originText, parseIdentifier, type StreamOrigin } from "../../stream/stream_identifier.ts";
import { type FleetAccess, type StreamAccess, streamOfLease } from "../fleet_access.ts";

/** A stream as Kinesis has it. */
export interface ListedStream {
  readonly stream: StreamReference;
  /** All that are not forgotten, closed ones included. */
  readonly shards: readonly Shard[];
  /** Undefined where the service does not say when the stream was created. */
  readonly origin: StreamOrigin | undefined;
  readonly retentionMs: number;
}

/** A stream with the leases that an application has of it. */
export interface LeasedStream extends ListedStream {
  /** `account:stream:epoch` in a many-streams table, else undefined. */
  readonly streamIdentifier: string | undefined;
  readonly leases: readonly Lease[];
}

/** Where the service does not say: the most that Kinesis keeps. */
const MOST_RETENTION_HOURS = 365 * 24;

/** Describes a stream and lists its shards. */
export async function listedStream(
  { kinesis }: Pick<StreamAccess, "kinesis">,
  stream: StreamReference,
  signal: AbortSignal,
): Promise<ListedStream> {
  const summary = await kinesis.describeStreamSummary(stream, signal);
  const { streamName, streamCreationEpochS: creationEpochS } = summary;
  const { retentionPeriodHours = MOST_RETENTION_HOURS } = summary;
  return {
    stream,
    // Without a filter: some emulators ignore it, and what came before the position counts too.
    shards: await kinesis.listShards(stream, undefined, signal),
    origin: creationEpochS === undefined ? undefined : {
      streamName,
      creationEpochS: Math.floor(creationEpochS),
    },
    retentionMs: retentionPeriodHours * 3_600_000,
  };
}

/**
 * The streams that the leases are of, as far as the configuration names them or names none.
 *
 * @throws {RangeError} when a lease is of a stream that is not known, or of another than it should be.
 */
export async function leasedStreams(
  fleet: FleetAccess,
  leases: readonly Lease[],
  signal: AbortSignal,
): Promise<{ readonly streams: readonly LeasedStream[]; readonly others: readonly Lease[] }> {
  const groups = new Map<string | undefined, Lease[]>();
  for (const lease of leases) {
    const group = groups.get(lease.streamIdentifier);
    if (group === undefined) groups.set(lease.streamIdentifier, [lease]);
    else group.push(lease);
  }
  if (groups.size === 0) groups.set(undefined, []);
  const streams: LeasedStream[] = [], others: Lease[] = [];
  for (const [streamIdentifier, group] of groups) {
    if (!isConfigured(fleet, streamIdentifier)) {
      for (const lease of group) others.push(lease);
      continue;
    }
    const stream = streamOfLease(fleet, { streamIdentifier });
    if (stream === undefined) {
      throw new RangeError(
        "Cannot read the stream of the leases: expected one stream: got " +
          `${fleet.streams.length === 0 ? "none" : fleet.streams.length}: name it with --stream`,
      );
    }
    let listed: ListedStream;
    try {
      listed = await listedStream(fleet, stream, signal);
    } catch (error) {
      // Of many streams one may be deleted, and its leases are left over for a while.
      if (streamIdentifier === undefined || !isAwsError(error, "ResourceNotFoundException")) throw error;
      for (const lease of group) others.push(lease);
      continue;
    }
    const foreign = group.find((lease) => originOf(lease, listed.origin) === "otherName");
    if (foreign !== undefined) {
      throw new RangeError(
        `Cannot use lease "${foreign.leaseKey}": expected one of stream "${stream.streamName}": got a lease of ` +
          `"${foreign.streamOrigin}": name the right stream with --stream`,
      );
    }
    streams.push({ ...listed, streamIdentifier, leases: group });
  }
  return { streams, others };
}

/** What a lease of this stream is marked with. */
export function markOf({ origin }: ListedStream): string | undefined {
  return origin === undefined ? undefined : originText(origin);
}

function isConfigured({ streams }: FleetAccess, streamIdentifier: string | undefined): boolean {
  if (streamIdentifier === undefined || streams.length === 0) return true;
  const name = parseIdentifier(streamIdentifier)?.streamName;
  return streams.some(({ streamName }) => streamName === name);
}
