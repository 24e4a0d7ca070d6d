/**
 * What one pass costs a leader in CPU: its pure decisions on a table as a fleet leaves it, each alone, on this machine.
 *
 * @module
 */

import type { Item } from "../../src/aws/dynamodb.ts";
import { ASSIGNMENT_DEFAULTS, type AssignmentInput, planAssignments } from "../../src/lease/assignment.ts";
import { observeBeginnings, unbegunLeases } from "../../src/lease/beginnings.ts";
import { observe } from "../../src/lease/expiry.ts";
import { auditLeases } from "../../src/lease/gaps.ts";
import { observeHandoffs } from "../../src/lease/handoff.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { listingOf } from "../../src/store/table_listing.ts";

/** Real ms, each the least of some runs. */
export interface PassMs {
  /** From the text that DynamoDB sends to items. */
  readonly parse: number;
  /** From items to leases. */
  readonly read: number;
  /** Which counters have moved, which handoffs are pending. */
  readonly observe: number;
  /** Whether the leases cover the stream. */
  readonly audit: number;
  /** Nothing is to do. */
  readonly planSteady: number;
  /** All leases are free. */
  readonly planCold: number;
  /** As many workers again have joined. */
  readonly planDoubled: number;
  /** A tenth of the workers is dead, and their leases have expired. */
  readonly planTenthDead: number;
  /** As above, with load to go by: nothing to do, but balancing is due. */
  readonly planLoadSteady: number;
  readonly planLoadDoubled: number;
  readonly planLoadTenthDead: number;
  /** Measured load that is uneven all over the fleet. */
  readonly planLoadUneven: number;
}

const failoverTimeMs = 10_000;

/** Measures it on the items of a table at rest. */
export function passMs(items: readonly Item[]): PassMs {
  const text = JSON.stringify({ Items: items });
  const { leases, workers } = listingOf(items);
  const nowEpochS = Math.max(...workers.map((worker) => worker.lastUpdateEpochS ?? 0));
  const fresh = workers.map((worker) => ({ ...worker, lastUpdateEpochS: nowEpochS }));
  const first = observe(new Map(), leases, 0);
  const input: AssignmentInput = {
    workerId: fresh[0]?.workerId ?? "",
    leases,
    workers: fresh,
    sightings: first,
    handoffs: new Map(),
    reports: new Map(),
    unbegun: new Set(),
    given: new Set(),
    silences: new Map(),
    reported: new Map(),
    nowMs: 1000,
    nowEpochS,
    balance: true,
    newcomers: new Set(),
    random: () => 0.5,
  };
  const free = leases.map((lease) => ({ ...lease, leaseOwner: undefined }));
  const cold = { ...input, leases: free, sightings: observe(new Map(), free, 0) };
  const joined = fresh.map((worker) => ({ ...worker, workerId: `${worker.workerId}-2` }));
  const newcomers = new Set(joined.map(({ workerId }) => workerId));
  const doubled = { ...input, workers: [...fresh, ...joined], newcomers };
  const alive = new Set(fresh.slice(Math.ceil(fresh.length / 10)).map(({ workerId }) => workerId));
  const moved = leases.map((lease) =>
    alive.has(lease.leaseOwner ?? "") ? { ...lease, leaseCounter: lease.leaseCounter + 1 } : lease
  );
  const isAlive = ({ workerId }: { readonly workerId: string }) => alive.has(workerId);
  const tenthDead: AssignmentInput = {
    ...input,
    workerId: fresh.find(isAlive)?.workerId ?? "",
    workers: fresh.map((worker) =>
      isAlive(worker) ? worker : { ...worker, lastUpdateEpochS: nowEpochS - 20 }
    ),
    leases: moved,
    sightings: observe(first, moved, 9000),
    nowMs: 11_000,
  };
  const busy = (from: AssignmentInput, kBps: (lease: Lease, index: number) => number): AssignmentInput => ({
    ...from,
    leases: from.leases.map((lease, index) => ({ ...lease, throughputKBps: kBps(lease, index) })),
  });
  const even = () => 100;
  const uneven = (_: Lease, index: number) => 20 + (index * 7919) % 300;
  const plan = (from: AssignmentInput) =>
    leastMs(() => planAssignments(from, { ...ASSIGNMENT_DEFAULTS, failoverTimeMs }));
  return {
    parse: leastMs(() => JSON.parse(text)),
    read: leastMs(() => listingOf(items)),
    observe: leastMs(() => {
      observe(first, leases, 1000);
      observeHandoffs(new Map(), leases, 1000);
      unbegunLeases(observeBeginnings(new Map(), leases));
    }),
    audit: leastMs(() => auditLeases(undefined, leases)),
    planSteady: plan(input),
    planCold: plan(cold),
    planDoubled: plan(doubled),
    planTenthDead: plan(tenthDead),
    planLoadSteady: plan(busy(input, even)),
    planLoadDoubled: plan(busy(doubled, even)),
    planLoadTenthDead: plan(busy(tenthDead, even)),
    planLoadUneven: plan(busy(input, uneven)),
  };
}

function leastMs(work: () => unknown): number {
  let least = Infinity;
  const untilMs = performance.now() + 1000;
  for (let run = 0; run < 25 && (run < 2 || performance.now() < untilMs); run++) {
    const startedMs = performance.now();
    work();
    least = Math.min(least, performance.now() - startedMs);
  }
  return Math.round(least * 10) / 10;
}
