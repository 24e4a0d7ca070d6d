// Pure.
/**
 * What is kept of a look at a lease table: of a table of 20,000 leases no more than the page shows.
 *
 * @module
 */

import type { FleetDescription, LeaseRow, WorkerRow } from "../../operate/describe.ts";
import type { TableLook } from "../../operate/table_look.ts";
import { counted } from "../../observe/format.ts";
import { type RangedLease, rangesOf } from "./hash_ranges.ts";
import type { StreamRanges } from "./fleet_picture.ts";

/** What is known of a fleet. `own`: nobody looks at its table. `waiting`: the first look is under way. */
export type FleetSight =
  | { readonly type: "own" | "waiting" }
  | { readonly type: "failed"; readonly problems: readonly string[] }
  /** `problems`: why the attempts after this look failed. */
  | { readonly type: "read"; readonly fleet: SeenFleet; readonly problems: readonly string[] };

/** An unfinished lease. */
export interface SeenLease
  extends Pick<LeaseRow, "leaseKey" | "state" | "owner" | "nextOwner" | "checkpoint" | "throughputKBps"> {
  /** Whether it has stood still between two looks. */
  readonly isStill: boolean;
  /** When this checkpoint was first seen, on the monotonic clock. */
  readonly checkpointSinceMs: number;
  /** Parents that are not finished, by their shard ids. */
  readonly waitsFor: readonly string[];
  /** Whether records after the checkpoint are finished already. */
  readonly hasFinishedAhead: boolean;
  /** As its owner reported it. Undefined where it reports none. */
  readonly lagMs: number | undefined;
  readonly recordsPerSecond: number | undefined;
}

/** A fleet, as one look has found it. */
export interface SeenFleet {
  /** When the look began, on the monotonic clock. */
  readonly seenMs: number;
  /** By lease key. */
  readonly leases: ReadonlyMap<string, SeenLease>;
  readonly workers: readonly WorkerRow[];
  readonly ranges: readonly StreamRanges[];
  /** What could not be read, in sentences. */
  readonly problems: readonly string[];
}

/** Keeps what is shown. @param before What the look before has found. */
export function seenFleet({ look, description, before }: {
  readonly look: TableLook;
  readonly description: FleetDescription;
  readonly before: SeenFleet | undefined;
}): SeenFleet {
  const open = description.leases.filter(({ state }) => state !== "finished");
  const keys = new Set(open.map(({ leaseKey }) => leaseKey));
  const leases = new Map(open.map((row) => {
    const known = before?.leases.get(row.leaseKey);
    const checkpointSinceMs = known?.checkpoint === row.checkpoint ? known.checkpointSinceMs : look.startedMs;
    return [row.leaseKey, seenLease(row, checkpointSinceMs, keys)] as const;
  }));
  const hashKeys = new Map(look.leases.map(({ leaseKey, hashKeyRange }) => [leaseKey, hashKeyRange]));
  const ranged = open.map(({ leaseKey, streamIdentifier, owner }): RangedLease => ({
    leaseKey,
    streamIdentifier,
    owner,
    hashKeyRange: hashKeys.get(leaseKey),
    isWaiting: (leases.get(leaseKey)?.waitsFor.length ?? 0) > 0,
  }));
  return {
    seenMs: look.startedMs,
    leases,
    workers: description.workers,
    ranges: rangesOf(ranged),
    problems: [...description.notRead, ...unreadableText(description)],
  };
}

function seenLease(row: LeaseRow, checkpointSinceMs: number, open: ReadonlySet<string>): SeenLease {
  const { leaseKey, shardId, state, owner, nextOwner, checkpoint, throughputKBps, hasFinishedAhead } = row;
  const prefix = leaseKey.endsWith(shardId) ? leaseKey.slice(0, -shardId.length) : "";
  return {
    leaseKey,
    state,
    owner,
    nextOwner,
    checkpoint,
    throughputKBps,
    isStill: row.counterMoved === 0,
    checkpointSinceMs,
    waitsFor: row.parentShardIds.filter((parent) => open.has(`${prefix}${parent}`)),
    hasFinishedAhead,
    lagMs: row.lagMs,
    recordsPerSecond: row.recordsPerSecond,
  };
}

function unreadableText({ unreadable }: FleetDescription): readonly string[] {
  if (unreadable.length === 0) return [];
  const [first] = unreadable;
  return [
    `${counted(unreadable.length, "row")} cannot be read, the first is ${first?.key}: ${first?.problem}`,
  ];
}
