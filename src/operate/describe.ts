// Pure.
/**
 * Describes a fleet from one or two looks at its table: who holds which lease, whether its owner renews it,
 * which workers report, and who leads.
 *
 * No clock of a worker is compared with ours to say whether it lives: between two looks a live owner's
 * counter has moved. Only the age of a report is a difference of two clocks.
 *
 * @module
 */

import type { WorkerMetrics } from "../lease/coordinator_store.ts";
import { lastWriter } from "../lease/incarnation.ts";
import { METRICS_REPORT_INTERVAL_S } from "../lease/live_workers.ts";
import { actualOwner, type Lease, progressOf } from "../lease/lease.ts";
import { OWNER_INDEX } from "../store/lease_table.ts";
import { isShardEnd, textOf } from "../stream/sequence_number.ts";
import { failureText } from "./look_failure.ts";
import type { TableLook } from "./table_look.ts";

/**
 * What a lease is in. `held`: its owner renews it. `notRenewed`: it has an owner who did not renew it
 * between the looks. `assigned`: it has an owner, and one look does not show more. `handoff`: one worker
 * drains it for another. `free`: it has no owner. `finished`: its shard is processed to its end.
 */
export type LeaseState = "held" | "notRenewed" | "assigned" | "handoff" | "free" | "finished";

/** One lease. */
export interface LeaseRow {
  readonly leaseKey: string;
  readonly shardId: string;
  /** `account:stream:epoch` in a table of many streams. */
  readonly streamIdentifier: string | undefined;
  readonly state: LeaseState;
  /** Who processes the shard now, or should. */
  readonly owner: string | undefined;
  /** Who gets it when the handoff under way is through. */
  readonly nextOwner: string | undefined;
  readonly checkpoint: string;
  /** A checkpoint that was announced and not made. */
  readonly pendingCheckpoint: string | undefined;
  readonly leaseCounter: number;
  /** By how much it moved between the looks. Undefined after one look, and of a lease that is new. */
  readonly counterMoved: number | undefined;
  readonly parentShardIds: readonly string[];
  readonly childShardIds: readonly string[];
  readonly ownerSwitchesSinceCheckpoint: number;
  readonly throughputKBps: number | undefined;
  /**
   * How far behind the tip the shard's processor was, in ms, when its owner last wrote. Undefined where that
   * is not known, e.g. of an owner that is KCL for Java.
   */
  readonly lagMs: number | undefined;
  /** Records that the processor returned from, as its owner last measured. Undefined as `lagMs`. */
  readonly recordsPerSecond: number | undefined;
  /** Whether records after the checkpoint are finished already (kclite's `kcliteDone`). */
  readonly hasFinishedAhead: boolean;
  /** Whether the last write was made by a worker of kclite. */
  readonly isWrittenByKclite: boolean;
}

/** `reports`: its last report is young. `silent`: it is old. `noReport`: it owns leases and never reports. */
export type WorkerState = "reports" | "silent" | "noReport";

/** One worker. */
export interface WorkerRow {
  /** Its `workerIdentifier`. */
  readonly workerId: string;
  /** What its reports say. */
  readonly state: WorkerState;
  /** How old its last report is. */
  readonly reportAgeMs: number | undefined;
  /** The last figure of its report, in percent. */
  readonly cpuPercent: number | undefined;
  /** What its owner allows for it, in percent. */
  readonly cpuLimitPercent: number | undefined;
  /** Sum over its leases. */
  readonly throughputKBps: number;
  /** Unfinished leases that it owns, those that it still drains for others included. */
  readonly leases: number;
  /** Whether it holds the leader's lock. */
  readonly isLeader: boolean;
  /** When it was asked to give all of its leases away, in epoch seconds. */
  readonly drainingSinceEpochS: number | undefined;
}

/** A fleet. */
export interface FleetDescription {
  readonly tableName: string;
  /** Wall time of the last look, ISO 8601. */
  readonly time: string;
  /** Undefined after one look. */
  readonly betweenMs: number | undefined;
  readonly table: TableRow;
  readonly leader: {
    readonly workerId: string;
    readonly leaseDurationMs: number;
    /** Whether the lock was renewed between the looks, where they were far enough apart to say. */
    readonly isRenewed: boolean | undefined;
  } | undefined;
  readonly workers: readonly WorkerRow[];
  readonly leases: readonly LeaseRow[];
  /** Keys of leases that were there at the first look, and not at the last. */
  readonly goneLeases: readonly string[];
  readonly unreadable: readonly { readonly key: string; readonly problem: string }[];
  /** What could not be read, in sentences. */
  readonly notRead: readonly string[];
}

/** The table. */
export interface TableRow {
  readonly status: string | undefined;
  readonly billingMode: string | undefined;
  readonly readCapacity: number | undefined;
  readonly writeCapacity: number | undefined;
  /** Of the index from owners to leases. Undefined: there is none, or it could not be seen. */
  readonly ownerIndex: string | undefined;
  /** `single`: KCL 3.5. `legacy`: KCL 3.0 to 3.4, with two tables more. `unknown`: not to be read. */
  readonly format: "single" | "legacy" | "unknown";
  readonly migrations: readonly {
    readonly key: string;
    readonly value: string;
    readonly modifiedBy: string;
  }[];
}

/** As old as leaders take: a worker with an older report gets no leases. */
const REPORT_LIMIT_MS = 2 * METRICS_REPORT_INTERVAL_S * 1000;

/** What is kept of an earlier look: of 20,000 leases all would be much. */
export interface Glimpse extends Pick<TableLook, "lock" | "startedMs"> {
  readonly counters: ReadonlyMap<string, number>;
}

/** What to keep of a look for the next one. */
export function glimpseOf({ leases, lock, startedMs }: TableLook): Glimpse {
  const counters = new Map(leases.map(({ leaseKey, leaseCounter }) => [leaseKey, leaseCounter]));
  return { counters, lock, startedMs };
}

/** Describes. @param before The first of two looks. */
export function describeFleet(before: Glimpse | undefined, now: TableLook): FleetDescription {
  const leases = now.leases.map((lease) => leaseRow(lease, before?.counters));
  const keys = new Set(now.leases.map(({ leaseKey }) => leaseKey));
  const betweenMs = before === undefined ? undefined : Math.round(now.startedMs - before.startedMs);
  return {
    tableName: now.tableName,
    time: new Date(now.startedEpochMs).toISOString(),
    betweenMs,
    table: tableRow(now),
    leader: leaderOf(before, now),
    workers: workerRows(now),
    leases,
    goneLeases: [...before?.counters.keys() ?? []].filter((leaseKey) => !keys.has(leaseKey)),
    unreadable: now.unreadable.map(({ key, problem }) => ({ key, problem })),
    notRead: now.failures.map(failureText),
  };
}

function leaseRow(lease: Lease, counters: ReadonlyMap<string, number> | undefined): LeaseRow {
  const known = counters?.get(lease.leaseKey);
  const { checkpointOwner, leaseOwner } = lease;
  const isHandoff = checkpointOwner !== undefined && checkpointOwner !== leaseOwner;
  const progress = progressOf(lease);
  return {
    leaseKey: lease.leaseKey,
    shardId: lease.shardId,
    streamIdentifier: lease.streamIdentifier,
    state: stateOf(lease, isHandoff, counters === undefined ? undefined : known !== lease.leaseCounter),
    owner: actualOwner(lease),
    nextOwner: isHandoff ? leaseOwner : undefined,
    checkpoint: textOf(lease.checkpoint),
    pendingCheckpoint: lease.pendingCheckpoint === undefined ? undefined : textOf(lease.pendingCheckpoint),
    leaseCounter: lease.leaseCounter,
    counterMoved: known === undefined ? undefined : lease.leaseCounter - known,
    parentShardIds: lease.parentShardIds,
    childShardIds: lease.childShardIds,
    ownerSwitchesSinceCheckpoint: lease.ownerSwitchesSinceCheckpoint,
    throughputKBps: lease.throughputKBps,
    lagMs: progress?.lagMs,
    recordsPerSecond: progress?.recordsPerSecond,
    hasFinishedAhead: lease.finishedAhead !== undefined && lease.finishedAhead !== "",
    isWrittenByKclite: lastWriter(lease) !== undefined,
  };
}

/** @param hasMoved Undefined after one look. */
function stateOf(lease: Lease, isHandoff: boolean, hasMoved: boolean | undefined): LeaseState {
  if (isShardEnd(lease.checkpoint)) return "finished";
  if (actualOwner(lease) === undefined) return "free";
  if (hasMoved === false) return "notRenewed";
  if (isHandoff) return "handoff";
  return hasMoved === undefined ? "assigned" : "held";
}

function leaderOf(
  { lock: earlier, startedMs }: Partial<Glimpse> = {},
  now: TableLook,
): FleetDescription["leader"] {
  const { lock } = now;
  if (lock === undefined || lock.isReleased) return undefined;
  const { ownerName, leaseDurationMs, recordVersionNumber } = lock;
  const hasMoved = earlier === undefined ? undefined : earlier.recordVersionNumber !== recordVersionNumber;
  // A heartbeat is due once in a while only: a lock that stands still for a short time says nothing.
  const isLong = startedMs !== undefined && now.startedMs - startedMs >= leaseDurationMs;
  return {
    workerId: ownerName,
    leaseDurationMs,
    isRenewed: hasMoved === true ? true : isLong && hasMoved === false ? false : undefined,
  };
}

function workerRows(now: TableLook): WorkerRow[] {
  const reports = new Map(now.workers.map((worker) => [worker.workerId, worker]));
  const owned = new Map<string, { leases: number; kBps: number }>();
  for (const lease of now.leases) {
    const owner = actualOwner(lease);
    if (owner === undefined || isShardEnd(lease.checkpoint)) continue;
    const sum = owned.get(owner) ?? { leases: 0, kBps: 0 };
    sum.leases++;
    sum.kBps += lease.throughputKBps ?? 0;
    owned.set(owner, sum);
  }
  const ids = [...new Set([...reports.keys(), ...owned.keys()])].sort();
  return ids.map((workerId) => {
    const report = reports.get(workerId);
    const { leases = 0, kBps = 0 } = owned.get(workerId) ?? {};
    const reportAgeMs = report?.lastUpdateEpochS === undefined
      ? undefined
      : Math.max(0, now.startedEpochMs - report.lastUpdateEpochS * 1000);
    return {
      workerId,
      state: workerState(report, reportAgeMs),
      reportAgeMs,
      cpuPercent: lastFigure(report, "stats"),
      cpuLimitPercent: lastFigure(report, "operatingRange"),
      throughputKBps: kBps,
      leases,
      isLeader: now.lock?.ownerName === workerId && !now.lock.isReleased,
      drainingSinceEpochS: report?.drainingSinceEpochS,
    };
  });
}

function workerState(report: WorkerMetrics | undefined, ageMs: number | undefined): WorkerState {
  if (report === undefined) return "noReport";
  return ageMs !== undefined && ageMs <= REPORT_LIMIT_MS ? "reports" : "silent";
}

/** Of the CPU. A figure of -1 says that it could not be measured. */
function lastFigure(
  report: WorkerMetrics | undefined,
  which: "stats" | "operatingRange",
): number | undefined {
  const figures = report?.[which];
  return figures !== undefined && Object.hasOwn(figures, "C")
    ? figures["C"]?.findLast((figure) => figure >= 0)
    : undefined;
}

function tableRow({ description, place, migrations }: TableLook): TableRow {
  return {
    status: description?.tableStatus,
    billingMode: description?.billingMode,
    readCapacity: description?.provisionedThroughput?.read,
    writeCapacity: description?.provisionedThroughput?.write,
    ownerIndex: description === undefined || !Object.hasOwn(description.indexes, OWNER_INDEX)
      ? undefined
      : description.indexes[OWNER_INDEX],
    format: place === undefined ? "unknown" : place === "legacy" ? "legacy" : "single",
    migrations: migrations.map(({ key, value, modifiedBy }) => ({ key, value, modifiedBy })),
  };
}
