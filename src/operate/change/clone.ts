/**
 * Plans the leases of a new application: those of another one at their positions, or leases at a time, also
 * on another stream. The application that is copied may run: it is only read.
 *
 * @module
 */

import { forEachAtMost } from "../../async/task_group.ts";
import { parseStreamArn } from "../../aws/endpoint.ts";
import type { StreamReference } from "../../aws/kinesis.ts";
import { isAwsError } from "../../errors.ts";
import { type Lease, leaseKeyOf } from "../../lease/lease.ts";
import { readLeases } from "../../lease/lease_store.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";
import type { FleetAccess } from "../fleet_access.ts";
import type { TableLook } from "../table_look.ts";
import { type UnreadShard, unreadShards } from "./clone_unread.ts";
import {
  type LeasedStream,
  leasedStreams,
  type ListedStream,
  listedStream,
  markOf,
} from "./fleet_streams.ts";
import { copied } from "./lease_export.ts";
import { arrivalAfter } from "./position_search.ts";
import type { TargetPosition } from "./positions.ts";
import { shardPositions } from "./reset.ts";
import { type LeaseChange, planReset } from "./reset_plan.ts";

/** What is asked for. */
export interface CloneRequest {
  /** Undefined: at the positions of the leases. */
  readonly at: TargetPosition | undefined;
  /** Undefined: the stream of the leases. */
  readonly toStream: StreamReference | undefined;
  /** Called as shards are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A plan; all its changes make leases. */
export interface ClonePlan {
  readonly changes: readonly LeaseChange[];
  /** When the record at the checkpoint arrived, in ms since 1970, by lease key. */
  readonly arrivals: ReadonlyMap<string, number>;
  /** The leases that were read, by key. */
  readonly source: ReadonlyMap<string, Lease>;
  /** Undefined: the positions of the leases. */
  readonly target: TargetPosition | undefined;
  /** Leases of streams that are not configured, or are gone: a time does not copy them. */
  readonly omitted: readonly string[];
}

/**
 * Plans.
 *
 * @throws {RangeError} when the positions cannot be carried over.
 */
export async function clonePlanOf(
  fleet: FleetAccess,
  look: Pick<TableLook, "leases" | "unreadable">,
  request: CloneRequest,
  signal: AbortSignal,
): Promise<ClonePlan> {
  const { at, toStream } = request;
  const nowMs = fleet.system.clock.epochMs();
  if (at?.type === "time" && at.epochMs > nowMs) {
    throw new RangeError(
      `Cannot clone at ${new Date(at.epochMs).toISOString()}: expected a time that is over: got one in the ` +
        "future: use --at latest",
    );
  }
  const [unreadable] = at === undefined ? look.unreadable : [];
  if (unreadable !== undefined) {
    throw new RangeError(
      `Cannot copy positions: expected leases that can be read: got item "${unreadable.key}": ` +
        `${unreadable.problem}: mend or delete it, or use --at`,
    );
  }
  const leases = at === undefined ? await withChildren(fleet, look.leases, signal) : look.leases;
  const source = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  if (toStream !== undefined) return { ...await toOther(fleet, leases, request, toStream, signal), source };
  if (at === undefined) {
    return { changes: leases.map(copied), arrivals: new Map(), source, target: undefined, omitted: [] };
  }
  // Only the streams of the leases count: the plan is for a table without leases.
  const { streams, others } = await leasedStreams(fleet, leases, signal);
  const steps = stepsOf(streams.reduce((sum, { shards }) => sum + shards.length, 0), request);
  const changes: LeaseChange[] = [];
  const arrivals = new Map<string, number>();
  for (const stream of streams) {
    const plan = await firstLeases(fleet, stream, { target: at, nowMs, onDone: steps }, signal);
    changes.push(...plan.changes);
    for (const [leaseKey, arrivalMs] of plan.arrivals) arrivals.set(leaseKey, arrivalMs);
  }
  return { changes, arrivals, source, target: at, omitted: others.map(({ leaseKey }) => leaseKey) };
}

/**
 * A worker writes the children of a shard before its end. A scan meets them in any order, and may have passed
 * the place of a child before it was written.
 */
async function withChildren(
  { leaseStore }: FleetAccess,
  leases: readonly Lease[],
  signal: AbortSignal,
): Promise<readonly Lease[]> {
  const all = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  const asked = new Set<string>();
  for (let fresh: readonly Lease[] = leases; fresh.length > 0;) {
    const missing = fresh.flatMap(({ checkpoint, childShardIds, streamIdentifier }) =>
      isShardEnd(checkpoint) ? childShardIds.map((id) => leaseKeyOf(id, streamIdentifier)) : []
    ).filter((key) => !all.has(key) && !asked.has(key));
    if (missing.length === 0) break;
    for (const key of missing) asked.add(key);
    fresh = await readLeases(leaseStore, [...new Set(missing)], signal);
    for (const lease of fresh) all.set(lease.leaseKey, lease);
  }
  return [...all.values()].sort((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
}

/** The leases that a first shard sync at a position would make, and those that their descendants need. */
async function firstLeases(
  fleet: FleetAccess,
  stream: ListedStream & Partial<Pick<LeasedStream, "streamIdentifier">>,
  { target, nowMs, onDone }: {
    readonly target: TargetPosition;
    readonly nowMs: number;
    readonly onDone: (shards: number) => void;
  },
  signal: AbortSignal,
): Promise<Pick<ClonePlan, "changes" | "arrivals">> {
  const { shards, streamIdentifier } = stream;
  const positions = await shardPositions(fleet, stream, {
    chosen: shards,
    target,
    atMs: nowMs,
    onDone,
  }, signal);
  const changes = planReset({
    shards,
    leases: [],
    positions,
    streamIdentifier,
    streamOrigin: markOf(stream),
  });
  const arrivals = new Map<string, number>();
  for (const { lease: { leaseKey, shardId } } of changes) {
    const position = positions.get(shardId);
    const arrivalMs = position?.type === "after" ? position.arrivalMs : undefined;
    if (arrivalMs !== undefined) arrivals.set(leaseKey, arrivalMs);
  }
  return { changes, arrivals };
}

async function toOther(
  fleet: FleetAccess,
  leases: readonly Lease[],
  request: CloneRequest,
  toStream: StreamReference,
  signal: AbortSignal,
): Promise<Omit<ClonePlan, "source">> {
  const wrong = (wanted: string, got: string, mend: string) =>
    new RangeError(
      `Cannot clone to stream "${toStream.streamName}": expected ${wanted}: got ${got}: ${mend}`,
    );
  const many = leases.find(({ streamIdentifier }) => streamIdentifier !== undefined);
  if (many !== undefined) {
    throw wrong(
      "leases of one stream",
      `a table of many streams, such as lease "${many.leaseKey}"`,
      "clone without --to-stream",
    );
  }
  if (fleet.streams.some((stream) => isSame(stream, toStream))) {
    throw wrong("another stream", "that of the application", "leave out --to-stream");
  }
  const region = toStream.streamArn === undefined ? fleet.region : parseStreamArn(toStream.streamArn).region;
  if (region !== fleet.region) {
    throw wrong(`a stream in ${fleet.region}, where the lease table is`, `one in ${region}`, "name another");
  }
  const nowMs = fleet.system.clock.epochMs();
  const listed = await listedStream(fleet, toStream, signal).catch((error) => {
    if (!isAwsError(error, "ResourceNotFoundException")) throw error;
    throw wrong("a stream that is there", `none in ${region}`, "check its name and the region");
  });
  const [from] = request.at === undefined ? (await leasedStreams(fleet, leases, signal)).streams : [];
  const unread = from === undefined ? [] : unreadShards(from.shards, leases);
  const steps = stepsOf(unread.length + listed.shards.length, request);
  const target = request.at ?? await oldestUnread(fleet, from, unread, { nowMs, onDone: steps }, signal);
  const plan = await firstLeases(fleet, listed, { target, nowMs, onDone: steps }, signal);
  return { ...plan, target, omitted: [] };
}

/**
 * The time from which on another stream with the same records must be read, so that nothing is lost: when the
 * oldest unread record of all shards arrived. The shards of two streams do not correspond, so one time serves
 * all, and some records come again.
 */
async function oldestUnread(
  fleet: FleetAccess,
  from: LeasedStream | undefined,
  unread: readonly UnreadShard[],
  { nowMs, onDone }: { readonly nowMs: number; readonly onDone: (shards: number) => void },
  signal: AbortSignal,
): Promise<TargetPosition> {
  if (from === undefined || unread.length === 0) {
    throw new RangeError(
      "Cannot tell a time from the leases: expected an unfinished one: got none: use --at",
    );
  }
  let oldestMs = nowMs;
  await forEachAtMost(unread, SHARDS_AT_ONCE, async (one) => {
    signal.throwIfAborted();
    const sinceMs = await unreadSinceMs(fleet, from, one, nowMs, signal);
    oldestMs = Math.min(oldestMs, sinceMs);
    onDone(1);
  });
  return { type: "time", epochMs: oldestMs };
}

/** For sockets, as in a reset. Ours. */
const SHARDS_AT_ONCE = 16;

/** How far our clock may be ahead of that of Kinesis. AWS refuses signatures beyond. */
const CLOCKS_MS = 15 * 60_000;

/** No unread record of this shard arrived before that time, in ms since 1970. */
async function unreadSinceMs(
  { kinesis, system: { clock } }: FleetAccess,
  { stream, retentionMs }: ListedStream,
  { shard, checkpoint, latestEpochMs }: UnreadShard,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const { sequenceNumber } = checkpoint;
  if (sequenceNumber === "LATEST" && latestEpochMs !== undefined) return latestEpochMs;
  if (sequenceNumber === "AT_TIMESTAMP" || sequenceNumber === "LATEST") {
    throw new RangeError(
      `Cannot tell the time of shard ${shard.shardId}: expected a lease with a sequence number: got ` +
        `${sequenceNumber}, which is another time at each start: use --at`,
    );
  }
  const search = { kinesis, stream, clock, retentionMs };
  const { lastMs = -Infinity, nextMs } = await arrivalAfter(search, shard, checkpoint, signal);
  return nextMs ?? Math.max(lastMs, nowMs - CLOCKS_MS);
}

function isSame(a: StreamReference, b: StreamReference): boolean {
  return a.streamName === b.streamName &&
    (a.streamArn === undefined || b.streamArn === undefined || a.streamArn === b.streamArn);
}

function stepsOf(total: number, { onProgress }: CloneRequest): (shards: number) => void {
  let done = 0;
  return (shards) => onProgress?.(done += shards, total);
}
