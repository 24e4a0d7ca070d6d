import { assertEquals } from "@std/assert";
import {
  afterRefusedRenewal,
  type HandoffSighting,
  isHandoffOverdue,
  mayFinishHandoff,
  mayStart,
  observeHandoffs,
} from "../../src/lease/handoff.ts";
import finishCases from "../cases/handoff_finish.json" with { type: "json" };
import refusedCases from "../cases/handoff_refused.json" with { type: "json" };
import { leaseOf } from "./fixtures.ts";

/** The process whose writes the cases are about. */
const OWN = { workerId: "A", generation: 7, nonce: "aa" };

for (const { comment, held, found, outcome, reason } of refusedCases) {
  Deno.test(`afterRefusedRenewal(): ${comment}`, () => {
    const item = found === null ? undefined : leaseOf({ key: "a", ...found });
    const actual = afterRefusedRenewal(leaseOf({ key: "a", ...held }), item, OWN);
    if (actual.type === "lost") assertEquals([outcome, reason], ["lost", actual.reason]);
    else assertEquals([actual.type, actual.lease], [outcome, item]);
  });
}

for (const { comment, lease, by, expired, may } of finishCases) {
  Deno.test(`mayFinishHandoff(): ${comment}`, () => {
    assertEquals(mayFinishHandoff(leaseOf({ key: "a", ...lease }), { workerId: by, expired }), may);
  });
}

Deno.test("mayStart() wants the lease assigned to us and nobody else at it", () => {
  assertEquals(mayStart(leaseOf({ key: "a", owner: "B" }), "B"), true);
  assertEquals(mayStart(leaseOf({ key: "a", owner: "B", checkpointOwner: "A" }), "B"), false);
  assertEquals(mayStart(leaseOf({ key: "a", owner: "B", checkpointOwner: "B" }), "B"), false);
  assertEquals(mayStart(leaseOf({ key: "a", owner: "A" }), "B"), false);
  assertEquals(mayStart(leaseOf({ key: "a" }), "B"), false);
});

Deno.test("observeHandoffs() starts anew with another pair of owners and forgets what is over", () => {
  const pending = leaseOf({ key: "a", owner: "B", checkpointOwner: "A" });
  const first = observeHandoffs(new Map(), [pending, leaseOf({ key: "b", owner: "A" })], 100);
  const sighting: HandoffSighting = {
    leaseOwner: "B",
    checkpointOwner: "A",
    ownerSwitches: 0,
    firstSeenMs: 100,
  };
  assertEquals(first, new Map([["a", sighting]]));
  assertEquals(observeHandoffs(first, [{ ...pending, leaseCounter: 9 }], 200), first);
  const next = observeHandoffs(first, [{ ...pending, leaseOwner: "C" }], 200);
  assertEquals(
    next,
    new Map([["a", { leaseOwner: "C", checkpointOwner: "A", ownerSwitches: 0, firstSeenMs: 200 }]]),
  );
  const taken = observeHandoffs(first, [{ ...pending, checkpointOwner: "C" }], 200);
  assertEquals(
    taken,
    new Map([["a", { leaseOwner: "B", checkpointOwner: "C", ownerSwitches: 0, firstSeenMs: 200 }]]),
  );
  assertEquals(observeHandoffs(first, [leaseOf({ key: "a", owner: "B" })], 200), new Map());
});

Deno.test("observeHandoffs() starts anew when the owner took the lease back and is asked again, unseen", () => {
  const pending = leaseOf({ key: "a", owner: "B", checkpointOwner: "A" });
  const since = (first: number, then: number) => {
    const seen = observeHandoffs(new Map(), [{ ...pending, ownerSwitchesSinceCheckpoint: first }], 100);
    const next = observeHandoffs(seen, [{ ...pending, ownerSwitchesSinceCheckpoint: then }], 200);
    return next.get("a")?.firstSeenMs;
  };
  assertEquals([since(2, 3), since(2, 2)], [200, 100]);
  assertEquals(since(2, 0), 100, "a checkpoint of the draining owner gives it no more time");
});

Deno.test("isHandoffOverdue() waits the owner's time and the failover time from the first sight", () => {
  const sighting: HandoffSighting = {
    leaseOwner: "B",
    checkpointOwner: "A",
    ownerSwitches: 0,
    firstSeenMs: 1000,
  };
  const rule = { timeoutMs: 30_000, failoverTimeMs: 10_000 };
  assertEquals(isHandoffOverdue(sighting, { ...rule, nowMs: 41_000 }), false);
  assertEquals(isHandoffOverdue(sighting, { ...rule, nowMs: 41_001 }), true);
  assertEquals(isHandoffOverdue(undefined, { ...rule, nowMs: 1e9 }), false);
});
