import { assertEquals } from "@std/assert";
import { isFleetSettled, lookMs, lookPatienceMs } from "../../src/lease/shared_looks.ts";
import type { LeaderLook } from "../../src/lease/solitude.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";

const lease = (leaseKey: string, leaseOwner: string | undefined): LeaderLook["leases"][number] => ({
  leaseKey,
  leaseOwner,
  checkpointOwner: undefined,
  checkpoint: positionAt("TRIM_HORIZON"),
});
const calm = {
  workerId: "me",
  leases: [lease("a", "me"), lease("b", "you")],
  workers: [{ workerId: "me" }, { workerId: "you" }],
  held: ["a"],
};

const looks: Readonly<Record<string, readonly [Partial<typeof calm>, boolean]>> = {
  "each lease has an owner that reports": [{}, true],
  "a worker that has just joined has no lease": [{
    workers: [...calm.workers, { workerId: "new" }],
  }, true],
  "it has no lease itself": [{ leases: [lease("b", "you")], held: [] }, false],
  "a lease of its own has not begun": [{ held: [] }, false],
  "it holds another lease in place of its own": [{ held: ["b"] }, false],
  "it holds a lease that is another's": [{ held: ["a", "b"] }, false],
  "a lease is free": [{ leases: [lease("a", "me"), lease("b", undefined)] }, false],
  "a finished lease is free": [{
    leases: [lease("a", "me"), { ...lease("b", undefined), checkpoint: SHARD_END }],
  }, true],
  "an owner does not report": [{ workers: [{ workerId: "me" }] }, false],
  "a lease is being handed over": [{
    leases: [lease("a", "me"), { ...lease("b", "new"), checkpointOwner: "you" }],
    workers: [...calm.workers, { workerId: "new" }],
  }, false],
  "a lease of its own is being handed over": [{
    leases: [{ ...lease("a", "me"), checkpointOwner: "you" }, lease("b", "you")],
  }, false],
};

for (const [what, [changes, isSettled]] of Object.entries(looks)) {
  Deno.test(`isFleetSettled() is ${isSettled} when ${what}`, () => {
    const { held, ...look } = { ...calm, ...changes };
    assertEquals(isFleetSettled(look, new Set(held)), isSettled);
  });
}

const rule = { leaseDiscoveryIntervalMs: 1000, leaseAssignmentIntervalMs: 2500, lockLookMs: 1000 };
const of = (changes: Partial<typeof rule>, isLeading: boolean, isSettled: boolean) =>
  lookMs({ ...rule, ...changes }, { isLeading, isSettled });

Deno.test("lookMs() is the shortest interval of the worker, and a little longer while nothing is under way", () => {
  assertEquals([of({}, true, false), of({}, false, false)], [1000, 1000]);
  assertEquals([of({}, true, true), of({}, false, true)], [1300, 1300]);
  assertEquals([of({ lockLookMs: 100 }, true, false), of({ lockLookMs: 100 }, false, false)], [1000, 100]);
  const slow = { leaseDiscoveryIntervalMs: 10_000, leaseAssignmentIntervalMs: 20_000 };
  assertEquals([of(slow, true, true), of(slow, false, true)], [13_000, 1300], "a leader keeps KCL's pace");
});

Deno.test("lookMs() of a leader is never longer than the interval of assignments", () => {
  assertEquals(of({ leaseAssignmentIntervalMs: 250 }, true, true), 250);
  assertEquals(of({ leaseAssignmentIntervalMs: 1100 }, true, true), 1100);
});

Deno.test("lookPatienceMs() is longer than a pause, and shorter than two", () => {
  assertEquals(lookPatienceMs(1000), 1500);
});
