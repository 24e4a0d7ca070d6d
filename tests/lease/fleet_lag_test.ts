import { assertEquals } from "@std/assert";
import { largestLag } from "../../src/lease/fleet_lag.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { leaseOf, type ShortLease } from "./fixtures.ts";

const rule = (nowMs: number, failoverTimeMs = 10_000) => ({ failoverTimeMs, nowMs });

function lease(key: string, lagMs: number | undefined, more: Partial<ShortLease> = {}): Lease {
  return {
    ...leaseOf({ key, owner: "me", counter: 5, mark: "me/7/aa/5", ...more }),
    progress: { lagMs, recordsPerSecond: 1 },
  };
}

function sightings(leases: readonly Lease[], sinceMs: number) {
  return new Map(leases.map(({ leaseKey, leaseCounter }) => [leaseKey, { leaseCounter, sinceMs }]));
}

Deno.test("largestLag() is that of the lease furthest behind, of those whose owner says so", () => {
  const leases = [
    lease("a", 100),
    lease("b", 7000),
    lease("unknown", undefined),
    lease("java", 900_000, { mark: "me/7/aa/4" }),
    lease("free", 900_000, { owner: undefined }),
    lease("ended", 900_000, { checkpoint: "SHARD_END" }),
  ];
  assertEquals(largestLag(leases, sightings(leases, 0), rule(0)), { leaseKey: "b", lagMs: 7000 });
  assertEquals(largestLag(leases.slice(2), sightings(leases, 0), rule(0)), undefined);
});

Deno.test("largestLag() grows with the time for which a counter stands still, once its owner must have renewed", () => {
  const leases = [lease("a", 100)];
  const at = (nowMs: number, failoverTimeMs?: number) =>
    largestLag(leases, sightings(leases, 1000), rule(nowMs, failoverTimeMs))?.lagMs;
  assertEquals([at(11_000), at(11_001)], [100, 10_101]);
  assertEquals([at(11_001, 3000), at(10_999, 3000)], [10_101, 100], "a figure of ten seconds is fresh");
  assertEquals([at(61_000, 60_000), at(61_001, 60_000)], [100, 60_101], "renewals may be rare");
  assertEquals(largestLag(leases, new Map(), rule(99_999))?.lagMs, 100, "nothing is known of its age");
});
