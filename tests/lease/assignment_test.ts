import { assertEquals } from "@std/assert";
import {
  assignmentDefaults,
  type AssignmentInput,
  type AssignmentOptions,
  type LeaseAssignmentStrategy,
  planAssignments,
  writeOf,
} from "../../src/lease/assignment.ts";
import cases from "../cases/assignment.json" with { type: "json" };
import { chanceOf, leaseOf, metricsOf, type ShortLease } from "./fixtures.ts";

const NOW_MS = 1_000_000;
const NOW_EPOCH_S = 1_700_000_000;
const FAILOVER_MS = 10_000;

/** A case as its table writes it; what is left out is as in a quiet fleet. */
interface Case {
  readonly comment: string;
  readonly strategy: string;
  readonly leader?: string;
  readonly balance?: boolean;
  readonly newcomers?: readonly string[];
  readonly unbegun?: readonly string[];
  readonly options?: Partial<AssignmentOptions>;
  /** `age`: of the item in s (null: it has no time). */
  readonly workers: Readonly<
    Record<string, {
      readonly age?: number | null;
      readonly stats?: Readonly<Record<string, readonly number[]>>;
      readonly limit?: number;
    }>
  >;
  /** `pendingMs`: for how long the leader has seen the handoff. */
  readonly leases: readonly (ShortLease & { readonly expired?: boolean; readonly pendingMs?: number })[];
  /** `lease how worker`, in order. */
  readonly plan?: readonly string[];
  /** Instead of `plan` where chance picks the leases: how many. */
  readonly moved?: number;
  readonly spillover?: readonly string[];
}

function inputOf({ leader, balance, newcomers, unbegun, workers, leases }: Case): AssignmentInput {
  return {
    workerId: leader ?? "leader",
    leases: leases.map(leaseOf),
    workers: Object.entries(workers).map(([id, { age, stats, limit }]) =>
      metricsOf(id, age === null ? undefined : NOW_EPOCH_S - (age ?? 0), stats, limit)
    ),
    sightings: new Map(leases.map(({ key, counter, owner, checkpointOwner, expired }) => [key, {
      leaseCounter: counter ?? 0,
      sinceMs: owner === undefined && checkpointOwner === undefined
        ? undefined
        : NOW_MS - (expired ? FAILOVER_MS + 1 : 0),
    }])),
    handoffs: new Map(
      leases.flatMap(({ key, owner, checkpointOwner, pendingMs }) =>
        checkpointOwner === undefined ? [] : [[key, {
          leaseOwner: owner,
          checkpointOwner,
          ownerSwitches: 0,
          firstSeenMs: NOW_MS - (pendingMs ?? 0),
        }]]
      ),
    ),
    reports: new Map(),
    unbegun: new Set(unbegun),
    nowMs: NOW_MS,
    nowEpochS: NOW_EPOCH_S,
    balance: balance ?? false,
    newcomers: new Set(newcomers),
    random: chanceOf(1),
  };
}

for (const one of cases as readonly Case[]) {
  Deno.test(`planAssignments(): ${one.comment}`, () => {
    const strategy = one.strategy as LeaseAssignmentStrategy;
    const options = { ...assignmentDefaults, failoverTimeMs: FAILOVER_MS, strategy, ...one.options };
    const { assignments, spillover, expired } = planAssignments(inputOf(one), options);
    if (one.plan !== undefined) {
      assertEquals(assignments.map(({ lease, how, to }) => `${lease.leaseKey} ${how} ${to}`), one.plan);
    }
    if (one.moved !== undefined) assertEquals(assignments.length, one.moved);
    assertEquals(spillover, one.spillover ?? []);
    assertEquals(expired, one.leases.filter((lease) => lease.expired).length);
  });
}

Deno.test("planAssignments() counts the workers that could be given leases", () => {
  const fleet: Case = {
    comment: "",
    strategy: "",
    workers: { A: {}, B: { age: 61 }, C: { stats: { C: [-1] } } },
    leases: [],
  };
  const options = { ...assignmentDefaults, failoverTimeMs: FAILOVER_MS };
  assertEquals(planAssignments(inputOf(fleet), options), {
    assignments: [],
    spillover: [],
    workers: 1,
    expired: 0,
    silent: [],
  });
});

Deno.test("planAssignments() names the workers that it passed over as dead, so that their items can be deleted", () => {
  const fleet: Case = {
    comment: "",
    strategy: "",
    workers: { A: { age: 20 }, B: {}, C: { age: 20 } },
    leases: [{ key: "1", owner: "A", expired: true }, { key: "2", owner: "B" }],
  };
  const options = { ...assignmentDefaults, failoverTimeMs: FAILOVER_MS };
  assertEquals(planAssignments(inputOf(fleet), options).silent.map((worker) => worker.workerId), ["A"]);
});

Deno.test("writeOf() fences an assignment by both owners and the counter, and a handoff leaves the counter alone", () => {
  const lease = leaseOf({ key: "1", owner: "A", counter: 5 });
  const assigned = writeOf({ how: "assign", lease, to: "B" });
  assertEquals(assigned.when, { exists: true, leaseOwner: "A", checkpointOwner: null, leaseCounter: 5 });
  assertEquals(assigned.set, { leaseOwner: "B" });
  const handedOver = writeOf({ how: "startHandoff", lease: { ...lease, leaseOwner: "A" }, to: "B" });
  assertEquals(handedOver.set, { leaseOwner: "B", checkpointOwner: "A" });
  assertEquals(handedOver.add, {});
});
