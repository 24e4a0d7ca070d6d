import { assert, assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import type { LeaderLock } from "../../src/lease/coordinator_store.ts";
import {
  type FollowerStep,
  followerStep,
  type HeldLock,
  type LeaderStep,
  leaderStep,
  type LockSighting,
  mayLead,
  observeLock,
  suspicionMs,
} from "../../src/lease/leader.ts";
import followerCases from "../cases/leader_follower.json" with { type: "json" };
import holderCases from "../cases/leader_holder.json" with { type: "json" };
import { seeded } from "../support/seed.ts";

/** How long the locks of the cases are good, and how often they are renewed, in ms: KCL's figures. */
const LOCK_DURATION_MS = 120_000, HEARTBEAT_MS = 30_000;

function lockOf(recordVersionNumber: string, leaseDurationMs = LOCK_DURATION_MS): LeaderLock {
  return { ownerName: "A", leaseDurationMs, recordVersionNumber, isReleased: false };
}

for (const { comment, found, sighting, nowMs, step } of followerCases) {
  Deno.test(`followerStep(): ${comment}`, () => {
    const lock = found === null ? undefined : {
      ...lockOf(found.version, found.durationMs ?? NaN),
      ownerName: found.owner ?? "A",
      isReleased: found.isReleased ?? false,
    };
    const seen = sighting === null
      ? undefined
      : { recordVersionNumber: sighting.version, firstSeenMs: sighting.firstSeenMs };
    assertEquals(followerStep(lock, seen, nowMs), step as FollowerStep);
  });
}

for (const { comment, provenAtMs, lastPassMs, failedPasses, nowMs, step, mayLead: may } of holderCases) {
  Deno.test(`leaderStep() and mayLead(): ${comment}`, () => {
    const held = { lock: lockOf("v1"), provenAtMs };
    const progress = { failedPasses, lastPassMs, heartbeatMs: HEARTBEAT_MS };
    assertEquals(leaderStep(held, progress, nowMs), step as LeaderStep);
    assertEquals(mayLead(held, nowMs), may);
  });
}

Deno.test("mayLead() refuses whoever holds no lock", () => {
  assertEquals(mayLead(undefined, 0), false);
});

Deno.test("suspicionMs() goes by our heartbeats, and by the duration of a lock that is longer than ours", () => {
  const ours = { durationMs: 10_000, heartbeatMs: 2000 };
  const of = (leaseDurationMs: number) => suspicionMs({ leaseDurationMs }, ours);
  assertEquals(suspicionMs(undefined, ours), 2500);
  assertEquals([of(10_000), of(5000)], [2500, 2500]);
  assertEquals(of(120_000), 37_500, "KCL's leader renews its lock every 30 s");
  assertEquals(of(NaN), 2500, "a duration that cannot be read says nothing");
});

Deno.test("observeLock() keeps the first sight of a version and forgets a lock that is gone", () => {
  const first = observeLock(undefined, lockOf("v1"), 100);
  assertEquals(first, { recordVersionNumber: "v1", firstSeenMs: 100 });
  assertEquals(observeLock(first, lockOf("v1"), 900), first);
  assertEquals(observeLock(first, lockOf("v2"), 900), { recordVersionNumber: "v2", firstSeenMs: 900 });
  assertEquals(observeLock(first, undefined, 900), undefined);
});

Deno.test("followerStep() and mayLead() never have two leaders, whatever their clocks and the times of their reads", () => {
  const delays = fc.array(fc.record({ follower: fc.integer({ min: 1, max: 90_000 }), beats: fc.boolean() }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(delays, fc.integer({ min: -1e6, max: 1e6 }), (steps, skewMs) => {
      let trueMs = 0, version = 0;
      let held: HeldLock = { lock: lockOf("v0"), provenAtMs: skewMs };
      let sighting: LockSighting | undefined;
      for (const { follower, beats } of steps) {
        // The holder's heartbeat lands in the table some time after it was sent.
        if (beats && mayLead(held, trueMs + skewMs)) {
          held = { lock: lockOf(`v${++version}`), provenAtMs: trueMs + skewMs };
          trueMs += 50;
        }
        trueMs += follower;
        sighting = observeLock(sighting, lockOf(`v${version}`), trueMs);
        const step = followerStep(lockOf(`v${version}`), sighting, trueMs);
        if (step.type !== "acquire") continue;
        assert(!mayLead(held, trueMs + skewMs), "both lead");
        return;
      }
    }),
    seeded(),
  );
});
