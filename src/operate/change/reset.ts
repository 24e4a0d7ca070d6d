/**
 * Makes the plan of a reset: looks at the table, reads in the stream what the position means in each shard,
 * and decides about each lease. Writes nothing.
 *
 * @module
 */

import { forEachAtMost } from "../../async/task_group.ts";
import type { Lease } from "../../lease/lease.ts";
import type { Shard } from "../../stream/shard.ts";
import type { FleetAccess, StreamAccess } from "../fleet_access.ts";
import { lookAtTable, type LookOptions, type TableLook } from "../table_look.ts";
import { type LeasedStream, leasedStreams, type ListedStream, markOf } from "./fleet_streams.ts";
import { positionAtTime, positionBefore, type SearchOptions } from "./position_search.ts";
import { allFromOldest, FROM_OLDEST, type ShardPosition, type TargetPosition } from "./positions.ts";
import { type LeaseChange, planReset, shardsToSearch } from "./reset_plan.ts";
import { lookIntervalMs, type SignsOfLife, signsOfLife } from "./signs_of_life.ts";

/** What is asked for. */
export interface ResetRequest {
  readonly target: TargetPosition;
  /** Shards as people name them. Empty: all. */
  readonly shards: readonly string[];
  /** Called as shards are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A plan. */
export interface ResetPlan {
  readonly changes: readonly LeaseChange[];
  /** When the record at the new checkpoint arrived, in ms since 1970, by lease key. */
  readonly arrivals: ReadonlyMap<string, number>;
}

/**
 * A look that shows the leases, or an error.
 *
 * @throws {Error} when there is no table, or the leases cannot be read.
 */
export async function lookToChange(
  fleet: FleetAccess,
  options: LookOptions,
  signal: AbortSignal,
): Promise<TableLook> {
  const look = await lookAtTable(fleet, options, signal);
  const failure = look.failures.find(({ part }) => part === "leases") ??
    look.failures.find(({ part }) => part === "workers");
  if (failure !== undefined) throw failure.error;
  return look;
}

/**
 * Looks a second time, after as long as a live worker needs to show itself.
 *
 * @returns the new look, and who was seen alive.
 */
export async function lookAgain(
  fleet: FleetAccess,
  first: TableLook,
  options: LookOptions,
  signal: AbortSignal,
): Promise<{ readonly look: TableLook; readonly signs: SignsOfLife }> {
  const { clock } = fleet.system;
  const waitMs = first.startedMs + lookIntervalMs(first, fleet) - clock.monotonicMs();
  if (waitMs > 0) await clock.sleep(waitMs, signal);
  const look = await lookToChange(fleet, options, signal);
  return { look, signs: signsOfLife(first, look) };
}

/**
 * Plans.
 *
 * @throws {RangeError} when the position or a shard is not there.
 */
export async function resetPlanOf(
  fleet: FleetAccess,
  leases: readonly Lease[],
  request: ResetRequest,
  signal: AbortSignal,
): Promise<ResetPlan> {
  const { streams, others } = await leasedStreams(fleet, leases, signal);
  const chosen = chosenShards(streams, request.shards);
  const changes: LeaseChange[] = [];
  const arrivals = new Map<string, number>();
  const progress = progressOver(
    [...chosen.values()].reduce((sum, shards) => sum + shards.length, 0),
    request,
  );
  const atMs = fleet.system.clock.epochMs();
  for (const stream of streams) {
    const { shards, leases, streamIdentifier } = stream;
    const positions = await shardPositions(fleet, stream, {
      chosen: chosen.get(stream) ?? [],
      target: request.target,
      atMs,
      onDone: progress,
    }, signal);
    const plan = planReset({ shards, leases, positions, streamIdentifier, streamOrigin: markOf(stream) });
    for (const change of plan) {
      changes.push(change);
      const position = positions.get(change.lease.shardId);
      const arrivalMs = position?.type === "after" ? position.arrivalMs : undefined;
      if (arrivalMs !== undefined) arrivals.set(change.lease.leaseKey, arrivalMs);
    }
  }
  for (const lease of others) changes.push({ type: "keep", lease, reason: "notChosen" });
  return { changes, arrivals };
}

/** What a target means in each of these shards of a stream. @throws {RangeError} for a time in the future. */
export async function shardPositions(
  { kinesis, system: { clock } }: Pick<StreamAccess, "kinesis" | "system">,
  { stream, retentionMs }: ListedStream,
  { chosen, target, atMs, onDone }: {
    readonly chosen: readonly Shard[];
    readonly target: TargetPosition;
    /** Wall time: what `latest` means. */
    readonly atMs: number;
    readonly onDone: (shards: number) => void;
  },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ShardPosition>> {
  const search: SearchOptions = { kinesis, stream, clock, retentionMs };
  let find: (shard: Shard) => Promise<ShardPosition>;
  switch (target.type) {
    case "earliest":
      return allFromOldest(chosen);
    case "latest":
      find = (shard) => positionAtTime(search, shard, atMs, signal);
      break;
    case "time":
      if (target.epochMs > atMs) {
        throw new RangeError(
          `Cannot reset to ${
            new Date(target.epochMs).toISOString()
          }: expected a time that is over: got one ` +
            "in the future: use latest",
        );
      }
      if (target.epochMs <= atMs - retentionMs) return allFromOldest(chosen);
      find = (shard) => positionAtTime(search, shard, target.epochMs, signal);
      break;
    case "sequenceNumber":
      find = (shard) => positionBefore(search, shard, target.sequenceNumber, signal);
      break;
  }
  const known = new Map<string, ShardPosition>();
  while (known.size < chosen.length) {
    const next = shardsToSearch(chosen, known);
    for (const { shardId } of next.decided) known.set(shardId, FROM_OLDEST);
    onDone(next.decided.length);
    const found = new Map<string, ShardPosition>();
    await forEachAtMost(next.search, SHARDS_AT_ONCE, async (shard) => {
      signal.throwIfAborted();
      found.set(shard.shardId, await find(shard));
      onDone(1);
    });
    for (const [shardId, position] of found) known.set(shardId, position);
  }
  return known;
}

/** Each shard has limits of its own; this one is for sockets and memory: a page may have 10 MB. Ours. */
const SHARDS_AT_ONCE = 16;

/** @throws {RangeError} for a name that fits no shard, or several. */
function chosenShards(
  streams: readonly LeasedStream[],
  names: readonly string[],
): ReadonlyMap<LeasedStream, readonly Shard[]> {
  if (names.length === 0) return new Map(streams.map((stream) => [stream, stream.shards]));
  const chosen = new Map<LeasedStream, Shard[]>();
  const all = streams.flatMap((stream) => stream.shards.map((shard) => ({ stream, shard })));
  for (const name of new Set(names)) {
    const [found, ...more] = FITS.map((fits) => all.filter(({ stream, shard }) => fits(name, stream, shard)))
      .find((matches) => matches.length > 0) ?? [];
    if (found === undefined || more.length > 0) {
      const got = found === undefined ? "none" : `${more.length + 1}`;
      throw new RangeError(
        `Cannot find shard ${JSON.stringify(name)}: expected one shard of the stream: got ${got}: ` +
          "name it as kclite describe --leases does",
      );
    }
    const { stream, shard } = found;
    const shards = chosen.get(stream) ?? [];
    if (!shards.includes(shard)) shards.push(shard);
    chosen.set(stream, shards);
  }
  return chosen;
}

/** How a name may fit a shard, the best way first: in full, by number, by its end. */
const FITS: readonly ((name: string, stream: LeasedStream, shard: Shard) => boolean)[] = [
  (name, { streamIdentifier = "" }, { shardId }) =>
    name === shardId || name === `${streamIdentifier}:${shardId}`,
  (name, _, { shardId }) => /^\d+$/.test(name) && Number(/\d+$/.exec(shardId)?.[0]) === Number(name),
  (name, _, { shardId }) => shardId.endsWith(name),
];

function progressOver(total: number, { onProgress }: ResetRequest): (shards: number) => void {
  let done = 0;
  return (shards) => onProgress?.(done += shards, total);
}
