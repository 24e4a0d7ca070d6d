// Pure.
/**
 * Decides which workers have died, from what a leader has seen of their leases and reports.
 *
 * A metrics item outlives its worker, and a leader gives leases to any worker with a fresh one. So a worker
 * is silent when a lease has expired under it and it renews none of the leases that it has begun. It stays
 * silent until it sends a new report or renews a lease. A silent worker is given nothing, also after its
 * leases were given to others. A killed worker cannot have reported later than one renewal interval after its
 * last renewal. So a report counts against silence for half the failover time.
 *
 * The item of a worker that has died is deleted, since the next leader could not know. A silent worker has
 * died if it had begun one of the leases that expired. If it had begun none, it may be slow to find its
 * leases: a worker of KCL looks for them every `failoverTimeMs`. Such a worker has died when it has missed
 * two reports, and so has one that never had a lease. Both are counted on our own clock. A worker that renews
 * its leases is alive, whatever its reports show.
 *
 * KCL has no such rule: it gives leases to a killed worker for a minute, and keeps its item for a day.
 *
 * @module
 */

import type { WorkerMetrics } from "./coordinator_store.ts";
import { actualOwner, type Lease } from "./lease.ts";
import { METRICS_REPORT_INTERVAL_S } from "./live_workers.ts";
import { reportAge, type ReportSighting } from "./reports.ts";

/** A worker under which a lease has expired, without a sign of life since. */
export interface Silence {
  /** Its report at that time. Another one is a sign of life. */
  readonly lastUpdateEpochS: number;
  /** Whether it had begun one of the leases that expired, as far as the leader knows. */
  readonly hadBegun: boolean;
}

/** What the leader sees. */
export interface SilenceInput {
  /** This leader. It is never silent, since it runs this check. */
  readonly workerId: string;
  readonly leases: readonly Lease[];
  readonly workers: readonly WorkerMetrics[];
  readonly reports: ReadonlyMap<string, ReportSighting>;
  /** Keys of the leases that their owners are not known to have begun. */
  readonly unbegun: ReadonlySet<string>;
  /** Those of them that were given to their owners under the leader's eyes. */
  readonly given: ReadonlySet<string>;
  /** What the last pass remembered. */
  readonly silences: ReadonlyMap<string, Silence>;
  /** Monotonic ms, taken before the listing began. */
  readonly nowMs: number;
  readonly nowEpochS: number;
}

/** The result. */
export interface SilentWorkers {
  /** To be handed to the next pass. */
  readonly silences: ReadonlyMap<string, Silence>;
  /** Ids of workers that are given no leases. */
  readonly silent: ReadonlySet<string>;
  /** Workers whose items are to be deleted, if they are still those that were read. */
  readonly gone: readonly GoneWorker[];
  /** Ids of the owners that have been seen to renew a lease. They live, whether they report or not. */
  readonly renewing: ReadonlySet<string>;
}

/** Names the item of a worker that has died. */
export interface GoneWorker {
  readonly workerId: string;
  readonly lastUpdateEpochS: number;
}

/**
 * Folds one pass into what was known.
 *
 * @param expired Whether a lease has expired for this leader.
 */
export function silentWorkers(
  input: SilenceInput,
  expired: (lease: Lease) => boolean,
  failoverTimeMs: number,
): SilentWorkers {
  const { workerId: self, reports, nowMs, nowEpochS } = input;
  const { renewing, holding, lost } = signsOf(input, expired);
  const ageOf = reportAge(reports, { epochS: nowEpochS, ms: nowMs });
  const silences = new Map<string, Silence>(), silent = new Set<string>(), gone: GoneWorker[] = [];
  for (const item of newestOf(input.workers)) {
    const { workerId, lastUpdateEpochS } = item;
    if (workerId === self || renewing.has(workerId)) continue;
    const before = input.silences.get(workerId);
    const known = before?.lastUpdateEpochS === lastUpdateEpochS ? before : undefined;
    const hadBegun = lost.get(workerId);
    if (known !== undefined || hadBegun !== undefined) {
      silences.set(workerId, {
        lastUpdateEpochS,
        hadBegun: known?.hadBegun === true || hadBegun === true,
      });
    }
    const silence = silences.get(workerId);
    const isSilent = silence !== undefined && ageOf(item) * 1000 > failoverTimeMs / 2;
    if (isSilent) silent.add(workerId);
    const hasMissedReports = !holding.has(workerId) &&
      stoodMs(reports.get(workerId), item, nowMs) > MISSED_MS;
    if ((isSilent && silence.hadBegun) || hasMissedReports) gone.push(item);
  }
  return { silences, silent, gone, renewing };
}

/** Two reports. */
const MISSED_MS = 2 * METRICS_REPORT_INTERVAL_S * 1000;

interface Signs {
  readonly renewing: ReadonlySet<string>;
  /** Owners of leases that have not expired, and of which it is not known whether they were begun. */
  readonly holding: ReadonlySet<string>;
  /** Owners of leases that have expired: whether they may have begun one of those. */
  readonly lost: ReadonlyMap<string, boolean>;
}

function signsOf({ leases, unbegun, given }: SilenceInput, expired: (lease: Lease) => boolean): Signs {
  const renewing = new Set<string>(), holding = new Set<string>(), lost = new Map<string, boolean>();
  for (const lease of leases) {
    const owner = actualOwner(lease);
    if (owner === undefined) continue;
    const isGiven = given.has(lease.leaseKey);
    if (expired(lease)) lost.set(owner, lost.get(owner) === true || !isGiven);
    else if (!unbegun.has(lease.leaseKey)) renewing.add(owner);
    else if (!isGiven) holding.add(owner);
  }
  return { renewing, holding, lost };
}

/** One item of each worker, the newest where there are two tables. An item without a time says nothing. */
function newestOf(workers: readonly WorkerMetrics[]): Iterable<GoneWorker> {
  const newest = new Map<string, GoneWorker>();
  for (const { workerId, lastUpdateEpochS } of workers) {
    if (lastUpdateEpochS === undefined) continue;
    const other = newest.get(workerId);
    if (other === undefined || other.lastUpdateEpochS < lastUpdateEpochS) {
      newest.set(workerId, { workerId, lastUpdateEpochS });
    }
  }
  return newest.values();
}

/** For how long the report has been seen unchanged. Wall clocks do not count here: they may be wrong. */
function stoodMs(sighting: ReportSighting | undefined, item: GoneWorker, nowMs: number): number {
  return sighting?.lastUpdateEpochS === item.lastUpdateEpochS ? nowMs - sighting.sinceMs : 0;
}
