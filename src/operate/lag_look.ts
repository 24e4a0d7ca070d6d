/**
 * Looks at the lag of a fleet: its table, the shards of its streams, and each shard at the checkpoint of its
 * lease.
 *
 * @module
 */

import { forEachAtMost } from "../async/task_group.ts";
import type { StreamReference } from "../aws/kinesis.ts";
import type { Lease } from "../lease/lease.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { Shard } from "../stream/shard.ts";
import { type FleetAccess, streamOfLease } from "./fleet_access.ts";
import { failureOf } from "./look_failure.ts";
import { probeShard, type ShardProbe } from "./shard_probe.ts";
import { lookAtTable, type LookOptions, type TableLook } from "./table_look.ts";

/** A stream, as far as it may be seen. */
export interface StreamLook {
  readonly stream: StreamReference;
  /** Undefined in a table of one stream. */
  readonly streamIdentifier: string | undefined;
  /** Undefined when they could not be listed. */
  readonly shards: readonly Shard[] | undefined;
  readonly retentionMs: number | undefined;
  /** In epoch seconds. Undefined when it is not known. */
  readonly creationEpochS: number | undefined;
}

/** A fleet's lag at one time. */
export interface LagLook {
  readonly table: TableLook;
  readonly streams: readonly StreamLook[];
  /** By lease key, of unfinished leases. */
  readonly probes: ReadonlyMap<string, ShardProbe>;
  /** What of the streams could not be read, in sentences, each once. */
  readonly notRead: readonly string[];
}

/** How a look is made. */
export interface LagLookOptions extends LookOptions {
  /** Where leases at AT_TIMESTAMP begin. */
  readonly initialTimestampMs?: number | undefined;
  /** Called as shards are read. */
  readonly onShard?: ((read: number, total: number) => void) | undefined;
}

/** A shard allows five calls a second, whatever the others do. Each answer has two records at the most. */
const SHARDS_AT_ONCE = 16;

/** Looks once. @throws what {@linkcode lookAtTable} throws. */
export async function lookAtLag(
  fleet: FleetAccess,
  options: LagLookOptions,
  signal: AbortSignal,
): Promise<LagLook> {
  const table = await lookAtTable(fleet, options, signal);
  const notRead = new Set<string>();
  const streams = await lookAtStreams(fleet, table.leases, notRead, signal);
  const byIdentifier = new Map(streams.map((look) => [look.streamIdentifier, look]));
  const probes = new Map<string, ShardProbe>();
  const { initialTimestampMs, onShard } = options;
  const unfinished = table.leases.filter(({ checkpoint }) => !isShardEnd(checkpoint));
  await forEachAtMost(unfinished, SHARDS_AT_ONCE, async (lease) => {
    const stream = byIdentifier.get(lease.streamIdentifier)?.stream;
    if (stream === undefined) return;
    const { kinesis, system: { clock } } = fleet;
    const probe = await probeShard({ kinesis, stream, clock, initialTimestampMs }, lease, signal);
    if (probe.type === "failed") notRead.add(failureOf("Shards", probe.error));
    probes.set(lease.leaseKey, probe);
    onShard?.(probes.size, unfinished.length);
  });
  return { table, streams, probes, notRead: [...notRead] };
}

/** The streams of the leases, and those of the configuration that have none. @param notRead Is added to. */
export async function lookAtStreams(
  fleet: FleetAccess,
  leases: readonly Lease[],
  notRead: Set<string>,
  signal: AbortSignal,
): Promise<readonly StreamLook[]> {
  const found = new Map<string | undefined, StreamReference>();
  for (const { streamIdentifier } of leases) {
    if (found.has(streamIdentifier)) continue;
    const stream = streamOfLease(fleet, { streamIdentifier });
    if (stream !== undefined) found.set(streamIdentifier, stream);
    else {
      notRead.add(
        streamIdentifier === undefined
          ? `Leases do not name their stream, and the configuration names ${fleet.streams.length}: name one`
          : `"${streamIdentifier}" in a lease names no stream`,
      );
    }
  }
  const named = new Set([...found.values()].map(({ streamName }) => streamName));
  const looks = [...found].map(([streamIdentifier, stream]) => ({ streamIdentifier, stream }));
  for (const stream of fleet.streams) {
    if (!named.has(stream.streamName)) looks.push({ streamIdentifier: undefined, stream });
  }
  return await Promise.all(
    looks.map(({ streamIdentifier, stream }) =>
      lookAtStream(fleet, { streamIdentifier, stream, notRead }, signal)
    ),
  );
}

async function lookAtStream(
  { kinesis }: FleetAccess,
  { streamIdentifier, stream, notRead }: Pick<StreamLook, "streamIdentifier" | "stream"> & {
    readonly notRead: Set<string>;
  },
  signal: AbortSignal,
): Promise<StreamLook> {
  const part = async <T>(what: string, read: Promise<T>): Promise<T | undefined> => {
    try {
      return await read;
    } catch (error) {
      signal.throwIfAborted();
      notRead.add(failureOf(`${what} of stream "${stream.streamName}"`, error));
      return undefined;
    }
  };
  const [summary, shards] = await Promise.all([
    part("The retention period", kinesis.describeStreamSummary(stream, signal)),
    part("The shards", kinesis.listShards(stream, undefined, signal)),
  ]);
  const hours = summary?.retentionPeriodHours;
  return {
    stream,
    streamIdentifier,
    shards,
    retentionMs: hours === undefined ? undefined : hours * 3_600_000,
    creationEpochS: summary?.streamCreationEpochS,
  };
}
