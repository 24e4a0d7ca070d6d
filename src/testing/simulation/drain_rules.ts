/**
 * What must hold for workers that an operator drains: they gain no lease while another worker could have it,
 * and lose all that they have.
 *
 * @module
 */

import type { Item } from "../../aws/dynamodb.ts";
import { actualOwner, type Lease } from "../../lease/lease.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";
import { WORKER_METRICS_ENTITY, workerMetricsOf } from "../../store/coordinator_items.ts";
import type { History } from "./history.ts";
import type { TableWrite } from "./shared_table.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the rules look at. */
export interface DrainRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  readonly failoverTimeMs: number;
  /** Whether all can tell how old a report is: no clock is wrong, and no worker has a limit of leases. */
  readonly isFair: boolean;
  /** The lease that an item holds. */
  readonly leaseIn: (item: Item | undefined) => Lease | undefined;
  /** The workers that work, and are not paused. */
  readonly running: () => ReadonlySet<string>;
}

/** What is known of a worker's item. */
interface Row {
  readonly isMarked: boolean;
  /** When the mark was set or removed, or the item made. */
  readonly sinceMs: number;
  readonly lastUpdateEpochS: number | undefined;
  readonly reportedMs: number;
}

/** How its owner renews a lease. */
interface Renewals {
  readonly owner: string | undefined;
  /** Since when its owner has renewed it in time. */
  readonly steadySinceMs: number;
  readonly movedMs: number;
}

/**
 * In addition to the failover time: how old what a write rests on may be, in ms. A stopping worker chooses
 * first, and hands over once it has drained.
 */
const KNOWN_MS = 40_000;
/** A report that is younger, in ms, is fresh for everybody, and for a worker that stops too. */
const FRESH_MS = 30_000;

/** See the module. */
export class DrainRules {
  readonly #options: DrainRulesOptions;
  readonly #rows = new Map<string, Row>();
  readonly #renewals = new Map<string, Renewals>();
  readonly #leases = new Map<string, Lease>();

  constructor(options: DrainRulesOptions) {
    this.#options = options;
  }

  /** Ids of the workers whose items are marked. */
  get marked(): readonly string[] {
    return [...this.#rows].filter(([, { isMarked }]) => isMarked).map(([workerId]) => workerId);
  }

  applied({ by, sentMs, key, before, after }: TableWrite): void {
    if (isMetrics(after ?? before)) return this.#noteReport(key, after);
    const was = this.#options.leaseIn(before), is = this.#options.leaseIn(after);
    if (is === undefined) {
      this.#renewals.delete(key);
      this.#leases.delete(key);
      return;
    }
    if (was !== undefined && is.leaseOwner !== was.leaseOwner && is.leaseOwner !== actualOwner(was)) {
      this.#checkGain(by, sentMs, is);
    }
    this.#noteRenewal(key, was, is);
    this.#leases.set(key, is);
  }

  /** A lease of a drained worker that another one could have. @param active Ids of the workers that work. */
  undrained(active: ReadonlySet<string>): Lease | undefined {
    const marked = new Set(this.marked);
    const canTake = [...active].some((id) => !marked.has(id) && this.#rows.has(id));
    if (!canTake) return undefined;
    return [...this.#leases.values()].find(({ leaseOwner = "", checkpoint }) =>
      marked.has(leaseOwner) && active.has(leaseOwner) && !isShardEnd(checkpoint)
    );
  }

  #checkGain(by: string, sentMs: number, { leaseKey, leaseOwner }: Lease): void {
    const { history, isFair } = this.#options;
    if (!isFair || leaseOwner === undefined) return;
    const row = this.#rows.get(leaseOwner);
    if (row === undefined || !row.isMarked || sentMs - row.sinceMs <= this.#knownMs) return;
    const other = [...this.#options.running()].find((id) => id !== leaseOwner && this.#canTake(id));
    if (other === undefined) return;
    const ms = sentMs - row.sinceMs;
    history.violated(
      "theDrainedGainNothing",
      leaseKey,
      `${by} gave it to ${leaseOwner}, which has been drained for ${ms} ms, and not to ${other}`,
    );
  }

  /** Whether all see that the worker is alive and not drained. */
  #canTake(workerId: string): boolean {
    const { nowMs } = this.#options.time;
    const row = this.#rows.get(workerId);
    if (row === undefined || row.isMarked || nowMs - row.sinceMs <= this.#knownMs) return false;
    if (nowMs - row.reportedMs > FRESH_MS) return false;
    return [...this.#renewals.values()].some(({ owner, steadySinceMs, movedMs }) =>
      owner === workerId && nowMs - movedMs < this.#mostPauseMs && nowMs - steadySinceMs > this.#knownMs
    );
  }

  #noteReport(workerId: string, after: Item | undefined): void {
    const readout = after === undefined ? undefined : workerMetricsOf("leaseKey", after);
    if (readout?.type !== "read") return void this.#rows.delete(workerId);
    const { nowMs } = this.#options.time;
    const { lastUpdateEpochS, drainingSinceEpochS } = readout.value;
    const before = this.#rows.get(workerId);
    const isMarked = drainingSinceEpochS !== undefined;
    this.#rows.set(workerId, {
      isMarked,
      sinceMs: before?.isMarked === isMarked ? before.sinceMs : nowMs,
      lastUpdateEpochS,
      reportedMs: before?.lastUpdateEpochS === lastUpdateEpochS ? before?.reportedMs ?? nowMs : nowMs,
    });
  }

  #noteRenewal(key: string, was: Lease | undefined, is: Lease): void {
    const { nowMs } = this.#options.time;
    const owner = actualOwner(is);
    const before = this.#renewals.get(key);
    const isMoved = is.leaseCounter !== was?.leaseCounter;
    const isSteady = before !== undefined && before.owner === owner &&
      nowMs - before.movedMs < this.#mostPauseMs;
    this.#renewals.set(key, {
      owner,
      steadySinceMs: isSteady ? before.steadySinceMs : nowMs,
      movedMs: isMoved ? nowMs : before?.movedMs ?? nowMs,
    });
  }

  get #knownMs(): number {
    return this.#options.failoverTimeMs + KNOWN_MS;
  }

  get #mostPauseMs(): number {
    return 0.8 * this.#options.failoverTimeMs;
  }
}

function isMetrics(item: Item | undefined): boolean {
  const { entityType } = item ?? {};
  return entityType !== undefined && "S" in entityType && entityType.S === WORKER_METRICS_ENTITY;
}
