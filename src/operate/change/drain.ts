/**
 * Drains a worker: marks it for leaders of kclite, and watches until it has no leases to read. Under a leader
 * that does not know the mark, each lease is handed over once.
 *
 * @module
 */

import type { DrainStore } from "../../lease/coordinator_store.ts";
import { actualOwner, type Lease } from "../../lease/lease.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";
import { errorText } from "../../errors.ts";
import { forEachAtMost, WRITES_AT_ONCE } from "../../async/task_group.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { type DrainFindings, drainRefusal, nextMoves, unfinishedOf } from "./drain_check.ts";
import { type FleetLeader, type FleetView, viewOf } from "./fleet_view.ts";
import { request } from "./lease_handoff.ts";

/** What is to be done. */
export interface DrainOptions {
  readonly workerId: string;
  readonly maxRcu: number | undefined;
  readonly maxLeasesForWorker: number;
  /** In ms. */
  readonly timeoutMs: number;
  /** Called once the mark is set. @param leases How many there are to hand over. */
  readonly onMarked: (leader: FleetLeader, leases: number) => void;
  /** Called at each look. @param pending Of those that are left: how many are being handed over. */
  readonly onLeft: (left: number, pending: number, total: number) => void;
  /** Called when nothing has moved for a while. */
  readonly onStall: (stalledMs: number) => void;
}

/** How it ended. */
export type DrainOutcome =
  | { readonly type: "refused"; readonly reason: string }
  | {
    /** `timeout`: it has leases left. `lost`: the mark is gone with its item. */
    readonly type: "done" | "timeout" | "lost";
    readonly leader: FleetLeader;
    /** How many leases have left it. */
    readonly moved: number;
    /** Keys of the leases that it still reads. */
    readonly left: readonly string[];
    /** Keys of the leases that it was given back. */
    readonly givenBack: readonly string[];
    /** How many leases of shards at their end it has: they wait to be cleaned up. */
    readonly finished: number;
    readonly passedMs: number;
  };

/** Between two looks, in ms: about a pass of a leader. Ours. */
const POLL_MS = 2000;
/** When no lease has moved for this many failover times, the command says so. Ours. */
const STALL_FAILOVERS = 3;
/** Up to this number of leases is read one by one at each look. */
const MOST_READS = 50;

/** Runs to the end. */
export async function drainWorker(
  fleet: FleetAccess,
  options: DrainOptions,
  signal: AbortSignal,
): Promise<DrainOutcome> {
  const { workerId } = options;
  const first = await viewOf(fleet, options, undefined, signal);
  const reason = drainRefusal(findingsOf(first, workerId));
  if (reason !== undefined) return { type: "refused", reason };
  const startedMs = fleet.system.clock.monotonicMs();
  if (!await mark(fleet, first, workerId, true, signal)) {
    return { type: "refused", reason: "it has left the fleet meanwhile" };
  }
  const watch = new Watch(fleet, options, first);
  options.onMarked(first.leader, watch.total);
  const hasEnded = await watch.run(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    const what = `Cannot watch the drain of worker "${workerId}", whose mark stays`;
    throw new Error(`${what}: ${errorText(error)}: run the command again, or with --cancel`, {
      cause: error,
    });
  });
  const last = await viewOf(fleet, options, watch.view, signal);
  const kept = unfinishedOf(workerId, last.look.leases);
  const left = kept.map(({ leaseKey }) => leaseKey).toSorted();
  const item = last.look.workers.find((worker) => worker.workerId === workerId);
  const isLost = left.length > 0 && item?.drainingSinceEpochS === undefined;
  return {
    type: left.length === 0 ? "done" : isLost ? "lost" : hasEnded && watch.isByHand ? "done" : "timeout",
    leader: last.leader,
    moved: watch.total - left.filter((key) => watch.began(key)).length,
    left,
    givenBack: left.filter((key) => watch.handed.has(key)),
    finished:
      last.look.leases.filter((lease) => actualOwner(lease) === workerId && isShardEnd(lease.checkpoint))
        .length,
    passedMs: fleet.system.clock.monotonicMs() - startedMs,
  };
}

/** Lets a worker have leases again. @returns false when it has no item. */
export async function cancelDrain(
  fleet: FleetAccess,
  options: { readonly workerId: string; readonly maxRcu: number | undefined },
  signal: AbortSignal,
): Promise<{ readonly wasFound: boolean; readonly wasMarked: boolean; readonly leader: FleetLeader }> {
  const { workerId } = options;
  const view = await viewOf(fleet, options, undefined, signal);
  const item = view.look.workers.find((worker) => worker.workerId === workerId);
  const wasMarked = item?.drainingSinceEpochS !== undefined;
  return { wasFound: await mark(fleet, view, workerId, false, signal), wasMarked, leader: view.leader };
}

/** In both tables, while there are two: a worker's item may be in either. */
async function mark(
  fleet: FleetAccess,
  { place }: FleetView,
  workerId: string,
  isDraining: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const store = fleet.coordinatorStore as unknown as Partial<DrainStore>;
  if (typeof store.markDraining !== "function") {
    throw new TypeError("Cannot drain a worker: expected a coordinatorStore with markDraining(): got none");
  }
  const sinceEpochS = isDraining ? Math.floor(fleet.system.clock.epochMs() / 1000) : undefined;
  let isMarked = await store.markDraining("leaseTable", workerId, sinceEpochS, signal);
  if (place === "legacy") {
    isMarked = await store.markDraining("legacy", workerId, sinceEpochS, signal) || isMarked;
  }
  return isMarked;
}

/** Follows the worker's leases by the index and by single reads: a scan of a large table costs too much. */
class Watch {
  readonly total: number;
  /** Whether leases are handed over here, since the leader does not know the mark. */
  readonly isByHand: boolean;
  /** Keys of leases that were handed over here, once each. */
  readonly handed = new Set<string>();
  view: FleetView;
  readonly #fleet: FleetAccess;
  readonly #options: DrainOptions;
  /** What the worker has a hand in, unfinished. */
  #held: Map<string, Lease>;
  readonly #begun: ReadonlySet<string>;
  /** Keys that are of no interest: finished. */
  readonly #finished = new Set<string>();

  constructor(fleet: FleetAccess, options: DrainOptions, view: FleetView) {
    this.#fleet = fleet;
    this.#options = options;
    this.view = view;
    this.isByHand = view.leader.kind === "other" || view.leader.kind === "unknown";
    this.#held = new Map(
      unfinishedOf(options.workerId, view.look.leases).map((lease) => [lease.leaseKey, lease]),
    );
    this.#begun = new Set(this.#held.keys());
    this.total = this.#held.size;
  }

  /** Whether the worker had the lease in the beginning. */
  began(leaseKey: string): boolean {
    return this.#begun.has(leaseKey);
  }

  /** @returns whether it is over; false when time is up. */
  async run(signal: AbortSignal): Promise<boolean> {
    const { system: { clock }, failoverTimeMs } = this.#fleet;
    const { timeoutMs, onLeft, onStall } = this.#options;
    const startedMs = clock.monotonicMs();
    let movedMs = startedMs, before = this.#state(), stalls = 0;
    for (;;) {
      if (this.isByHand) await this.#handOver(signal);
      const pending = this.#pending;
      onLeft(this.#held.size, pending.length, this.total);
      if (this.#held.size === 0) return true;
      if (this.isByHand && pending.length === 0 && this.#toHand.length === 0) return true;
      const nowMs = clock.monotonicMs();
      const state = this.#state();
      if (state !== before) [before, movedMs, stalls] = [state, nowMs, 0];
      const stallMs = STALL_FAILOVERS * failoverTimeMs;
      if (nowMs - movedMs > 2 ** stalls * stallMs) {
        stalls++;
        onStall(nowMs - movedMs);
      }
      if (nowMs - startedMs >= timeoutMs) return false;
      await clock.sleep(Math.min(POLL_MS, timeoutMs - (nowMs - startedMs)), signal);
      await this.#look(signal);
    }
  }

  get #pending(): readonly Lease[] {
    return [...this.#held.values()].filter(({ checkpointOwner }) => checkpointOwner !== undefined);
  }

  /** Leases that were not handed over yet. */
  get #toHand(): readonly Lease[] {
    return [...this.#held.values()].filter(({ leaseKey, checkpointOwner }) =>
      checkpointOwner === undefined && !this.handed.has(leaseKey)
    );
  }

  #state(): string {
    return [...this.#held.values()].map((lease) => `${lease.leaseKey} ${lease.checkpointOwner ?? ""}`).join();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { leaseStore } = this.#fleet;
    const { workerId } = this.#options;
    const owned = await leaseStore.leaseKeysOwnedBy(workerId, signal);
    const known = [...this.#held.keys()];
    const isSmall = known.length <= MOST_READS;
    const listed = new Set(owned);
    const keys = new Set([
      ...owned.filter((key) => !this.#finished.has(key) && (isSmall || !this.#held.has(key))),
      // Those that have left the index are handed over, or are about to be.
      ...known.filter((key) => isSmall || !listed.has(key)),
    ]);
    await forEachAtMost([...keys], WRITES_AT_ONCE, async (key) => {
      const lease = await leaseStore.get(key, signal);
      if (lease !== undefined && isShardEnd(lease.checkpoint)) this.#finished.add(key);
      if (lease !== undefined && unfinishedOf(workerId, [lease]).length > 0) this.#held.set(key, lease);
      else this.#held.delete(key);
    });
  }

  /** Asks the worker for its next leases, each once. */
  async #handOver(signal: AbortSignal): Promise<void> {
    if (this.#toHand.length === 0) return;
    const { leaseStore } = this.#fleet;
    const { workerId, maxLeasesForWorker } = this.#options;
    this.view = await viewOf(this.#fleet, this.#options, this.view, signal);
    const findings = findingsOf(this.view, workerId);
    const leases = findings.leases.filter((lease) =>
      !this.handed.has(lease.leaseKey) || actualOwner(lease) !== workerId ||
      lease.checkpointOwner !== undefined
    );
    const moves = nextMoves({ ...findings, leases }, maxLeasesForWorker);
    await forEachAtMost(moves, WRITES_AT_ONCE, async ({ lease, to }) => {
      const { leaseOwner } = lease;
      if (leaseOwner === undefined) return;
      this.handed.add(lease.leaseKey);
      const asked = await request(leaseStore, { ...lease, leaseOwner }, to, signal);
      if (asked !== undefined) this.#held.set(lease.leaseKey, asked);
    });
  }
}

function findingsOf(
  { look: { leases, workers }, ageOf, clientVersion }: FleetView,
  workerId: string,
): DrainFindings {
  return { workerId, leases, workers, ageOf, clientVersion };
}
