// Pure.
/**
 * The state of the worker as a whole, computed from its events. All times are monotonic ms of the listener's
 * clock.
 *
 * @module
 */

import { AwsServiceError, CredentialsError, LeaseTableError } from "../errors.ts";
import type { FleetFault, WorkerEvent } from "../events.ts";
import { errorLine } from "./one_line.ts";

/** A loop of the worker with passes that can fail. */
export type Pass = Extract<WorkerEvent, { readonly type: "passFailed" }>["pass"];

/**
 * Failures of one pass without a success in between. Only a success ends a streak, however long ago the last
 * failure was.
 */
export interface FailureStreak {
  /** When the first of them happened. */
  readonly sinceMs: number;
  /** When the last of them happened. */
  readonly lastMs: number;
  /** How many there were. */
  readonly times: number;
  /** The last error in one line. */
  readonly text: string;
}

/** What the worker's own watch for faults has found, and not seen end. */
export interface OpenTrouble {
  /** A fault's code, or what is no fault yet. */
  readonly code: string;
  /** Errors are faults. */
  readonly level: "warning" | "error";
  /** The lease that it is about; undefined for the worker as a whole. */
  readonly leaseKey: string | undefined;
  /** One sentence, as it was when it began. */
  readonly text: string;
}

/** The worker, without its shards. */
export interface WorkerTotals {
  /** Where the worker stands between its start and its end. */
  readonly phase: "notStarted" | "starting" | "ready" | "stopping" | "stopped";
  /** Undefined until the worker starts, as are the names after it. */
  readonly workerId: string | undefined;
  /** The application's name. */
  readonly applicationName: string | undefined;
  /** The one stream's name, or the identifiers of many, in the order of their events. */
  readonly streams: readonly string[];
  /**
   * How long each stream keeps its records, in ms, as far as it is known: by its identifier, and by "" of the
   * one stream of a worker that reads no other.
   */
  readonly retentions: ReadonlyMap<string, number>;
  /** The lease table's name. */
  readonly tableName: string | undefined;
  /** Whether this worker leads. */
  readonly leader: boolean;
  /** Whether a newer process has this worker's name: then this one does nothing any more. */
  readonly superseded: boolean;
  /** The last failed attempt to start; undefined once the worker is ready. */
  readonly initializationFailure:
    | { readonly attempt: number; readonly attempts: number; readonly text: string }
    | undefined;
  /** What the worker stopped with; undefined after a clean stop. */
  readonly stopError: string | undefined;
  /**
   * Whether it stopped because a part of it broke, and not because of AWS, credentials, the table or its
   * options.
   */
  readonly hasBroken: boolean;
  /** When the event loop last had its turn; undefined until the worker runs, and after it has stopped. */
  readonly turnedMs: number | undefined;
  /** Loops that fail at the moment. */
  readonly passFailures: Readonly<Partial<Record<Pass, FailureStreak>>>;
  /** What the leader saw at its last assignment pass; undefined on a worker that does not lead. */
  readonly fleet:
    | Pick<
      Extract<WorkerEvent, { readonly type: "assignmentPass" }>,
      "leases" | "workers" | "expired" | "unread" | "maxLagMs" | "maxLagLeaseKey"
    >
    | undefined;
  /**
   * What this worker last found as leader. Stays when it no longer leads, until another worker is seen to
   * lead successfully.
   */
  readonly fleetFaults: readonly FleetFault[];
  /** Keys of items that could not be read as leases, and have not been read successfully since. */
  readonly unreadableLeases: ReadonlySet<string>;
  /** What is wrong by the worker's own watch, by code and lease. */
  readonly troubles: ReadonlyMap<string, OpenTrouble>;
  /**
   * Since when there has been an error among the troubles, or none. Undefined until the worker is ready, and
   * after it has stopped.
   */
  readonly verdictSinceMs: number | undefined;
  /** What is added to the local clock to get AWS's time, in ms. */
  readonly clockSkewMs: number;
}

/** A worker before its first event. */
export const SILENT_WORKER: WorkerTotals = {
  phase: "notStarted",
  workerId: undefined,
  applicationName: undefined,
  streams: [],
  retentions: new Map(),
  tableName: undefined,
  leader: false,
  superseded: false,
  initializationFailure: undefined,
  stopError: undefined,
  hasBroken: false,
  turnedMs: undefined,
  passFailures: {},
  fleet: undefined,
  fleetFaults: [],
  unreadableLeases: new Set(),
  troubles: new Map(),
  verdictSinceMs: undefined,
  clockSkewMs: 0,
};

/** How long the stream of a lease keeps its records, in ms. Undefined while it is not known. */
export function retentionOfLease({ retentions }: WorkerTotals, leaseKey: string): number | undefined {
  return retentions.get(leaseKey.slice(0, Math.max(0, leaseKey.lastIndexOf(":"))));
}

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
      return {
        ...worker,
        phase: "ready",
        workerId: event.workerId,
        initializationFailure: undefined,
        verdictSinceMs: nowMs,
      };
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
        fleetFaults: [],
        passFailures: {},
        troubles: new Map(),
        verdictSinceMs: undefined,
        turnedMs: undefined,
        hasBroken: worker.phase !== "starting" && isOwnFault(event.error),
        stopError: event.error === undefined ? undefined : errorLine(event.error),
      };
    case "streamAdded":
      return { ...worker, streams: [...worker.streams, event.streamIdentifier] };
    case "streamRemoved":
      return {
        ...worker,
        streams: worker.streams.filter((stream) => stream !== event.streamIdentifier),
        retentions: new Map([...worker.retentions].filter(([stream]) => stream !== event.streamIdentifier)),
      };
    case "streamDescribed":
      return {
        ...worker,
        retentions: new Map([...worker.retentions, [event.streamIdentifier ?? "", event.retentionMs]]),
      };
    case "passFailed":
      return withFailure(worker, event.pass, event.error, nowMs);
    case "passRecovered":
      return withoutFailure(worker, event.pass);
    case "faultBegan": {
      const { code, level, leaseKey, text } = event;
      const troubles = new Map(worker.troubles).set(troubleKey(event), { code, level, leaseKey, text });
      return withTroubles(worker, troubles, nowMs);
    }
    case "faultEnded": {
      const troubles = new Map(worker.troubles);
      return troubles.delete(troubleKey(event)) ? withTroubles(worker, troubles, nowMs) : worker;
    }
    case "eventLoopTurned":
      return { ...worker, turnedMs: nowMs };
    case "leaseUnreadable":
      return { ...worker, unreadableLeases: new Set([...worker.unreadableLeases, event.leaseKey]) };
    case "leaseCreated":
    case "leaseDeleted":
    case "leaseAssigned":
      return withReadable(worker, event.leaseKey);
    case "leaseGained":
      return withReadable(worker, event.leaseKey);
    case "assignmentPass": {
      const { leases, workers, expired, unread, maxLagMs, maxLagLeaseKey } = event;
      return { ...worker, fleet: { leases, workers, expired, unread, maxLagMs, maxLagLeaseKey } };
    }
    case "fleetAudited":
      return { ...worker, fleetFaults: event.faults };
    case "leaderSeen":
      return { ...withoutFailure(worker, "assignment"), fleetFaults: [] };
    case "leadershipGained":
      return { ...worker, leader: true };
    case "leadershipLost":
      return { ...worker, leader: false, fleet: undefined };
    case "clockSkewLearned":
      return { ...worker, clockSkewMs: event.offsetMs };
    default:
      return worker;
  }
}

function troubleKey({ code, leaseKey }: Pick<OpenTrouble, "code" | "leaseKey">): string {
  return `${code} ${leaseKey ?? ""}`;
}

function withTroubles(
  worker: WorkerTotals,
  troubles: WorkerTotals["troubles"],
  nowMs: number,
): WorkerTotals {
  const hasErrors = (open: WorkerTotals["troubles"]) =>
    [...open.values()].some(({ level }) => level === "error");
  const isOther = hasErrors(worker.troubles) !== hasErrors(troubles);
  return { ...worker, troubles, verdictSinceMs: isOther ? nowMs : worker.verdictSinceMs };
}

function withFailure(worker: WorkerTotals, pass: Pass, error: unknown, nowMs: number): WorkerTotals {
  const { sinceMs = nowMs, times = 0 } = worker.passFailures[pass] ?? {};
  const streak: FailureStreak = { sinceMs, lastMs: nowMs, times: times + 1, text: errorLine(error) };
  return { ...worker, passFailures: { ...worker.passFailures, [pass]: streak } };
}

function withoutFailure(worker: WorkerTotals, pass: Pass): WorkerTotals {
  if (worker.passFailures[pass] === undefined) return worker;
  const { [pass]: _over, ...passFailures } = worker.passFailures;
  return { ...worker, passFailures };
}

/**
 * Whether a running worker stopped because of itself: a restart of its process does not help against problems
 * around it.
 */
function isOwnFault(error: unknown): boolean {
  return error !== undefined && !(error instanceof AwsServiceError) && !(error instanceof CredentialsError) &&
    !(error instanceof LeaseTableError);
}

function withReadable(worker: WorkerTotals, leaseKey: string): WorkerTotals {
  if (!worker.unreadableLeases.has(leaseKey)) return worker;
  return {
    ...worker,
    unreadableLeases: new Set([...worker.unreadableLeases].filter((key) => key !== leaseKey)),
  };
}
