/**
 * What a leader does. It lists the table once a pass. From the listing it assigns leases, audits the coverage
 * of the stream, and deletes workers that died long ago.
 *
 * A deputy also watches the leases while no leader is seen. So it need not start counting from zero once it
 * has the lock.
 *
 * Source: KCL 3.5.1, `LeaseAssignmentManager`, `PeriodicShardSyncManager`; the decisions are in `lease/`.
 *
 * @module
 */

import type { FleetFault, WorkerEventListener } from "../events.ts";
import {
  type Assignment,
  type AssignmentOptions,
  LOAD_BALANCING_INTERVAL_MS,
  planAssignments,
  servedWorkers,
  writeOf,
} from "../lease/assignment.ts";
import { type AuditCounts, countAudit, isConfirmed } from "../lease/audits.ts";
import { givenLeases, observeBeginnings, unbegunLeases } from "../lease/beginnings.ts";
import type { CoordinatorStore, TablePlace, WorkerMetrics } from "../lease/coordinator_store.ts";
import { observeReported } from "../lease/departures.ts";
import { availableLeases, nextExpiryMs } from "../lease/expiry.ts";
import { largestLag } from "../lease/fleet_lag.ts";
import { leasesToGiveOut } from "../lease/gaps.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore, TableListing } from "../lease/lease_store.ts";
import { observeReports } from "../lease/reports.ts";
import type { GoneWorker } from "../lease/silence.ts";
import type { LeaderLook } from "../lease/solitude.ts";
import { newWatch, type TableWatch, watchOn } from "../lease/table_watch.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { System } from "../system.ts";
import type { LeaseSyncer } from "./shard_syncer.ts";
import { forEachAtMost, WRITES_AT_ONCE } from "../async/task_group.ts";
import { withGrace } from "../async/waiting.ts";

/** A leader that is stopped waits at most this time for the writes that it has begun, in ms. Ours. */
export const FINISH_LIMIT_MS = 2000;

/** What a leader's work needs. */
export interface LeaderDutiesOptions {
  readonly workerId: string;
  readonly leaseStore: LeaseStore;
  /** Lists the table. @default leaseStore.list */
  readonly list?: ((signal: AbortSignal) => Promise<TableListing>) | undefined;
  readonly coordinatorStore: CoordinatorStore;
  readonly place: TablePlace;
  readonly assignment: AssignmentOptions;
  /** The pause between two passes, in ms. By default a quarter of the failover time. */
  readonly leaseAssignmentIntervalMs?: number;
  readonly leaseSyncer: LeaseSyncer;
  /**
   * How far apart two sightings of an unread shard or row must be to count as two, in ms. By default the
   * failover time.
   */
  readonly leaseAuditIntervalMs?: number;
  readonly system: System;
  readonly emit: WorkerEventListener;
  /** Checked before every write: a pass may outlast the lock. */
  readonly isLeading: () => boolean;
  /** Called for each write that was answered: a long pass that makes progress does not hang. */
  readonly onProgress: () => void;
  /** Called when a lease was assigned to this very worker. */
  readonly onOwnLease: (lease: Lease) => void;
  /** Called when this very worker is to hand a lease over. @default nobody listens */
  readonly onOwnHandoff?: (() => void) | undefined;
  /** Called in each pass with what the table shows, before anything is assigned. @default nobody listens */
  readonly onLook?: ((look: LeaderLook) => void) | undefined;
  /** What an earlier process of this worker saw of the leases. @default nothing */
  readonly watch?: TableWatch | undefined;
  /** Whether the stream may be compared with its leases now. @default {() => true} */
  readonly mayCompare?: (() => boolean) | undefined;
  /** Called when this very worker has no metrics item: no leader, itself included, can give it leases. */
  readonly onOwnItemMissing: () => void;
}

/** A listing of the table, with the monotonic ms at which it began and ended. */
export interface NotedListing {
  readonly listing: TableListing;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** The leader's memory from pass to pass. */
export class LeaderDuties {
  readonly #options: LeaderDutiesOptions;
  #watch: TableWatch;
  #balancedMs: number | undefined;
  readonly #toldUnreadable = new Set<string>();
  /** Rows and leases that no worker reads, as names of code and key. */
  #unread: AuditCounts = new Map();
  #auditedMs = -Infinity;

  constructor(options: LeaderDutiesOptions) {
    this.#options = options;
    this.#watch = options.watch ?? newWatch(options.system.clock.monotonicMs());
  }

  /** What is known from the passes so far. */
  get seen(): TableWatch {
    return this.#watch;
  }

  /**
   * One pass as leader. What cannot be synced does not keep the leases that are there from being assigned.
   *
   * @returns In how many ms the next lease may have expired: the latest time to look again.
   * @throws what failed; the error of a sync that failed only once the leases are assigned.
   */
  async lead(signal: AbortSignal): Promise<number> {
    const { leaseStore, leaseSyncer, system, emit, onOwnLease, workerId, isLeading, onProgress } =
      this.#options;
    const sinceEpochMs = system.clock.epochMs();
    const startedMs = system.clock.monotonicMs();
    let listing = await this.watch(signal);
    const { mayCompare = () => true } = this.#options;
    const leading = {
      sinceEpochMs,
      watchedSinceMs: this.#watch.sinceMs,
      isLeading,
      onProgress,
      mayCompare: mayCompare(),
    };
    let syncFailure: { readonly error: unknown } | undefined;
    try {
      if (await leaseSyncer.syncIfNeeded(listing.leases, leading, signal)) listing = await this.watch(signal);
    } catch (error) {
      signal.throwIfAborted();
      syncFailure = { error };
    }
    this.#audit(listing);
    const faults = this.#faults();
    emit({ type: "fleetAudited", faults });
    const leases = leasesToGiveOut(listing.leases);
    const workers = await this.#workers(listing, signal);
    if (!workers.some((worker) => worker.workerId === workerId)) this.#options.onOwnItemMissing();
    this.#options.onLook?.({ workerId, leases: listing.leases, workers });
    const { sightings, handoffs, beginnings, reports, silences } = this.#watch;
    const served = servedWorkers(this.#watch.served, leases, workers);
    const lookedMs = system.clock.monotonicMs();
    const reported = observeReported(this.#watch.reported, leases, workers, lookedMs);
    const balance = this.#isBalancingDue(startedMs);
    const newcomers = workers.map((worker) => worker.workerId).filter((id) => !served.has(id));
    const plan = planAssignments({
      workerId,
      leases,
      workers,
      sightings,
      handoffs,
      reports,
      silences,
      unbegun: unbegunLeases(beginnings),
      given: givenLeases(beginnings),
      reported,
      nowMs: startedMs,
      nowEpochS: system.clock.epochMs() / 1000,
      balance,
      newcomers: new Set(newcomers),
      random: system.random,
    }, this.#options.assignment);
    this.#watch = { ...this.#watch, served, reported, silences: plan.silences };
    const plannedMs = system.clock.monotonicMs();
    const assigned: Lease[] = [];
    let refused = 0;
    // A write that was cut off might arrive after this worker has passed its leases on and left.
    const grace = { clock: system.clock, ms: FINISH_LIMIT_MS, signal };
    await withGrace(grace, (late) =>
      forEachAtMost(plan.assignments, WRITES_AT_ONCE, async (assignment) => {
        if (signal.aborted || !isLeading()) return;
        const outcome = await leaseStore.apply(writeOf(assignment), late);
        onProgress();
        // Refused: the lease has changed since it was listed; the next pass sees how.
        if (!outcome.applied) return void refused++;
        assigned.push(outcome.lease);
        this.#tell(assignment);
        if (assignment.to === workerId) onOwnLease(outcome.lease);
        else if (assignment.lease.leaseOwner === workerId) this.#options.onOwnHandoff?.();
      }));
    signal.throwIfAborted();
    const begun = new Map([...beginnings, ...observeBeginnings(beginnings, assigned)]);
    this.#watch = { ...this.#watch, beginnings: begun };
    if (!isLeading()) return Infinity;
    const unreadableWorkers = listing.unreadable.filter(({ isMetrics }) => isMetrics).length;
    const unreadable = listing.unreadable.length - unreadableWorkers;
    const withoutLease = faults.find(({ code }) => code === "shardUnread")?.subjects.length ?? 0;
    const { failoverTimeMs } = this.#options.assignment;
    const largest = largestLag(leases, sightings, { failoverTimeMs, nowMs: lookedMs });
    const writtenMs = system.clock.monotonicMs();
    emit({
      type: "assignmentPass",
      leases: leases.length,
      workers: plan.workers,
      expired: plan.expired,
      free: plan.free,
      assigned: assigned.length,
      spillover: plan.spillover.length,
      balanced: balance || plan.balanced > 0 ? plan.balanced : undefined,
      refused,
      unread: this.#unowned(leases, assigned, startedMs) + unreadable + withoutLease,
      maxLagMs: largest?.lagMs,
      maxLagLeaseKey: largest?.leaseKey,
      unreadable,
      unreadableWorkers,
      ms: writtenMs - startedMs,
      readMs: lookedMs - startedMs,
      planMs: plannedMs - lookedMs,
      writeMs: writtenMs - plannedMs,
    });
    await this.#deleteGone(plan.gone, signal);
    if (syncFailure !== undefined) throw syncFailure.error;
    const nowMs = system.clock.monotonicMs();
    // No other worker led during this pass, however long its writes took: the watch is not broken.
    if (isLeading()) this.#watch = { ...this.#watch, lastMs: nowMs };
    return nextExpiryMs(sightings, { failoverTimeMs, nowMs }) - nowMs;
  }

  /** Lists the table and remembers what it shows. */
  async watch(signal: AbortSignal): Promise<TableListing> {
    const { leaseStore, system: { clock }, list = (signal) => leaseStore.list(signal) } = this.#options;
    const startedMs = clock.monotonicMs();
    const listing = await list(signal);
    this.note({ listing, startedMs, endedMs: clock.monotonicMs() });
    return listing;
  }

  /** Remembers what a look at the table has shown. */
  note({ listing, startedMs, endedMs }: NotedListing): void {
    const { emit, place } = this.#options;
    const { failoverTimeMs } = this.#options.assignment;
    this.#watch = watchOn(this.#watch, {
      leases: listing.leases,
      workers: place === "leaseTable" ? listing.workers : undefined,
      startedMs,
      endedMs,
    }, { failoverTimeMs, passIntervalMs: this.#options.leaseAssignmentIntervalMs ?? failoverTimeMs / 4 });
    const unreadable = new Set(listing.unreadable.map(({ key }) => key));
    for (const key of this.#toldUnreadable) if (!unreadable.has(key)) this.#toldUnreadable.delete(key);
    for (const { key, problem } of listing.unreadable) {
      if (this.#toldUnreadable.has(key)) continue;
      this.#toldUnreadable.add(key);
      emit({ type: "leaseUnreadable", leaseKey: key, problem });
    }
  }

  /**
   * Notes which rows cannot be read as leases, and which leases have no owner before this pass assigns them.
   * A row or lease that is found again is counted when an audit is due. One that is no longer found is
   * dropped immediately.
   */
  #audit({ unreadable, leases }: TableListing): void {
    const { system: { clock }, assignment: { failoverTimeMs } } = this.#options;
    const { leaseAuditIntervalMs = failoverTimeMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const { sightings, sinceMs: watchedSinceMs } = this.#watch;
    const unfinished = leases.filter(({ checkpoint }) => !isShardEnd(checkpoint));
    const free = availableLeases(sightings, unfinished, { failoverTimeMs, nowMs });
    const found = new Set([
      ...unreadable.flatMap(({ key, isMetrics }) => isMetrics ? [] : [`leaseUnreadable ${key}`]),
      ...free.map(({ leaseKey }) => `leaseUnowned ${leaseKey}`),
    ]);
    // What was found before the watch began says nothing of now.
    if (this.#auditedMs < watchedSinceMs) this.#unread = new Map();
    if (nowMs - this.#auditedMs < leaseAuditIntervalMs) {
      this.#unread = new Map([...this.#unread].filter(([name]) => found.has(name)));
      return;
    }
    this.#unread = countAudit(this.#unread, found);
    this.#auditedMs = nowMs;
  }

  /** How many unfinished leases have no live owner, after this pass. */
  #unowned(leases: readonly Lease[], assigned: readonly Lease[], nowMs: number): number {
    const { failoverTimeMs } = this.#options.assignment;
    const given = new Set(assigned.map(({ leaseKey }) => leaseKey));
    return availableLeases(this.#watch.sightings, leases, { failoverTimeMs, nowMs })
      .filter(({ leaseKey, checkpoint }) => !given.has(leaseKey) && !isShardEnd(checkpoint)).length;
  }

  /** One of each code: of many streams there may be many alike. */
  #faults(): readonly FleetFault[] {
    const own = (["leaseUnreadable", "leaseUnowned"] as const).flatMap((code) =>
      [...this.#unread.keys()]
        .filter((name) => name.startsWith(`${code} `) && isConfirmed(this.#unread, name))
        .map((name): FleetFault => ({ code, subjects: [name.slice(code.length + 1)], detail: undefined }))
    );
    const found: readonly FleetFault[] = [...this.#options.leaseSyncer.faults ?? [], ...own];
    const merged = new Map<FleetFault["code"], FleetFault>();
    for (const { code, subjects, detail } of found) {
      const before = merged.get(code);
      merged.set(code, {
        code,
        subjects: [...before?.subjects ?? [], ...subjects],
        detail: before === undefined ? detail : before.detail,
      });
    }
    return [...merged.values()];
  }

  async #workers(listing: TableListing, signal: AbortSignal): Promise<readonly WorkerMetrics[]> {
    const { place, coordinatorStore, system } = this.#options;
    if (place === "leaseTable") return listing.workers;
    const workers = [...listing.workers, ...await coordinatorStore.listLegacyWorkerMetrics(signal)];
    const reports = observeReports(this.#watch.reports, workers, system.clock.monotonicMs());
    this.#watch = { ...this.#watch, reports };
    return workers;
  }

  /** Measured load follows too slowly to go by it at every pass. */
  #isBalancingDue(nowMs: number): boolean {
    if (this.#balancedMs !== undefined && nowMs - this.#balancedMs < LOAD_BALANCING_INTERVAL_MS) return false;
    this.#balancedMs = nowMs;
    return true;
  }

  #tell(assignment: Assignment): void {
    const { leaseKey, leaseOwner } = assignment.lease;
    const { emit } = this.#options;
    if (assignment.how === "assign") {
      emit({ type: "leaseAssigned", leaseKey, from: leaseOwner, to: assignment.to });
    } else emit({ type: "handoffStarted", leaseKey, from: assignment.lease.leaseOwner, to: assignment.to });
  }

  /** Conditional on what was read: a worker that has reported since is not touched. */
  async #deleteGone(
    workers: readonly GoneWorker[],
    signal: AbortSignal,
  ): Promise<void> {
    const { coordinatorStore, place, isLeading } = this.#options;
    await forEachAtMost(workers, WRITES_AT_ONCE, async (worker) => {
      if (isLeading()) await coordinatorStore.deleteWorkerMetrics(place, worker, signal);
    });
  }
}
