// Pure.
/**
 * Finds the shard of a fleet that is furthest behind, from what the owners wrote into their leases.
 *
 * @module
 */

import { agedLagMs, FRESH_MS } from "../shard_lag.ts";
import type { Sighting } from "./expiry.ts";
import { type Lease, progressOf } from "./lease.ts";

/** The shard that is furthest behind. */
export interface LargestLag {
  readonly leaseKey: string;
  readonly lagMs: number;
}

/**
 * The largest lag of a listing. A lease whose counter stands still, longer than an owner may leave it, falls
 * behind as fast as time passes.
 *
 * @param sightings What `observe()` made of this very listing.
 * @returns undefined while no lag is known; leases of KCL for Java have none.
 */
export function largestLag(
  leases: readonly Lease[],
  sightings: ReadonlyMap<string, Sighting>,
  { failoverTimeMs, nowMs }: { readonly failoverTimeMs: number; readonly nowMs: number },
): LargestLag | undefined {
  let largest: LargestLag | undefined;
  for (const lease of leases) {
    const { leaseKey } = lease;
    const millisBehindLatest = progressOf(lease)?.lagMs;
    if (millisBehindLatest === undefined) continue;
    const atMs = sightings.get(leaseKey)?.sinceMs ?? nowMs;
    const lagMs = agedLagMs({ millisBehindLatest, atMs }, nowMs, Math.max(FRESH_MS, failoverTimeMs));
    if (lagMs !== undefined && (largest === undefined || lagMs > largest.lagMs)) {
      largest = { leaseKey, lagMs };
    }
  }
  return largest;
}
