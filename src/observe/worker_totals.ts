// Pure.
/**
 * What the events tell about the worker as a whole, folded into one value. All times are monotonic ms of the
 * listener's clock.
 *
 * @module
 */

import type { WorkerEvent } from "../events.ts";
import { errorLine } from "./one_line.ts";

/** A loop of the worker whose passes can fail. */
export type Pass = Extract<WorkerEvent, { readonly type: "passFailed" }>["pass"];

/** Failures of one pass with no sign of success in between. */
export interface FailureStreak {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly text: string;
}

/** The worker, without its shards. */
export interface WorkerTotals {
  readonly phase: "notStarted" | "starting" | "ready" | "stopping" | "stopped";
  /** Undefined until the worker starts, as are the names after it. */
  readonly workerId: string | undefined;
  readonly applicationName: string | undefined;
  /** The one stream's name, or of many the identifiers, in the order in which they came. */
  readonly streams: readonly string[];
  readonly tableName: string | undefined;
  readonly leader: boolean;
  /** Whether a newer process has this worker's name: then this one does nothing, for good. */
  readonly superseded: boolean;
  /** The last failed attempt to start; undefined once the worker is ready. */
  readonly initializationFailure:
    | { readonly attempt: number; readonly attempts: number; readonly text: string }
    | undefined;
  /** What the worker stopped with; undefined after a clean stop. */
  readonly stopError: string | undefined;
  readonly passFailures: Readonly<Partial<Record<Pass, FailureStreak>>>;
  /** What the leader saw at its last assignment pass; undefined on a worker that does not lead. */
  readonly fleet:
    | { readonly leases: number; readonly workers: number; readonly expired: number }
    | undefined;
  /** Keys of items that could not be read as leases, and of which nothing better has been heard since. */
  readonly unreadableLeases: ReadonlySet<string>;
  readonly clockSkewMs: number;
}

/** A worker of which nothing has been heard yet. */
export const SILENT_WORKER: WorkerTotals = {
  phase: "notStarted",
  workerId: undefined,
  applicationName: undefined,
  streams: [],
  tableName: undefined,
  leader: false,
  superseded: false,
  initializationFailure: undefined,
  stopError: undefined,
  passFailures: {},
  fleet: undefined,
  unreadableLeases: new Set(),
  clockSkewMs: 0,
};

/**
 * Failures of a pass further apart than this are not one streak, and a streak with no news for this long is over:
 * not every failure is a loop's, and only loops tell that they have recovered. Ours; longer than any pass waits before it tries again, but for the audit.
 */
export const STREAK_GAP_MS = 60_000;

/** The worker after one event. */
export function foldWorker(worker: WorkerTotals, event: WorkerEvent, nowMs: number): WorkerTotals {
  switch (event.type) {
    case "workerStarting": {
      const { applicationName, streamName, tableName, workerId } = event;
      const streams = streamName === undefined ? [] : [streamName];
      return { ...SILENT_WORKER, phase: "starting", applicationName, streams, tableName, workerId };
    }
    case "initializationFailed": {
      const { attempt, attempts } = event;
      return { ...worker, initializationFailure: { attempt, attempts, text: errorLine(event.error) } };
    }
    case "workerReady":
      return { ...worker, phase: "ready", workerId: event.workerId, initializationFailure: undefined };
    case "superseded":
      return { ...worker, superseded: true, passFailures: {} };
    case "workerStopping":
      return { ...worker, phase: "stopping" };
    case "workerStopped":
      return {
        ...worker,
        phase: "stopped",
        leader: false,
        fleet: undefined,
        passFailures: {},
        stopError: event.error === undefined ? undefined : errorLine(event.error),
      };
    case "streamAdded":
      return { ...worker, streams: [...worker.streams, event.streamIdentifier] };
    case "streamRemoved":
      return { ...worker, streams: worker.streams.filter((stream) => stream !== event.streamIdentifier) };
    case "passFailed":
      return withFailure(worker, event.pass, event.error, nowMs);
    case "passRecovered":
      return withoutFailure(worker, event.pass);
    case "leaseRenewalFailed":
      return withFailure(worker, "renewal", event.error, nowMs);
    case "leaseRenewed":
      return withoutFailure(worker, "renewal");
    case "leaseUnreadable":
      return { ...worker, unreadableLeases: new Set([...worker.unreadableLeases, event.leaseKey]) };
    case "leaseCreated":
    case "leaseDeleted":
    case "leaseAssigned":
      return withReadable(worker, event.leaseKey);
    case "leaseGained":
      return withReadable(withoutFailure(worker, "discovery"), event.leaseKey);
    case "shardsSynced":
      return withoutFailure(worker, "shardSync");
    case "assignmentPass": {
      const { leases, workers, expired } = event;
      return { ...withoutFailure(worker, "assignment"), fleet: { leases, workers, expired } };
    }
    case "leadershipGained":
      return { ...withoutFailure(worker, "leadership"), leader: true };
    case "leadershipLost":
      return { ...worker, leader: false, fleet: undefined };
    case "clockSkewLearned":
      return { ...worker, clockSkewMs: event.offsetMs };
    default:
      return worker;
  }
}

function withFailure(worker: WorkerTotals, pass: Pass, error: unknown, nowMs: number): WorkerTotals {
  const before = worker.passFailures[pass];
  const sinceMs = before !== undefined && nowMs - before.lastMs <= STREAK_GAP_MS ? before.sinceMs : nowMs;
  const streak: FailureStreak = { sinceMs, lastMs: nowMs, text: errorLine(error) };
  return { ...worker, passFailures: { ...worker.passFailures, [pass]: streak } };
}

function withoutFailure(worker: WorkerTotals, pass: Pass): WorkerTotals {
  if (worker.passFailures[pass] === undefined) return worker;
  const { [pass]: _over, ...passFailures } = worker.passFailures;
  return { ...worker, passFailures };
}

function withReadable(worker: WorkerTotals, leaseKey: string): WorkerTotals {
  if (!worker.unreadableLeases.has(leaseKey)) return worker;
  return {
    ...worker,
    unreadableLeases: new Set([...worker.unreadableLeases].filter((key) => key !== leaseKey)),
  };
}
