// Pure.
/**
 * Decides who leads: what a follower may do about the lock that it sees, and how long a holder may go on.
 *
 * Observers trust no clock but their own: a foreign lock is over only when its version has stood still for its
 * whole duration since WE first saw that version. The holder is stricter with itself: it leads only while it can
 * prove it, counted from just before its last successful write was sent. A restarted worker does not inherit a lock
 * that bears its name.
 *
 * Source: KCL 3.5.1, `DynamoDBLockBasedLeaderDecider`; dynamodb-lock-client 1.4.0, `AmazonDynamoDBLockClient`, `LockItem`.
 *
 * @module
 */

import type { LeaderLock, LockCondition } from "./coordinator_store.ts";

/**
 * The duration of another worker's lock whose item names none that can be read, in ms. Ours lasts for `failoverTimeMs`.
 * KCL: `leaderLeaseDurationMillis`, that of its own locks.
 */
export const FALLBACK_LOCK_DURATION_MS = 120_000;
/**
 * A follower looks at the lock at least this often, in ms. `FleetMember` asks for a look every few heartbeats, which is
 * sooner unless `failoverTimeMs` is minutes. KCL: `DynamoDBLockBasedLeaderDecider`, 30 s.
 */
export const MAX_LOCK_POLL_MS = 30_000;
/** After how many failed assignment passes in a row a leader steps down. KCL: `LeaseAssignmentManager`, 3. */
export const MAX_FAILED_PASSES = 3;

/** After failed terms a worker leaves the lock to others for at most so many of its durations. Ours. */
const MAX_STEP_BACK = 3;

/** A version of the lock, and when we first saw it. */
export interface LockSighting {
  readonly recordVersionNumber: string;
  /** Monotonic ms, taken after the read that first showed this version. */
  readonly firstSeenMs: number;
}

/** Folds a fresh read of the lock into what was seen before. Undefined: there is no lock to watch. */
export function observeLock(
  sighting: LockSighting | undefined,
  found: LeaderLock | undefined,
  nowMs: number,
): LockSighting | undefined {
  if (found === undefined) return undefined;
  const { recordVersionNumber } = found;
  return sighting?.recordVersionNumber === recordVersionNumber
    ? sighting
    : { recordVersionNumber, firstSeenMs: nowMs };
}

/** For how long another worker has led, as we have seen it. */
export interface Reign {
  readonly ownerName: string;
  readonly recordVersionNumber: string;
  /** Monotonic ms at which we first saw this owner. */
  readonly sinceMs: number;
  /** Monotonic ms at which we first saw the present version. */
  readonly movedMs: number;
}

/** Folds a fresh read of the lock into what was seen before. A lock that is gone or released ends the reign. */
export function observeReign(
  before: Reign | undefined,
  found: LeaderLock | undefined,
  nowMs: number,
): Reign | undefined {
  if (found === undefined || found.isReleased) return undefined;
  const { ownerName, recordVersionNumber } = found;
  if (before?.ownerName !== ownerName) {
    return { ownerName, recordVersionNumber, sinceMs: nowMs, movedMs: nowMs };
  }
  return before.recordVersionNumber === recordVersionNumber
    ? before
    : { ...before, recordVersionNumber, movedMs: nowMs };
}

/**
 * Whether a leader is seen to lead well: it has kept its lock alive for twice as long as the lock is good. A leader whose
 * passes fail gives the lock back before that: see {@linkcode leaderStep}.
 */
export function leadsWell({ sinceMs, movedMs }: Reign, lock: LeaderLock): boolean {
  return Number.isFinite(lock.leaseDurationMs) && movedMs - sinceMs >= 2 * lock.leaseDurationMs;
}

/**
 * How long a worker leaves the lock to others after its passes failed as leader, in ms: longer with each such term in a row,
 * for whoever leads next may meet the same. Not for long: it may be the only one, and whatever failed may be over.
 */
export function stepBackMs(failedTerms: number, durationMs: number): number {
  return Math.min(failedTerms, MAX_STEP_BACK) * durationMs;
}

/** What a worker that does not lead does next. */
export type FollowerStep =
  /** Write the lock, on this condition; a refusal means that somebody was faster: look again at the next poll. */
  | { readonly type: "acquire"; readonly when: LockCondition }
  /** Look again after so many ms. */
  | { readonly type: "wait"; readonly ms: number };

/**
 * What a follower does about the lock it found. A lock held by a name like ours but not by this process is treated as
 * anybody's: it must run out.
 *
 * @param found The lock as just read, strongly consistent.
 * @param sighting What {@linkcode observeLock} made of it.
 * @param nowMs Monotonic ms, taken before that read began.
 */
export function followerStep(
  found: LeaderLock | undefined,
  sighting: LockSighting | undefined,
  nowMs: number,
): FollowerStep {
  if (found === undefined) return { type: "acquire", when: { type: "absent" } };
  if (found.isReleased) return { type: "acquire", when: { type: "released" } };
  const { recordVersionNumber } = found;
  const durationMs = Number.isFinite(found.leaseDurationMs)
    ? found.leaseDurationMs
    : FALLBACK_LOCK_DURATION_MS;
  if (sighting?.recordVersionNumber !== recordVersionNumber) return { type: "wait", ms: pollMs(durationMs) };
  const leftMs = durationMs - (nowMs - sighting.firstSeenMs);
  return leftMs < 0
    ? { type: "acquire", when: { type: "version", recordVersionNumber } }
    : { type: "wait", ms: pollMs(leftMs) };
}

/** The lock as its holder knows it. */
export interface HeldLock {
  /** As last written: owner, duration and version. */
  readonly lock: LeaderLock;
  /** Monotonic ms, taken just before the last successful acquisition or heartbeat was sent. */
  readonly provenAtMs: number;
}

/** How the leader's work goes. */
export interface LeaderProgress {
  /** Assignment passes that failed since the last one that did not. */
  readonly failedPasses: number;
  /** Monotonic ms at which the last assignment pass succeeded or got on, or at which the lock was gained. */
  readonly lastPassMs: number;
  readonly heartbeatMs: number;
}

/** What a leader does next. */
export type LeaderStep =
  /** Go on leading; a heartbeat is due in so many ms. */
  | { readonly type: "lead"; readonly heartbeatInMs: number }
  /** Give the lock a new version now. Refused: stop leading at once. Failed: keep trying, {@linkcode mayLead} sets the end. */
  | { readonly type: "heartbeat" }
  /** Delete our lock and stop leading: we hold it, but do not do its work. */
  | { readonly type: "release"; readonly reason: string }
  /** Stop leading; the lock may be somebody else's by now and must not be touched. */
  | { readonly type: "stop"; readonly reason: string };

/**
 * Whether a holder may act as leader at this moment. To be asked before each write of a pass, since a pass can outlast
 * the lock.
 */
export function mayLead(held: HeldLock | undefined, nowMs: number): boolean {
  return held !== undefined && nowMs - held.provenAtMs <= held.lock.leaseDurationMs;
}

/**
 * What the holder of the lock does next. A leader that has not managed an assignment pass for as long as the lock is good,
 * or failed {@linkcode MAX_FAILED_PASSES} times in a row, makes room instead of renewing: a leader that holds on to the
 * lock and assigns nothing stops the whole fleet.
 */
export function leaderStep(held: HeldLock, progress: LeaderProgress, nowMs: number): LeaderStep {
  const durationMs = held.lock.leaseDurationMs;
  if (!mayLead(held, nowMs)) {
    return {
      type: "stop",
      reason: `no heartbeat succeeded for ${Math.round(nowMs - held.provenAtMs)} ms of ${durationMs} ms`,
    };
  }
  if (progress.failedPasses >= MAX_FAILED_PASSES) {
    return { type: "release", reason: `${progress.failedPasses} assignment passes failed in a row` };
  }
  const silentMs = nowMs - progress.lastPassMs;
  if (silentMs > durationMs) {
    return { type: "release", reason: `no assignment pass succeeded for ${Math.round(silentMs)} ms` };
  }
  const heartbeatInMs = progress.heartbeatMs - (nowMs - held.provenAtMs);
  return heartbeatInMs <= 0 ? { type: "heartbeat" } : { type: "lead", heartbeatInMs };
}

/** Soon enough to see a lock change hands, and no later than just after the one watched runs out. */
function pollMs(leftMs: number): number {
  return Math.min(MAX_LOCK_POLL_MS, leftMs + 1);
}
