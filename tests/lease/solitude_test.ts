import { assertEquals } from "@std/assert";
import {
  isSettledAlone,
  type LeaderLook,
  mayRest,
  restingDiscoveryMs,
  restMs,
} from "../../src/lease/solitude.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";

const lease = (leaseKey: string, leaseOwner: string | undefined): LeaderLook["leases"][number] => ({
  leaseKey,
  leaseOwner,
  checkpointOwner: undefined,
  checkpoint: positionAt("TRIM_HORIZON"),
});
const alone: LeaderLook = {
  workerId: "me",
  leases: [lease("a", "me"), lease("b", "me")],
  workers: [{ workerId: "me" }],
};

const looks: Readonly<Record<string, readonly [Partial<LeaderLook>, boolean]>> = {
  "all leases are its own": [{}, true],
  "its own report is missing": [{ workers: [] }, true],
  "another worker reports": [{ workers: [{ workerId: "me" }, { workerId: "java" }] }, false],
  "another worker has a lease": [{ leases: [lease("a", "me"), lease("b", "old")] }, false],
  "a lease is free": [{ leases: [lease("a", "me"), lease("b", undefined)] }, false],
  "a finished lease is free": [{
    leases: [lease("a", "me"), { ...lease("b", undefined), checkpoint: SHARD_END }],
  }, true],
  "a finished lease is another's": [{
    leases: [lease("a", "me"), { ...lease("b", "old"), checkpoint: SHARD_END }],
  }, false],
  "a lease comes by a handoff": [{ leases: [{ ...lease("a", "me"), checkpointOwner: "old" }] }, false],
  "there are no leases yet": [{ leases: [] }, false],
};

for (const [what, [changes, isSettled]] of Object.entries(looks)) {
  Deno.test(`isSettledAlone() is ${isSettled} when ${what}`, () => {
    assertEquals(isSettledAlone({ ...alone, ...changes }), isSettled);
  });
}

const rule = { failoverTimeMs: 10_000, leaseAssignmentIntervalMs: 2500, leaseAuditIntervalMs: 10_000 };

Deno.test("mayRest() waits for the failover time since somebody was seen or heard", () => {
  assertEquals([mayRest(0, 10_000, rule), mayRest(0, 10_001, rule)], [false, true]);
});

Deno.test("restMs() is no longer than failover and audit allow, and never shorter than the usual pause", () => {
  assertEquals(restMs(rule), 10_000);
  assertEquals(restMs({ ...rule, leaseAuditIntervalMs: 6000 }), 6000);
  assertEquals(restMs({ ...rule, failoverTimeMs: 5000 }), 5000);
  assertEquals(restMs({ ...rule, leaseAssignmentIntervalMs: 20_000 }), 20_000);
});

Deno.test("restingDiscoveryMs() is six failover times, or the interval that was set", () => {
  assertEquals([restingDiscoveryMs(10_000, 1000), restingDiscoveryMs(1000, 10_000)], [60_000, 10_000]);
});
