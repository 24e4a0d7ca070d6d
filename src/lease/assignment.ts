// Pure.
/**
 * One pass of the leader: decides which lease is assigned to which worker, and how.
 *
 * First come the leases that have no owner, have expired, or were given to a worker that had left
 * (`departures.ts`), oldest first. Then come handoffs that take too
 * long. Then, when balancing is due, leases move from busy workers to idle ones. A lease that is being handed
 * over is not touched until it expires or its time is up. The leader's own limits apply to every worker, as
 * in KCL: no worker can report its own.
 *
 * A worker counts as alive while its metrics item is fresh. But an item is fresh for a minute, and a worker
 * that was killed must not be given leases for that minute. `silence.ts` decides which workers are passed
 * over. (KCL has no such rule, and may give a killed worker its own expired leases again.)
 *
 * Other programs on the same table renew leases and report nothing. Such an owner counts as a worker whose
 * load is not known. Workers that have fewer leases take some from it. It is given none, since it may not
 * look for new leases.
 *
 * A worker that an operator drains is given nothing either, and all that it has moves to others
 * (`draining.ts`).
 *
 * Source: KCL 3.5.1, `LeaseAssignmentManager`.
 *
 * @module
 */

import { moveByCount } from "./assignment_by_count.ts";
import { type LoadOptions, moveByLoad } from "./assignment_by_load.ts";
import type { WorkerMetrics } from "./coordinator_store.ts";
import { type DepartureInput, strandedLeases } from "./departures.ts";
import { drainRoles, markedWorkers } from "./draining.ts";
import { availableLeases, type Sighting } from "./expiry.ts";
import type { Fleet, Move, Moves } from "./fleet.ts";
import { HANDOFF_TIMEOUT_MS, type HandoffSighting, isHandoffOverdue } from "./handoff.ts";
import { actualOwner, type Lease } from "./lease.ts";
import { assign, type LeaseWrite, startHandoff } from "./lease_write.ts";
import { type LiveWorker, liveWorkers } from "./live_workers.ts";
import { reportAge } from "./reports.ts";
import { type GoneWorker, type Silence, type SilenceInput, silentWorkers } from "./silence.ts";
import { isShardEnd } from "../stream/sequence_number.ts";

/** How leases are spread. KCL: `leaseAssignmentStrategy`. */
export type LeaseAssignmentStrategy = "LEASE_COUNT_BASED" | "WORKER_UTILIZATION_AWARE";

/** The leader's options for assignment. */
export interface AssignmentOptions extends Omit<LoadOptions, "balance" | "newcomers" | "random"> {
  readonly strategy: LeaseAssignmentStrategy;
  readonly failoverTimeMs: number;
  /**
   * Whether a live owner is asked to hand a lease over, or the lease is given to another worker directly.
   * KCL: `isGracefulLeaseHandoffEnabled`.
   */
  readonly gracefulHandoff: boolean;
  /** An owner's time to drain, in ms. KCL: `gracefulLeaseHandoffTimeoutMillis`. */
  readonly handoffTimeoutMs: number;
}

/** KCL's defaults; the failover time is the worker's. */
export const ASSIGNMENT_DEFAULTS: Omit<AssignmentOptions, "failoverTimeMs"> = {
  strategy: "WORKER_UTILIZATION_AWARE",
  maxLeasesForWorker: Infinity,
  maxThroughputPerHostKBps: Infinity,
  dampeningPercentage: 60,
  reBalanceThresholdPercentage: 10,
  allowThroughputOvershoot: true,
  gracefulHandoff: true,
  handoffTimeoutMs: HANDOFF_TIMEOUT_MS,
};

/**
 * The pause between two balancings of WORKER_UTILIZATION_AWARE, in ms. Its measurements are 30 s apart and
 * smoothed, so balancing more often moves leases back and forth. Counting leases has no such delay. KCL:
 * `varianceBalancingFrequency` 3, times `leaseAssignmentIntervalMillis` 20 s.
 */
export const LOAD_BALANCING_INTERVAL_MS = 60_000;

/** What the leader knows at the start of a pass. */
export interface AssignmentInput extends SilenceInput, DepartureInput {
  /** All metrics items, whatever their age; from both tables if there are two. */
  readonly workers: readonly WorkerMetrics[];
  /** What `observe()` made of `leases`. */
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** What `observeHandoffs()` made of `leases`. */
  readonly handoffs: ReadonlyMap<string, HandoffSighting>;
  /** Whether measured load is to be evened out in this pass. Counts always are. */
  readonly balance: boolean;
  /**
   * Ids of workers that have had no lease since they joined: they get their part whether balancing is due or
   * not.
   */
  readonly newcomers: ReadonlySet<string>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** One write for the leader to make. If the table refuses it, the next pass decides again. */
export type Assignment =
  | { readonly how: "assign"; readonly lease: Lease; readonly to: string }
  | {
    readonly how: "startHandoff";
    readonly lease: Lease & { readonly leaseOwner: string };
    readonly to: string;
  };

/** The result of a pass. No lease is in `assignments` twice. */
export interface AssignmentPlan {
  readonly assignments: readonly Assignment[];
  /** Keys of leases that need an owner while no worker has room: these shards are unread. */
  readonly spillover: readonly string[];
  /** How many workers could be given leases. */
  readonly workers: number;
  /** How many owned leases had expired. */
  readonly expired: number;
  /** How many leases had no owner. */
  readonly free: number;
  /** How many leases are to move between live workers. */
  readonly balanced: number;
  /**
   * Workers that have died. Their metrics items should be deleted, if they are still as they were read.
   * Otherwise another leader would give these workers leases for as long as the items look fresh. A worker
   * that is alive after all writes its item again.
   */
  readonly gone: readonly GoneWorker[];
  /** What the next pass is to know of silent workers. */
  readonly silences: ReadonlyMap<string, Silence>;
}

/** Plans one pass. */
export function planAssignments(input: AssignmentInput, options: AssignmentOptions): AssignmentPlan {
  const { nowMs } = input;
  const { failoverTimeMs, handoffTimeoutMs: timeoutMs } = options;
  const available = availableLeases(input.sightings, input.leases, { failoverTimeMs, nowMs });
  const needy = new Set([...available, ...strandedLeases(input)]);
  const { silent, gone, silences, renewing } = silentWorkers(
    input,
    (lease) => needy.has(lease),
    failoverTimeMs,
  );
  const ageOf = reportAge(input.reports, { epochS: input.nowEpochS, ms: nowMs });
  const alive = liveWorkers(input.workers, ageOf).filter(({ workerId }) => !silent.has(workerId));
  const { candidates, draining } = drainRoles(alive, markedWorkers(input.workers), renewing);
  const overdue = input.leases.filter((lease) =>
    !needy.has(lease) &&
    isHandoffOverdue(input.handoffs.get(lease.leaseKey), { timeoutMs, failoverTimeMs, nowMs })
  );
  // An overdue handoff is completed as planned. It is called off if the next owner has died, or is drained.
  // If both owners have died, the lease goes to any worker. A drained one of the two is better than none.
  const mayGet = new Set<string | undefined>(candidates.map((worker) => worker.workerId));
  const live = new Set<string | undefined>([...alive.map((worker) => worker.workerId), ...draining]);
  const ended: Move[] = [];
  for (const lease of overdue) {
    const owners = [lease.leaseOwner, lease.checkpointOwner];
    const to = owners.find((workerId) => mayGet.has(workerId)) ??
      owners.find((workerId) => live.has(workerId));
    if (to === undefined) needy.add(lease);
    else ended.push({ lease, to });
  }
  const settled = input.leases.filter((lease) => !needy.has(lease));
  const unbegun = options.gracefulHandoff ? input.unbegun : new Set<string>();
  const strangers = [...renewing].filter((workerId) => !live.has(workerId)).toSorted();
  const fleet = { candidates, strangers, draining, available: [...needy], settled, unbegun };
  const moves = movesOf(fleet, input, options);
  const expired = available.filter((lease) => actualOwner(lease) !== undefined).length;
  return {
    assignments: [
      ...moves.given.filter(isWritten).map(assigned),
      ...ended.map(assigned),
      ...moves.balanced.map(options.gracefulHandoff ? handedOver : assigned),
    ],
    spillover: moves.spillover.map((lease) => lease.leaseKey),
    workers: candidates.length,
    expired,
    free: available.length - expired,
    balanced: moves.balanced.length,
    gone,
    silences,
  };
}

/**
 * Which workers have had a lease since they joined, from the earlier listings and this one. A worker without
 * a metrics item has left; if it comes back, it joins again.
 */
export function servedWorkers(
  served: ReadonlySet<string>,
  leases: readonly Lease[],
  workers: readonly WorkerMetrics[],
): Set<string> {
  const owners = new Set(leases.map((lease) => lease.leaseOwner));
  return new Set(
    workers.map(({ workerId }) => workerId).filter((id) => owners.has(id) || served.has(id)),
  );
}

/** The write that carries out an assignment. */
export function writeOf(assignment: Assignment): LeaseWrite {
  switch (assignment.how) {
    case "assign":
      return assign(assignment.lease, assignment.to);
    case "startHandoff":
      return startHandoff(assignment.lease, assignment.to);
  }
}

function movesOf(fleet: Fleet, input: AssignmentInput, options: AssignmentOptions): Moves {
  switch (options.strategy) {
    case "LEASE_COUNT_BASED":
      return moveByCount(fleet, options);
    case "WORKER_UTILIZATION_AWARE":
      return isQuiet(fleet) ? moveByCount(fleet, options) : moveByLoad(fleet, {
        maxLeasesForWorker: options.maxLeasesForWorker,
        maxThroughputPerHostKBps: options.maxThroughputPerHostKBps,
        dampeningPercentage: options.dampeningPercentage,
        reBalanceThresholdPercentage: options.reBalanceThresholdPercentage,
        allowThroughputOvershoot: options.allowThroughputOvershoot,
        balance: input.balance,
        newcomers: input.newcomers,
        random: input.random,
      });
  }
}

/**
 * A worker that is used less than this has nothing to do, in percent. Our own figure: what an idle process
 * takes.
 */
const QUIET_PERCENT = 5;
/**
 * Leases that bring less than this on average are idle, in KB/s. Our own figure: 0.1 % of what a shard can
 * take in.
 */
const QUIET_KBPS = 1;

/**
 * Whether there is no load to balance by: no worker has measured anything yet, or all loads are very small.
 * Then leases are counted instead. So a fresh fleet is spread immediately, and an idle fleet does not move
 * leases because of noise.
 */
function isQuiet({ candidates, available, settled }: Fleet): boolean {
  const isBusy = ({ utilization }: LiveWorker) =>
    [...utilization.values()].some(({ value }) => value >= QUIET_PERCENT);
  const open = [...available, ...settled].filter((lease) => !isShardEnd(lease.checkpoint));
  const totalKBps = open.reduce((total, lease) => total + (lease.throughputKBps ?? 0), 0);
  return !candidates.some(isBusy) && totalKBps < QUIET_KBPS * Math.max(1, open.length);
}

/**
 * An expired lease that stays with its owner is not written: the write would end the ownership of a worker
 * that may be about to renew. If a handoff is pending, the lease must be written: otherwise no worker could
 * ever start it.
 */
function isWritten({ lease, to }: Move): boolean {
  return lease.checkpointOwner !== undefined || lease.leaseOwner !== to;
}

function assigned({ lease, to }: Move): Assignment {
  return { how: "assign", lease, to };
}

function handedOver({ lease, to }: Move): Assignment {
  const { leaseOwner } = lease;
  return leaseOwner === undefined
    ? { how: "assign", lease, to }
    : { how: "startHandoff", lease: { ...lease, leaseOwner }, to };
}
