/**
 * Workers without processes on an {@linkcode OperateBed}. They renew, hand over and lead while a command
 * sleeps. What a leader of kclite decides is decided by `planAssignments()`.
 *
 * @module
 */

import { ASSIGNMENT_DEFAULTS, planAssignments, writeOf } from "../../src/lease/assignment.ts";
import type { WorkerMetrics } from "../../src/lease/coordinator_store.ts";
import { actualOwner } from "../../src/lease/lease.ts";
import { assign, renew } from "../../src/lease/lease_write.ts";
import { isShardEnd } from "../../src/stream/sequence_number.ts";
import type { OperateBed } from "./operate_bed.ts";

/** How the workers behave. */
export interface ActingFleetOptions {
  /** Ids of the workers that live. */
  readonly alive: readonly string[];
  /** Ids of those that do not hear of handoffs. @default none */
  readonly deaf?: readonly string[];
  /** Whether a leader of kclite obeys marks. @default {false} */
  readonly isObeyed?: boolean;
  /** Of that leader. @default {Infinity} */
  readonly maxLeasesForWorker?: number;
  /** Keys of leases whose handoffs make no progress while nobody is drained. @default none */
  readonly untouched?: readonly string[];
}

/** The seconds that a worker takes to drain a shard. */
const DRAIN_S = 2;

/** See the module. Its fields may be changed on the way. */
export class ActingFleet {
  readonly alive: Set<string>;
  readonly deaf: Set<string>;
  /** Called after each second. */
  afterSecond: () => void | Promise<void> = () => {};
  readonly #bed: OperateBed;
  readonly #options: ActingFleetOptions;
  readonly #pendingS = new Map<string, number>();
  #isActing = false;

  constructor(bed: OperateBed, options: ActingFleetOptions) {
    this.#bed = bed;
    this.#options = options;
    this.alive = new Set(options.alive);
    this.deaf = new Set(options.deaf);
    bed.clock.whileAsleep = (ms) => this.act(ms);
  }

  /** What happens in this time. */
  async act(ms: number): Promise<void> {
    // The calls of these workers sleep too.
    if (this.#isActing) return;
    this.#isActing = true;
    try {
      for (let second = 1; second <= ms / 1000; second++) {
        await this.#workers();
        if (this.#options.isObeyed) await this.#leader();
        await this.afterSecond();
      }
    } finally {
      this.#isActing = false;
    }
  }

  async #workers(): Promise<void> {
    const { leaseStore } = this.#bed.fleet;
    const { leases, workers } = await leaseStore.list();
    const untouched = workers.some(isMarked) ? [] : this.#options.untouched ?? [];
    for (const lease of leases) {
      const { leaseKey, leaseOwner, checkpointOwner } = lease;
      const owner = actualOwner(lease);
      if (owner === undefined || !this.alive.has(owner)) continue;
      if (untouched.includes(leaseKey) || isShardEnd(lease.checkpoint)) {
        await leaseStore.apply(renew(lease));
        continue;
      }
      const pendingS = checkpointOwner === undefined ? 0 : (this.#pendingS.get(leaseKey) ?? 0) + 1;
      this.#pendingS.set(leaseKey, pendingS);
      const isDrained = pendingS > DRAIN_S && leaseOwner !== undefined && !this.deaf.has(owner);
      await leaseStore.apply(isDrained ? assign(lease, leaseOwner) : renew(lease));
    }
  }

  async #leader(): Promise<void> {
    const { fleet: { leaseStore }, clock } = this.#bed;
    const { leases, workers } = await leaseStore.list();
    if (!workers.some(isMarked)) return;
    const nowMs = clock.monotonicMs();
    const { maxLeasesForWorker = Infinity } = this.#options;
    const { assignments } = planAssignments({
      workerId: "leader",
      leases,
      workers: workers.filter(({ workerId }) => this.alive.has(workerId)),
      sightings: new Map(
        leases.map(({ leaseKey, leaseCounter }) => [leaseKey, { leaseCounter, sinceMs: nowMs }]),
      ),
      handoffs: new Map(),
      reports: new Map(),
      unbegun: new Set(),
      given: new Set(),
      reported: new Map(),
      silences: new Map(),
      nowMs,
      nowEpochS: clock.epochMs() / 1000,
      balance: false,
      newcomers: new Set(),
      random: () => 0.5,
    }, { ...ASSIGNMENT_DEFAULTS, failoverTimeMs: 10_000, maxLeasesForWorker });
    for (const assignment of assignments) await leaseStore.apply(writeOf(assignment));
  }
}

function isMarked({ drainingSinceEpochS }: WorkerMetrics): boolean {
  return drainingSinceEpochS !== undefined;
}
