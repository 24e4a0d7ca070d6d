// Pure.
/**
 * What the fleet page shows, as one value: the shards that this worker holds as it knows them itself, and
 * the rest of the fleet as the lease table shows it. Everything in it is text or figures of unknown origin:
 * whoever prints it escapes it.
 *
 * @module
 */

import type { ShardPhase } from "../../events.ts";
import type { LeaseState, WorkerState } from "../../operate/describe.ts";

/** The fleet, as one worker sees it at one moment. */
export interface FleetPicture {
  readonly application: string;
  readonly streams: readonly string[];
  readonly region: string | undefined;
  /** The worker that shows the page. */
  readonly workerId: string | undefined;
  readonly version: string;
  /** Wall time of the picture, in ms. */
  readonly epochMs: number;
  readonly verdict: PictureVerdict;
  /** What is known of the lease table. */
  readonly table: TableSight;
  readonly sums: FleetSums;
  /** What is read of each stream, by its name in order. */
  readonly ranges: readonly StreamRanges[];
  /** The worst first: who looks, looks for what is wrong. */
  readonly shards: readonly ShardLine[];
  readonly workers: readonly WorkerLine[];
}

/** Whether this worker is well. */
export interface PictureVerdict {
  readonly isHealthy: boolean;
  /** For how long it has been so; undefined while it starts. */
  readonly sinceMs: number | undefined;
  readonly faults: readonly FaultLine[];
}

/** One thing that is wrong. */
export interface FaultLine {
  readonly level: "warning" | "error";
  readonly code: string;
  readonly leaseKey: string | undefined;
  readonly text: string;
  /** What it means and what to do, in one or two sentences. */
  readonly advice: string | undefined;
}

/**
 * How the lease table was read. `own`: it is not looked at, and only this worker's shards are known.
 * `waiting`: the first look is under way.
 */
export type TableSight =
  | { readonly type: "own" | "waiting" }
  | {
    readonly type: "read";
    /** How old the look is. */
    readonly ageMs: number;
    /** Why the last attempt after it failed, and what could not be read. Empty when all is well. */
    readonly problems: readonly string[];
  }
  | { readonly type: "failed"; readonly problems: readonly string[] };

/** Sums over the fleet. Undefined is what is not known. */
export interface FleetSums {
  readonly largestLag: { readonly lagMs: number; readonly leaseKey: string } | undefined;
  /** Until the shard that is furthest behind has caught up. */
  readonly catchUpMs: number | undefined;
  /** The largest lag over the last hour. */
  readonly lagHistory: Series;
  readonly recordsPerSecond: number | undefined;
  readonly recordsHistory: Series;
  readonly kBps: number | undefined;
  /** Until the first unread record is trimmed. */
  readonly trimmedInMs: number | undefined;
  readonly isLossCertain: boolean;
  readonly retentionMs: number | undefined;
  /** Below this a warning is given. */
  readonly warnBelowMs: number | undefined;
  /** Leases of shards that are not processed to their end, and how many of them somebody reads. */
  readonly unfinished: number;
  readonly read: number;
  /** Shards that wait for their parents. */
  readonly waiting: number;
}

/**
 * Figures over the last hour, the oldest first, one a minute or fewer; undefined where none is known. They
 * are drawn spread evenly over the hour: who has less than an hour fills its beginning with undefined.
 */
export type Series = readonly (number | undefined)[];

/** Who reads which part of one stream. */
export interface StreamRanges {
  readonly streamName: string;
  /** In order, without overlap. Parts of the whole, 0 to 1. None where shards have no hash keys. */
  readonly parts: readonly {
    readonly from: number;
    readonly to: number;
    /** Undefined: a hole, that no lease covers. */
    readonly leaseKey: string | undefined;
    /** Undefined: nobody reads it. */
    readonly owner: string | undefined;
  }[];
}

/** One shard. */
export interface ShardLine {
  readonly leaseKey: string;
  readonly owner: string | undefined;
  /** Who gets it when the handoff under way is through. */
  readonly nextOwner: string | undefined;
  /** Whether the worker that shows the page holds it. */
  readonly isOwn: boolean;
  readonly state: LeaseState;
  /** Of own shards. */
  readonly phase: ShardPhase | undefined;
  readonly lagMs: number | undefined;
  readonly lagHistory: Series;
  readonly recordsPerSecond: number | undefined;
  readonly kBps: number | undefined;
  /** Since the checkpoint last moved; of other workers' shards, since it was first seen. */
  readonly checkpointAgeMs: number | undefined;
  readonly checkpoint: string;
  readonly trimmedInMs: number | undefined;
  readonly level: "good" | "warning" | "error";
  /** What is special about it, in a few words each. */
  readonly notes: readonly string[];
}

/** One worker. */
export interface WorkerLine {
  readonly workerId: string;
  readonly isLeader: boolean;
  /** Whether it shows the page. */
  readonly isOwn: boolean;
  readonly state: WorkerState;
  readonly isDraining: boolean;
  readonly leases: number;
  readonly cpuPercent: number | undefined;
  readonly kBps: number;
  readonly reportAgeMs: number | undefined;
}
