import { assert, assertEquals } from "@std/assert";
import {
  ASSIGNMENT_DEFAULTS,
  type AssignmentInput,
  type AssignmentOptions,
  type LeaseAssignmentStrategy,
  planAssignments,
  writeOf,
} from "../../src/lease/assignment.ts";
import { actualOwner } from "../../src/lease/lease.ts";
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
  /** Keys of leases that are not known to be begun, and of those that the leader has seen given. */
  readonly unbegun?: readonly string[];
  readonly given?: readonly string[];
  /** Workers that have reported and have no item any more: for how long, in ms. */
  readonly left?: Readonly<Record<string, number>>;
  /** Workers under which a lease expired in an earlier pass, and whether they had begun it. */
  readonly silences?: Readonly<Record<string, boolean>>;
  /** Workers that an operator drains. */
  readonly drains?: readonly string[];
  readonly options?: Partial<AssignmentOptions>;
  /** `age`: of the item in s (null: it has no time). */
  readonly workers: Readonly<
    Record<string, {
      readonly age?: number | null;
      /** For how long the leader has seen this report, in s; by default it sees it for the first time. */
      readonly seen?: number;
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
  /** Ids of the workers whose items are to be deleted. */
  readonly gone?: readonly string[];
}

function inputOf(one: Case): AssignmentInput {
  const { leader, balance, newcomers, unbegun, given, left, silences, drains, workers, leases } = one;
  const reportedS = (id: string) => NOW_EPOCH_S - (workers[id]?.age ?? 0);
  return {
    workerId: leader ?? "leader",
    leases: leases.map(leaseOf),
    workers: Object.entries(workers).map(([id, { age, stats, limit }]) => ({
      ...metricsOf(id, age === null ? undefined : NOW_EPOCH_S - (age ?? 0), stats, limit),
      drainingSinceEpochS: drains?.includes(id) ? NOW_EPOCH_S - 5 : undefined,
    })),
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
    reports: new Map(
      Object.entries(workers).flatMap(([id, { seen }]) =>
        seen === undefined ? [] : [[id, {
          lastUpdateEpochS: reportedS(id),
          sinceMs: NOW_MS - seen * 1000,
          hasMoved: false,
        }]]
      ),
    ),
    unbegun: new Set([...unbegun ?? [], ...given ?? []]),
    given: new Set(given),
    reported: new Map([
      ...Object.keys(workers).map((id) => [id, undefined] as const),
      ...Object.entries(left ?? {}).map(([id, ms]) => [id, NOW_MS - ms] as const),
    ]),
    silences: new Map(
      Object.entries(silences ?? {}).map(([id, hadBegun]) =>
        [id, { lastUpdateEpochS: reportedS(id), hadBegun }] as const
      ),
    ),
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
    const options = { ...ASSIGNMENT_DEFAULTS, failoverTimeMs: FAILOVER_MS, strategy, ...one.options };
    const plan = planAssignments(inputOf(one), options);
    const { assignments, spillover, expired, gone } = plan;
    if (one.plan !== undefined) {
      assertEquals(assignments.map(({ lease, how, to }) => `${lease.leaseKey} ${how} ${to}`), one.plan);
    }
    if (one.moved !== undefined) assertEquals(assignments.length, one.moved);
    assertEquals(spillover, one.spillover ?? []);
    if (one.gone !== undefined) assertEquals(gone.map((worker) => worker.workerId), one.gone);
    assertEquals(expired, one.leases.filter((lease) => lease.expired).length);
    assertEquals(plan.free, inputOf(one).leases.filter((lease) => actualOwner(lease) === undefined).length);
    const handoffs = assignments.filter(({ how }) => how === "startHandoff").length;
    assert(plan.balanced >= handoffs);
    if (options.gracefulHandoff) assertEquals(plan.balanced, handoffs);
  });
}

Deno.test("planAssignments() counts the workers that could be given leases", () => {
  const fleet: Case = {
    comment: "",
    strategy: "",
    workers: { A: {}, B: { age: 61 }, C: { stats: { C: [-1] } } },
    leases: [],
  };
  const options = { ...ASSIGNMENT_DEFAULTS, failoverTimeMs: FAILOVER_MS };
  assertEquals(planAssignments(inputOf(fleet), options), {
    assignments: [],
    spillover: [],
    workers: 1,
    expired: 0,
    free: 0,
    balanced: 0,
    gone: [],
    silences: new Map(),
  });
});

Deno.test("planAssignments() remembers who is silent until the next report, also when the lease is another's", () => {
  const fleet: Case = {
    comment: "",
    strategy: "LEASE_COUNT_BASED",
    workers: { A: { age: 4 }, B: {} },
    leases: [{ key: "1", owner: "A", expired: true }, { key: "2", owner: "B" }],
  };
  const options = { ...ASSIGNMENT_DEFAULTS, failoverTimeMs: FAILOVER_MS };
  const { silences, gone } = planAssignments(inputOf(fleet), options);
  assertEquals(gone, [], "it may have reported after it was seen for the last time");
  assertEquals([...silences], [["A", { lastUpdateEpochS: NOW_EPOCH_S - 4, hadBegun: true }]]);
  const after = { ...fleet, leases: [{ key: "1", owner: "B" }, { key: "2", owner: "B" }, { key: "3" }] };
  const later = { ...inputOf(after), silences, nowEpochS: NOW_EPOCH_S + 2 };
  const plan = planAssignments(later, options);
  assertEquals(plan.assignments.map(({ lease, to }) => `${lease.leaseKey} ${to}`), ["3 B"]);
  assertEquals(plan.gone, [{ workerId: "A", lastUpdateEpochS: NOW_EPOCH_S - 4 }]);
  const reported = { ...inputOf({ ...after, workers: { A: { age: 0 }, B: {} } }), silences };
  assertEquals(planAssignments(reported, options).silences, new Map());
  assertEquals(planAssignments(reported, options).gone, []);
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
