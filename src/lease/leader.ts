// Pure.
/**
 * Decides which worker leads: what a follower may do about the lock that it sees, and how long a holder may
 * continue.
 *
 * Observers trust no clock but their own. Another worker's lock is over only when its version has been
 * unchanged for its whole duration since WE first saw that version. The holder is stricter with itself: it
 * leads only while it can prove that it holds the lock. It counts from just before its last successful write
 * was sent. A restarted worker does not take over a lock that bears its name.
 *
 * Source: KCL 3.5.1, `DynamoDBLockBasedLeaderDecider`; dynamodb-lock-client 1.4.0,
 * `AmazonDynamoDBLockClient`, `LockItem`.
 *
 * @module
 */

import type { LeaderLock, LockCondition } from "./coordinator_store.ts";

/**
 * The duration of another worker's lock whose item has no readable duration, in ms. Ours lasts for
 * `failoverTimeMs`. KCL: `leaderLeaseDurationMillis`, that of its own locks.
 */
export const FALLBACK_LOCK_DURATION_MS = 120_000;
/**
 * A follower looks at the lock at least this often, in ms. `FleetMember` looks every few heartbeats, which is
 * sooner, except when `failoverTimeMs` is minutes. KCL: `DynamoDBLockBasedLeaderDecider`, 30 s.
 */
export const MAX_LOCK_POLL_MS = 30_000;
/** After how many failed assignment passes in a row a leader steps down. KCL: `LeaseAssignmentManager`, 3. */
export const MAX_FAILED_PASSES = 3;

/** The most lock durations for which a worker leaves the lock to others after failed terms. Ours. */
const MAX_STEP_BACK = 3;

/** A lock that is unchanged for this many heartbeats may have lost its leader. Ours. */
const SUSPICIOUS_HEARTBEATS = 1.25;
/** How many times KCL renews a lock within its duration: by default every 30 s of 120 s. */
const KCL_HEARTBEATS_PER_LOCK = 4;

/**
 * After how long an unchanged lock may have lost its leader, in ms. A leader of Java renews its lock by its
 * own settings: of those, the lock's duration is all that we see.
 *
 * @param ours How long our own locks last, and how often we renew them.
 */
export function suspicionMs(
  found: Pick<LeaderLock, "leaseDurationMs"> | undefined,
  ours: { readonly durationMs: number; readonly heartbeatMs: number },
): number {
  const durationMs = found?.leaseDurationMs ?? ours.durationMs;
  return SUSPICIOUS_HEARTBEATS *
    (durationMs > ours.durationMs ? durationMs / KCL_HEARTBEATS_PER_LOCK : ours.heartbeatMs);
}

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

/**
 * Adds a fresh read of the lock to what was seen before. A deleted or released lock ends the leader's term.
 */
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
 * Whether a leader is seen to lead successfully: it has kept its lock for twice the lock's duration. A leader
 * whose passes fail gives the lock back before that: see {@linkcode leaderStep}.
 */
export function leadsWell({ sinceMs, movedMs }: Reign, lock: LeaderLock): boolean {
  return Number.isFinite(lock.leaseDurationMs) && movedMs - sinceMs >= 2 * lock.leaseDurationMs;
}

/**
 * How long a worker leaves the lock to others after its passes failed as leader, in ms. Longer with each such
 * term in a row, since the next leader may have the same problem. But limited: it may be the only worker, and
 * the problem may be over.
 */
export function stepBackMs(failedTerms: number, durationMs: number): number {
  return Math.min(failedTerms, MAX_STEP_BACK) * durationMs;
}

/** What a worker that does not lead does next. */
export type FollowerStep =
  /**
   * Write the lock, on this condition; a refusal means that another worker was faster: look again at the next
   * poll.
   */
  | { readonly type: "acquire"; readonly when: LockCondition }
  /** Look again after this many ms. */
  | { readonly type: "wait"; readonly ms: number };

/**
 * What a follower does about the lock it found. A lock of another process with our name is treated as any
 * worker's: it must expire.
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

/** The state of the leader's work. */
export interface LeaderProgress {
  /** Assignment passes that failed since the last one that did not. */
  readonly failedPasses: number;
  /**
   * Monotonic ms at which the last assignment pass succeeded or made progress, or at which the lock was
   * gained.
   */
  readonly lastPassMs: number;
  readonly heartbeatMs: number;
}

/** What a leader does next. */
export type LeaderStep =
  /** Continue to lead; a heartbeat is due after this many ms. */
  | { readonly type: "lead"; readonly heartbeatInMs: number }
  /**
   * Give the lock a new version now. If refused: stop leading immediately. If it failed: keep trying,
   * {@linkcode mayLead} sets the end.
   */
  | { readonly type: "heartbeat" }
  /** Delete our lock and stop leading: we hold it, but do not do its work. */
  | { readonly type: "release"; readonly reason: string }
  /** Stop leading; the lock may be another worker's by now and must not be touched. */
  | { readonly type: "stop"; readonly reason: string };

/**
 * Whether a holder may act as leader at this moment. Check it before each write of a pass, since a pass can
 * outlast the lock.
 */
export function mayLead(held: HeldLock | undefined, nowMs: number): boolean {
  return held !== undefined && nowMs - held.provenAtMs <= held.lock.leaseDurationMs;
}

/**
 * What the holder of the lock does next. A leader steps down in two cases: no assignment pass succeeded for
 * the lock's duration, or {@linkcode MAX_FAILED_PASSES} passes failed in a row. A leader that keeps the lock
 * and assigns nothing would stop the whole fleet.
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
