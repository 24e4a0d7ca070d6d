// Pure.
/**
 * Decides from two looks at a table whether anybody works on it. A reset below a live worker would be undone
 * by its next checkpoint, or would make it lose its leases.
 *
 * @module
 */

import { METRICS_REPORT_INTERVAL_S } from "../../lease/live_workers.ts";
import type { TableLook } from "../table_look.ts";

/** Somebody is alive. */
export interface SignsOfLife {
  /** Workers whose report is fresh, or was renewed between the looks. */
  readonly reports: readonly {
    readonly workerId: string;
    /** By the wall clocks. */
    readonly ageS: number;
    /** How long the report still counts, if its worker has died. */
    readonly freshForS: number;
  }[];
  /** The keys of leases that were written, made or deleted between the looks. */
  readonly moved: readonly string[];
  /** Who owns those, as far as they have owners. */
  readonly owners: readonly string[];
}

/** What a sign is made of. */
type Seen = Pick<TableLook, "leases" | "workers" | "startedEpochMs">;

/** How old a report may be, in s, before its worker counts as gone: as for a leader. */
const FRESH_S = 2 * METRICS_REPORT_INTERVAL_S;

/** Compares. @param before Undefined: there was one look only. */
export function signsOfLife(before: Seen | undefined, after: Seen): SignsOfLife {
  const earlier = new Map(before?.workers.map((worker) => [worker.workerId, worker.lastUpdateEpochS]));
  const reports = after.workers.flatMap(({ workerId, lastUpdateEpochS }) => {
    if (lastUpdateEpochS === undefined) return [];
    const ageS = Math.round(after.startedEpochMs / 1000 - lastUpdateEpochS);
    const isRenewed = before !== undefined && earlier.get(workerId) !== lastUpdateEpochS;
    return ageS <= FRESH_S || isRenewed
      ? [{ workerId, ageS, freshForS: Math.max(0, FRESH_S + 1 - ageS) }]
      : [];
  });
  const moved = before === undefined ? [] : movedLeases(before, after);
  const keys = new Set(moved);
  const owners = after.leases.flatMap(({ leaseKey, leaseOwner, checkpointOwner }) =>
    keys.has(leaseKey) ? [leaseOwner, checkpointOwner].filter((owner) => owner !== undefined) : []
  );
  return { reports, moved, owners: [...new Set(owners)] };
}

/** Whether there is none. */
export function isQuiet({ reports, moved }: SignsOfLife): boolean {
  return reports.length === 0 && moved.length === 0;
}

/**
 * How long after a first look the second one may begin, in ms. An owner renews each lease within a third of
 * its failover time; a whole one leaves room for a fleet whose time is longer than ours. A fleet without any
 * report has stopped in order, or long ago.
 */
export function lookIntervalMs(
  { workers }: Pick<TableLook, "workers">,
  { failoverTimeMs }: { readonly failoverTimeMs: number },
): number {
  return (workers.length === 0 ? Math.ceil(failoverTimeMs / 3) : failoverTimeMs) + SPARE_MS;
}

/** For slow writes, and the eventual consistency of scans. Ours. */
const SPARE_MS = 1000;

function movedLeases(before: Seen, after: Seen): string[] {
  const counters = new Map(before.leases.map(({ leaseKey, leaseCounter }) => [leaseKey, leaseCounter]));
  const moved = after.leases.filter(({ leaseKey, leaseCounter }) => counters.get(leaseKey) !== leaseCounter);
  const left = new Set(after.leases.map(({ leaseKey }) => leaseKey));
  const deleted = before.leases.filter(({ leaseKey }) => !left.has(leaseKey));
  return [...moved, ...deleted].map(({ leaseKey }) => leaseKey);
}
