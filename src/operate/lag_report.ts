// Pure.
/**
 * Reports the lag of a fleet from one or two looks: how far each shard is behind, whether it progresses, when
 * it has caught up, and when its unread records are trimmed.
 *
 * @module
 */

import { actualOwner, type Lease } from "../lease/lease.ts";
import { compareWithLeases } from "../lease/open_shards.ts";
import { isShardEnd, textOf } from "../stream/sequence_number.ts";
import { type Forecast, forecastOf, type LagSighting } from "../observe/forecast.ts";
import type { LagLook, StreamLook } from "./lag_look.ts";
import { failureText } from "./look_failure.ts";
import type { ShardProbe } from "./shard_probe.ts";

/**
 * What a shard is in. `atTip`: all is processed. `behind`: records are unread. `waiting`: parents come first.
 * `trimmed`: the checkpoint's record is not in the stream. `lost`: the oldest unread record is older than the
 * stream keeps records. `notBegun`: nothing is processed, and where its reader began is not in the table.
 * `gone`: the stream does not have the shard. `unknown`: it could not be read.
 */
export type LagState = "atTip" | "behind" | "waiting" | "trimmed" | "lost" | "notBegun" | "gone" | "unknown";

/** One unfinished lease. */
export interface LagRow extends Forecast {
  readonly leaseKey: string;
  readonly shardId: string;
  /** `account:stream:epoch` in a table of many streams. */
  readonly streamIdentifier: string | undefined;
  readonly state: LagState;
  readonly owner: string | undefined;
  readonly checkpoint: string;
  /** Whether the checkpoint moved between the looks. Undefined after one look. */
  readonly checkpointMoved: boolean | undefined;
  /** `millisBehindLatest`, or the age of the oldest unread record where that is more. */
  readonly behindMs: number | undefined;
  readonly checkpointAgeMs: number | undefined;
  readonly oldestUnreadAgeMs: number | undefined;
  /** As its owner reported it. */
  readonly throughputKBps: number | undefined;
  /** Parents that are not finished. */
  readonly waitsFor: readonly string[];
  /** Whether records after the checkpoint are finished already: then less is unread than it seems. */
  readonly hasFinishedAhead: boolean;
}

/** A shard that nobody will read. */
export interface ShardWithoutLease {
  readonly streamName: string;
  readonly shardId: string;
}

/** A fleet's lag. */
export interface LagReport {
  readonly tableName: string;
  /** Wall time of the last look, ISO 8601. */
  readonly time: string;
  /** Undefined after one look. */
  readonly betweenMs: number | undefined;
  readonly maxBehindMs: number | undefined;
  readonly maxBehindLeaseKey: string | undefined;
  readonly finishedLeases: number;
  /** The largest lag first; before these what is trimmed, lost, or could not be read. */
  readonly leases: readonly LagRow[];
  readonly openShardsWithoutLease: readonly ShardWithoutLease[];
  /** What could not be read, in sentences. */
  readonly notRead: readonly string[];
}

/** What is kept of an earlier look. */
export interface LagGlimpse {
  readonly startedMs: number;
  readonly sightings: ReadonlyMap<string, LagSighting>;
  readonly checkpoints: ReadonlyMap<string, string>;
}

/** What to keep of a look for the next one. */
export function lagGlimpseOf({ table, probes }: LagLook): LagGlimpse {
  const sightings = new Map<string, LagSighting>();
  for (const [leaseKey, probe] of probes) if (probe.type === "seen") sightings.set(leaseKey, probe);
  const checkpoints = new Map(table.leases.map(({ leaseKey, checkpoint }) => [leaseKey, textOf(checkpoint)]));
  return { startedMs: table.startedMs, sightings, checkpoints };
}

/** Reports. @param before The first of two looks. */
export function lagReport(before: LagGlimpse | undefined, now: LagLook): LagReport {
  const { table, streams } = now;
  const unfinished = table.leases.filter(({ checkpoint }) => !isShardEnd(checkpoint));
  const open = new Set(unfinished.map(({ leaseKey }) => leaseKey));
  const byIdentifier = new Map(streams.map((look) => [look.streamIdentifier, look]));
  const leases = unfinished.map((lease) =>
    rowOf(lease, {
      before,
      probe: now.probes.get(lease.leaseKey),
      retentionMs: byIdentifier.get(lease.streamIdentifier)?.retentionMs,
      waitsFor: parentKeys(lease).filter(([key]) => open.has(key)).map(([, shardId]) => shardId),
    })
  ).sort((a, b) => rankOf(b) - rankOf(a) || (a.leaseKey < b.leaseKey ? -1 : 1));
  const furthest = leases.reduce<LagRow | undefined>(
    (most, row) => (row.behindMs ?? -1) > (most?.behindMs ?? -1) ? row : most,
    undefined,
  );
  return {
    tableName: table.tableName,
    time: new Date(table.startedEpochMs).toISOString(),
    betweenMs: before === undefined ? undefined : Math.round(table.startedMs - before.startedMs),
    maxBehindMs: furthest?.behindMs,
    maxBehindLeaseKey: furthest?.leaseKey,
    finishedLeases: table.leases.length - unfinished.length,
    leases,
    openShardsWithoutLease: areLeasesRead(now)
      ? streams.flatMap((look) => withoutLease(look, table.leases))
      : [],
    notRead: [...table.failures.map(failureText), ...now.notRead],
  };
}

/** The leases whose lag is over a limit, or unbounded since records are trimmed or lost. */
export function leasesOver({ leases }: LagReport, maxMs: number): readonly LagRow[] {
  return leases.filter(({ state, behindMs }) =>
    state === "trimmed" || state === "lost" || (behindMs !== undefined && behindMs > maxMs)
  );
}

interface RowFacts {
  readonly before: LagGlimpse | undefined;
  readonly probe: ShardProbe | undefined;
  readonly retentionMs: number | undefined;
  readonly waitsFor: readonly string[];
}

function rowOf(lease: Lease, { before, probe, retentionMs, waitsFor }: RowFacts): LagRow {
  const { leaseKey, shardId, streamIdentifier, throughputKBps, finishedAhead } = lease;
  const checkpoint = textOf(lease.checkpoint);
  const known = before?.checkpoints.get(leaseKey);
  const seen = probe?.type === "seen" ? probe : undefined;
  const oldestUnreadAgeMs = seen?.oldestUnreadAgeMs;
  const forecast = seen === undefined ? NO_FORECAST : forecastOf({
    before: before?.sightings.get(leaseKey),
    now: seen,
    oldestUnreadAgeMs,
    retentionMs,
  });
  return {
    leaseKey,
    shardId,
    streamIdentifier,
    state: stateOf(probe, forecast, waitsFor),
    owner: actualOwner(lease),
    checkpoint,
    checkpointMoved: known === undefined ? undefined : known !== checkpoint,
    behindMs: seen?.behindMs,
    checkpointAgeMs: seen?.checkpointAgeMs,
    oldestUnreadAgeMs,
    throughputKBps,
    ...forecast,
    waitsFor,
    hasFinishedAhead: finishedAhead !== undefined && finishedAhead !== "",
  };
}

const NO_FORECAST: Forecast = {
  slope: undefined,
  catchUpMs: undefined,
  trimmedInMs: undefined,
  lossInMs: undefined,
  isLossCertain: false,
};

function stateOf(
  probe: ShardProbe | undefined,
  { trimmedInMs }: Forecast,
  waitsFor: readonly string[],
): LagState {
  switch (probe?.type) {
    case undefined:
    case "failed":
      return waitsFor.length > 0 ? "waiting" : "unknown";
    case "seen":
      if (trimmedInMs !== undefined && trimmedInMs <= 0) return "lost";
      if (waitsFor.length > 0) return "waiting";
      return probe.behindMs === 0 ? "atTip" : "behind";
    case "trimmed":
    case "gone":
    case "notBegun":
      return waitsFor.length > 0 && probe.type === "notBegun" ? "waiting" : probe.type;
  }
}

/** Keys of the parents' leases, with their shard ids. */
function parentKeys({ leaseKey, shardId, parentShardIds }: Lease): readonly (readonly [string, string])[] {
  const prefix = leaseKey.endsWith(shardId) ? leaseKey.slice(0, -shardId.length) : "";
  return parentShardIds.map((parent) => [`${prefix}${parent}`, parent]);
}

function rankOf({ state, behindMs }: LagRow): number {
  if (state === "trimmed" || state === "lost") return Infinity;
  if (state === "gone" || state === "unknown") return Number.MAX_VALUE;
  return behindMs ?? -1;
}

/** Without the leases, every shard would seem to have none. */
function areLeasesRead({ table }: LagLook): boolean {
  return !table.failures.some(({ part }) => part === "leases");
}

function withoutLease(
  { stream: { streamName }, streamIdentifier, shards, creationEpochS }: StreamLook,
  leases: readonly Lease[],
): readonly ShardWithoutLease[] {
  if (shards === undefined || shards.length === 0) return [];
  const own = leases.filter((lease) => lease.streamIdentifier === streamIdentifier);
  const origin = creationEpochS === undefined ? undefined : { streamName, creationEpochS };
  const leased = new Set(own.map(({ shardId }) => shardId));
  return compareWithLeases({ shards, leases: own, origin }).unread
    .filter(({ shardId }) => !leased.has(shardId))
    .map(({ shardId }) => ({ streamName, shardId }));
}
