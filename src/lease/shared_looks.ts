// Pure.
/**
 * Decides how often a worker looks at a small table. There, one scan shows all that a worker looks for: new
 * leases, the leader's lock, and the whole fleet. It costs no more than one look at the lock. So one look
 * serves the whole worker.
 *
 * What must be right does not follow from such a look. A lease is read anew and renewed before it begins, and
 * the lock is read anew before it is taken, both strongly consistent.
 *
 * KCL has no such rule: its leader scans, and each worker asks the index and reads the lock.
 *
 * @module
 */

import { isShardEnd } from "../stream/sequence_number.ts";
import type { LeaderLook } from "./solitude.ts";

/** The intervals that those of looks follow from, in ms. */
export interface LookRule {
  readonly leaseDiscoveryIntervalMs: number;
  readonly leaseAssignmentIntervalMs: number;
  /** How often a deputy looks at the lock. */
  readonly lockLookMs: number;
}

/**
 * How much longer the pauses are while nothing is under way. By default a worker then looks every 1.3 s. More
 * would be too long: the leases of a worker that stops must be read again within 1.5 s.
 */
const SETTLED_SLACK = 1.3;

/** After this many pauses without a look each part of the worker asks for itself. */
const PATIENCE = 1.5;

/**
 * Whether nothing is under way in a fleet, as far as a worker sees: each unfinished lease has an owner that
 * reports, none is being handed over, and the worker holds exactly those that are its own, at least one.
 *
 * @param held The keys of the leases that the worker holds.
 */
export function isFleetSettled(
  { workerId, leases, workers }: LeaderLook,
  held: ReadonlySet<string>,
): boolean {
  const reporting = new Set(workers.map((worker) => worker.workerId));
  const own = leases.filter(({ leaseOwner }) => leaseOwner === workerId);
  return own.length > 0 && own.length === held.size && own.every(({ leaseKey }) => held.has(leaseKey)) &&
    leases.every(({ leaseOwner, checkpointOwner, checkpoint }) =>
      checkpointOwner === undefined &&
      (isShardEnd(checkpoint) || (leaseOwner !== undefined && reporting.has(leaseOwner)))
    );
}

/** The pause between two looks, in ms: that of the part of the worker that looks most often. */
export function lookMs(
  rule: LookRule,
  worker: { readonly isLeading: boolean; readonly isSettled: boolean },
): number {
  const { leaseDiscoveryIntervalMs, leaseAssignmentIntervalMs, lockLookMs } = rule;
  const usualMs = Math.min(
    leaseDiscoveryIntervalMs,
    worker.isLeading ? leaseAssignmentIntervalMs : lockLookMs,
  );
  if (!worker.isSettled) return usualMs;
  // A leader assigns as often as was set.
  return worker.isLeading
    ? Math.min(SETTLED_SLACK * usualMs, leaseAssignmentIntervalMs)
    : SETTLED_SLACK * usualMs;
}

/** For how long a part of the worker waits for the next look before it asks for itself, in ms. */
export function lookPatienceMs(pauseMs: number): number {
  return PATIENCE * pauseMs;
}
