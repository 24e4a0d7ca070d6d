import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import {
  availableLeases,
  expiredLeases,
  locallyExpired,
  nextExpiryMs,
  observe,
  renewIntervalMs,
  type Sighting,
} from "../../src/lease/expiry.ts";
import cases from "../cases/expiry.json" with { type: "json" };
import { seeded } from "../support/seed.ts";
import { leaseOf } from "./fixtures.ts";

const failoverTimeMs = 10_000;

for (const { comment, passes } of cases) {
  Deno.test(`observe(), expiredLeases() and availableLeases(): ${comment}`, () => {
    let sightings: ReadonlyMap<string, Sighting> = new Map();
    for (const { nowMs, leases: shorts, expired, available } of passes) {
      const leases = shorts.map(leaseOf);
      sightings = observe(sightings, leases, nowMs);
      const rule = { failoverTimeMs, nowMs };
      assertEquals(expiredLeases(sightings, leases, rule).map((lease) => lease.leaseKey), expired);
      assertEquals(availableLeases(sightings, leases, rule).map((lease) => lease.leaseKey), available);
    }
  });
}

Deno.test("observe() keeps the first sighting while the counter stands still", () => {
  const lease = leaseOf({ key: "a", owner: "A", counter: 5 });
  const first = observe(new Map(), [lease], 100);
  assertEquals(observe(first, [lease], 5000), new Map([["a", { leaseCounter: 5, sinceMs: 100 }]]));
});

Deno.test("observe() never lets a lease expire that is renewed in time, and always one that is not", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(gaps, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (gapsMs, renewals) => {
      let sightings: ReadonlyMap<string, Sighting> = new Map();
      let nowMs = 0, counter = 0, movedMs = 0;
      for (const [pass, gapMs] of [0, ...gapsMs].entries()) {
        nowMs += gapMs;
        if (pass === 0 || renewals[pass]) {
          counter++;
          movedMs = nowMs;
        }
        const leases = [leaseOf({ key: "a", owner: "A", counter })];
        sightings = observe(sightings, leases, nowMs);
        const isExpired = expiredLeases(sightings, leases, { failoverTimeMs, nowMs }).length === 1;
        assertEquals(isExpired, nowMs - movedMs > failoverTimeMs);
      }
    }),
    seeded(),
  );
});

Deno.test("expiredLeases() says nothing of a lease that was never observed", () => {
  const lease = leaseOf({ key: "a", owner: "A" });
  assertEquals(expiredLeases(new Map(), [lease], { failoverTimeMs, nowMs: 1e9 }), []);
});

Deno.test("locallyExpired() counts from the last confirmed write, and a lease without one as expired", () => {
  assertEquals(locallyExpired(1000, failoverTimeMs, 11_000), false);
  assertEquals(locallyExpired(1000, failoverTimeMs, 11_001), true);
  assertEquals(locallyExpired(undefined, failoverTimeMs, 0), true);
});

Deno.test("renewIntervalMs() is a third of the failover time and a little less", () => {
  assertEquals([10_000, 1000, 30_000].map(renewIntervalMs), [3308, 308, 9975]);
});

Deno.test("nextExpiryMs() is the first ms at which a lease that is not expired yet will be", () => {
  const sightings = new Map<string, Sighting>([
    ["expired", { leaseCounter: 1, sinceMs: 0 }],
    ["soon", { leaseCounter: 1, sinceMs: 4000 }],
    ["later", { leaseCounter: 1, sinceMs: 9000 }],
    ["unowned", { leaseCounter: 1, sinceMs: undefined }],
  ]);
  const next = nextExpiryMs(sightings, { failoverTimeMs, nowMs: 11_000 });
  assertEquals(next, 14_001);
  const soon = leaseOf({ key: "soon", owner: "A" });
  assertEquals(expiredLeases(sightings, [soon], { failoverTimeMs, nowMs: next - 1 }), []);
  assertEquals(expiredLeases(sightings, [soon], { failoverTimeMs, nowMs: next }), [soon]);
  assertEquals(nextExpiryMs(new Map(), { failoverTimeMs, nowMs: 0 }), Infinity);
});
