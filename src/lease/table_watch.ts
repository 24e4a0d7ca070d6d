// Pure.
/**
 * What a leader remembers of the table from look to look, and when it must forget it.
 *
 * Each memory notes what changed and what was unchanged between two looks: counters, owners, handoffs,
 * reports. It is true only while the looks follow one another. A worker that leads again after minutes has
 * not seen what another leader did meanwhile. A report that changed may be minutes old, and a handoff between
 * the same two workers may be another one. So after a gap everything is forgotten together, and the worker
 * begins as any new leader does.
 *
 * Source: KCL 3.5.1, `LeaseAssignmentManager`, which forgets its snapshot of the leases when it gains the
 * leadership.
 *
 * @module
 */

import { type Beginning, observeBeginnings, unfoundLeases } from "./beginnings.ts";
import type { WorkerMetrics } from "./coordinator_store.ts";
import type { Reported } from "./departures.ts";
import { observe, type Sighting, withUnfound } from "./expiry.ts";
import { type HandoffSighting, observeHandoffs } from "./handoff.ts";
import type { Lease } from "./lease.ts";
import { observeReports, type ReportSighting } from "./reports.ts";
import type { Silence } from "./silence.ts";

/** What is known from an unbroken watch. By lease key, or by worker id. */
export interface TableWatch {
  /** Monotonic ms at which the watch began. Memories from before that are not to be trusted. */
  readonly sinceMs: number;
  /** Monotonic ms at which the last look, or the pass that followed it, ended. */
  readonly lastMs: number;
  readonly sightings: ReadonlyMap<string, Sighting>;
  readonly handoffs: ReadonlyMap<string, HandoffSighting>;
  readonly beginnings: ReadonlyMap<string, Beginning>;
  readonly reports: ReadonlyMap<string, ReportSighting>;
  readonly silences: ReadonlyMap<string, Silence>;
  /** Ids of workers that have had a lease since they joined. */
  readonly served: ReadonlySet<string>;
  readonly reported: Reported;
}

/** One look at the table; times in monotonic ms. */
export interface Look {
  readonly leases: readonly Lease[];
  /** Undefined if the listing does not show all of them. */
  readonly workers: readonly WorkerMetrics[] | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** How far apart looks may be. */
export interface WatchRule {
  /** The pause between two passes, in ms. */
  readonly passIntervalMs: number;
  readonly failoverTimeMs: number;
}

/** Nothing is known yet. */
export function newWatch(sinceMs: number): TableWatch {
  return {
    sinceMs,
    lastMs: sinceMs,
    sightings: new Map(),
    handoffs: new Map(),
    beginnings: new Map(),
    reports: new Map(),
    silences: new Map(),
    served: new Set(),
    reported: new Map(),
  };
}

/** Adds a look to what was known, or starts over if the last look is too old. */
export function watchOn(before: TableWatch, look: Look, rule: WatchRule): TableWatch {
  const { leases, workers, startedMs, endedMs } = look;
  const known = isBroken(before, startedMs, rule) ? newWatch(startedMs) : before;
  const beginnings = observeBeginnings(known.beginnings, leases);
  const unfound = unfoundLeases(beginnings, workers ?? []);
  return {
    ...known,
    lastMs: endedMs,
    sightings: withUnfound(observe(known.sightings, leases, endedMs), unfound),
    handoffs: observeHandoffs(known.handoffs, leases, endedMs),
    beginnings,
    reports: workers === undefined ? known.reports : observeReports(known.reports, workers, endedMs),
  };
}

/**
 * Two passes may fall out, in addition to the time in which a lease expires. Less would be too strict: a
 * listing that fails must not put off the takeover of a killed worker's leases. More would outlast another
 * leader's term. Ours.
 */
function isBroken({ lastMs }: TableWatch, nowMs: number, rule: WatchRule): boolean {
  return nowMs - lastMs > 2 * rule.passIntervalMs + rule.failoverTimeMs;
}
