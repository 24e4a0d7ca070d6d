// Pure.
/**
 * Decides which leases have expired, from what this worker has seen of their counters.
 *
 * No worker's clock is compared with another's: a lease is expired when its counter has not moved for
 * `failoverTimeMs` on our own monotonic clock. A worker that has just begun to watch therefore finds
 * nothing expired in its first listing, and only leases without any owner available.
 *
 * Source: KCL 3.5.1, `LeaseAssignmentManager`, `DynamoDBLeaseTaker` and `Lease.isExpired`.
 *
 * @module
 */

import { actualOwner, type Lease } from "./lease.ts";

/** What is known of one lease's signs of life. */
export interface Sighting {
  readonly leaseCounter: number;
  /**
   * Monotonic ms since which the counter is known to be unchanged; undefined while the lease has no owner.
   */
  readonly sinceMs: number | undefined;
  /** Set if its owner is of Java, and may not have found the lease yet: see {@linkcode withUnfound}. */
  readonly isUnfound?: true;
}

/** By which measure a lease counts as expired. */
export interface ExpiryRule {
  readonly failoverTimeMs: number;
  /**
   * Monotonic ms, taken before the judged listing began: it proves that the counter was unchanged until then.
   */
  readonly nowMs: number;
}

/**
 * Adds a fresh listing to the earlier sightings. A lease whose counter moved starts over. A lease that is no
 * longer listed is forgotten. A lease without an owner has no age.
 *
 * "Moved" is `!=` and not `>`: a lease that was deleted and created again starts at 0 and its new owner is
 * alive. A stale read can also show a smaller counter; then the lease expires a little later, which is the
 * harmless side.
 *
 * Source: KCL 3.5.1, `LeaseAssignmentManager` (which has `>`) and `DynamoDBLeaseTaker` (which has `!=`).
 *
 * @param sightings What earlier listings showed, by lease key.
 * @param leases The listing just read.
 * @param nowMs Monotonic ms, taken after the listing ended: a counter may have moved just before it was read.
 */
export function observe(
  sightings: ReadonlyMap<string, Sighting>,
  leases: readonly Lease[],
  nowMs: number,
): Map<string, Sighting> {
  return new Map(
    leases.map((lease) => [lease.leaseKey, observeOne(sightings.get(lease.leaseKey), lease, nowMs)]),
  );
}

/**
 * Marks the leases that workers of Java were given and have not begun. Those have twice the failover time. A
 * worker of Java looks for its leases once in half of `leaseAssignmentIntervalMillis`, by default once a
 * failover time. It first renews a lease up to a third of that later. A leader of Java looks at the leases
 * every other failover time, so it finds them renewed.
 *
 * Source: KCL 3.5.1, `LeaseManagementConfig`, `DynamoDBLeaseCoordinator` (discovery), `DynamoDBLeaseRenewer`.
 */
export function withUnfound(
  sightings: ReadonlyMap<string, Sighting>,
  unfound: ReadonlySet<string>,
): ReadonlyMap<string, Sighting> {
  if (unfound.size === 0) return sightings;
  return new Map(
    [...sightings].map(([key, sighting]) =>
      [key, unfound.has(key) ? { ...sighting, isUnfound: true } : sighting] as const
    ),
  );
}

/**
 * The owned leases of a listing that have expired: their counter was unchanged for more than the failover
 * time. A lease in a pending handoff is owned by the worker that still processes it.
 *
 * @param sightings What {@linkcode observe} made of this very listing.
 */
export function expiredLeases(
  sightings: ReadonlyMap<string, Sighting>,
  leases: readonly Lease[],
  rule: ExpiryRule,
): Lease[] {
  return leases.filter((lease) => isExpired(sightings.get(lease.leaseKey), rule));
}

/**
 * The leases that may be given to any worker. First those without an owner, by lease key, so that parents
 * come before their children. Then the expired ones, those unchanged for the longest time first.
 *
 * Source: KCL 3.5.1, `LeaseAssignmentManager` (expired or unassigned, oldest first).
 */
export function availableLeases(
  sightings: ReadonlyMap<string, Sighting>,
  leases: readonly Lease[],
  rule: ExpiryRule,
): Lease[] {
  const age = (lease: Lease) =>
    actualOwner(lease) === undefined ? -Infinity : sightings.get(lease.leaseKey)?.sinceMs ?? Infinity;
  return leases
    .filter((lease) => actualOwner(lease) === undefined || isExpired(sightings.get(lease.leaseKey), rule))
    .toSorted((a, b) => {
      const ageA = age(a), ageB = age(b);
      return ageA !== ageB ? (ageA < ageB ? -1 : 1) : a.leaseKey < b.leaseKey ? -1 : 1;
    });
}

/**
 * The monotonic ms at which the next owned lease will have expired, if its counter does not move before: the
 * time to look again. Infinity when no lease is owned. Leases that have expired already do not count.
 */
export function nextExpiryMs(sightings: ReadonlyMap<string, Sighting>, rule: ExpiryRule): number {
  let next = Infinity;
  for (const sighting of sightings.values()) {
    const { sinceMs } = sighting;
    const atMs = sinceMs === undefined ? Infinity : sinceMs + patienceMs(sighting, rule) + 1;
    if (atMs > rule.nowMs && atMs < next) next = atMs;
  }
  return next;
}

/**
 * Whether a lease that we hold may belong to another worker by now, since we did not renew it in time.
 * Nothing is begun under it then. KCL drops such a lease. We try one renewal under the counter confirmed
 * last, which shows whether another worker took it. Once its loss was reported it is never renewed again: its
 * processor knows that it is lost.
 *
 * Source: KCL 3.5.1, `Lease.isExpired` as `DynamoDBLeaseRenewer` uses it.
 *
 * @param incrementedAtMs Monotonic ms just before the last successful counter increment was sent, or before
 * the read that discovered the lease. Undefined if there was neither.
 */
export function locallyExpired(
  incrementedAtMs: number | undefined,
  failoverTimeMs: number,
  nowMs: number,
): boolean {
  return incrementedAtMs === undefined || nowMs - incrementedAtMs > failoverTimeMs;
}

/**
 * How often held leases are renewed, in ms: three times in a failover time, slightly early. So one failed
 * renewal can be repeated in time.
 *
 * Source: KCL 3.5.1, `CommonCalculations.getRenewerTakerIntervalMillis` with `epsilonMillis` 25.
 *
 * @param failoverTimeMs At least 1000, as the worker's options require.
 */
export function renewIntervalMs(failoverTimeMs: number): number {
  return Math.floor(failoverTimeMs / 3) - EPSILON_MS;
}

/** KCL: `LeaseManagementConfig.epsilonMillis`. */
const EPSILON_MS = 25;

function observeOne(before: Sighting | undefined, lease: Lease, nowMs: number): Sighting {
  const { leaseCounter } = lease;
  if (actualOwner(lease) === undefined) return { leaseCounter, sinceMs: undefined };
  const stands = before !== undefined && before.leaseCounter === leaseCounter;
  return { leaseCounter, sinceMs: stands ? before.sinceMs ?? nowMs : nowMs };
}

function isExpired(sighting: Sighting | undefined, rule: ExpiryRule): boolean {
  if (sighting?.sinceMs === undefined) return false;
  return rule.nowMs - sighting.sinceMs > patienceMs(sighting, rule);
}

function patienceMs({ isUnfound }: Sighting, { failoverTimeMs }: ExpiryRule): number {
  return isUnfound === true ? 2 * failoverTimeMs : failoverTimeMs;
}
