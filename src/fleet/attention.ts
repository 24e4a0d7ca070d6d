/**
 * How often a member looks at its fleet. It looks seldom while it is alone, and makes one look for all where
 * the table is small. Otherwise each part of the worker looks for itself, and often.
 *
 * The decisions are in `lease/solitude.ts` and `lease/shared_looks.ts`.
 *
 * @module
 */

import type { Lease } from "../lease/lease.ts";
import type { LeaseStore, TableListing } from "../lease/lease_store.ts";
import { isFleetSettled, lookMs, lookPatienceMs } from "../lease/shared_looks.ts";
import { isSettledAlone, type LeaderLook, mayRest, restMs } from "../lease/solitude.ts";
import type { LeadershipSettings } from "../options/setting_groups.ts";
import type { Clock } from "../system.ts";
import type { LockGlance } from "./leader_lock.ts";
import { type TableLook, TableLooks } from "./table_looks.ts";

/** What a member's attention follows from. */
export interface AttentionOptions {
  readonly workerId: string;
  readonly leaseStore: LeaseStore;
  readonly clock: Clock;
  readonly leadership: LeadershipSettings;
  readonly leaseDiscoveryIntervalMs: number;
  /** How often a deputy looks at the lock, in ms. */
  readonly lockLookMs: number;
  readonly heldLeases: () => readonly Lease[];
  readonly isLeading: () => boolean;
  /** Whether a worker that joins can ring at the leader's lock. */
  readonly canHear: () => boolean;
  /** Called with the lock as each look at a small table shows it. */
  readonly onGlance: (glance: LockGlance) => void;
  /** Called when this worker should look for leases now. @default nobody listens */
  readonly onLookDue: (() => void) | undefined;
  /** Whether the lock and the reports are in the lease table. */
  readonly isWhole: boolean;
}

/** See the module. */
export class Attention {
  readonly #options: AttentionOptions;
  #looks: TableLooks;
  /** Whether the last look showed that nothing is under way. */
  #isSettled = false;
  /** The last look, until somebody has searched it for leases. */
  #unsearched: TableLook | undefined;
  /** Monotonic ms of the last sign that this worker may not rest. */
  #companyMs: number;
  /** How many leases this worker must hold to rest. */
  #settledLeases = 0;

  constructor(options: AttentionOptions) {
    this.#options = options;
    this.#companyMs = options.clock.monotonicMs();
    this.#looks = this.#newLooks(options.isWhole);
  }

  /** Begins anew with other tables. */
  follow(isWhole: boolean): void {
    this.#isSettled = false;
    this.#unsearched = undefined;
    this.#looks = this.#newLooks(isWhole);
  }

  /**
   * Whether this worker leads, is alone and holds all leases: it looks seldom, and nobody else gives it
   * leases.
   */
  get isResting(): boolean {
    const { leadership, heldLeases, clock, isLeading, canHear } = this.#options;
    return isLeading() && canHear() && mayRest(this.#companyMs, clock.monotonicMs(), leadership) &&
      heldLeases().length >= this.#settledLeases;
  }

  /** Whether one look at the table serves the whole worker. */
  get isShared(): boolean {
    return this.#looks.areShared;
  }

  /** Whether nobody needs the leader's lock to be renewed more often than it must. */
  get isCalm(): boolean {
    return this.isShared && this.#isSettled && !this.isResting;
  }

  /** The pause between two looks that serve the whole worker. */
  get lookMs(): number {
    const { leaseDiscoveryIntervalMs, lockLookMs, leadership, isLeading } = this.#options;
    const { leaseAssignmentIntervalMs } = leadership;
    const rule = { leaseDiscoveryIntervalMs, leaseAssignmentIntervalMs, lockLookMs };
    return lookMs(rule, { isLeading: isLeading(), isSettled: this.#isSettled });
  }

  /** For how long to wait for such a look before asking the index; undefined if none is to be expected. */
  get lookPatienceMs(): number | undefined {
    return this.isShared ? lookPatienceMs(this.lookMs) : undefined;
  }

  /** The pause between two assignments. */
  get assignmentMs(): number {
    const { leadership } = this.#options;
    return this.isResting ? restMs(leadership) : leadership.leaseAssignmentIntervalMs;
  }

  /** Looks at the table if it is small. */
  look(signal: AbortSignal): Promise<TableLook | undefined> {
    return this.#looks.look(signal);
  }

  /** Lists the table, whatever its size. */
  list(signal: AbortSignal): Promise<TableListing> {
    return this.#looks.list(signal);
  }

  /**
   * The keys of this worker's leases, if it has just looked at the whole table; undefined if the index is to
   * be asked.
   */
  takeShownKeys(): readonly string[] | undefined {
    const keys = this.#unsearched?.listing.keysOwnedBy(this.#options.workerId);
    this.#unsearched = undefined;
    return keys;
  }

  /** What this worker has just written is newer than its last look. */
  forgetLook(): void {
    this.#unsearched = undefined;
  }

  /** Has the index asked for leases now. */
  searchSoon(): void {
    this.forgetLook();
    this.#options.onLookDue?.();
  }

  /** Takes in what the table shows this worker when it leads. */
  seeAsLeader({ workerId, leases, workers }: LeaderLook): void {
    const held = this.#heldKeys();
    const own = leases.filter(({ leaseOwner }) => leaseOwner === workerId);
    this.#settledLeases = own.length;
    const hasAll = own.every(({ leaseKey }) => held.has(leaseKey));
    if (!hasAll || !isSettledAlone({ workerId, leases, workers })) this.endRest();
  }

  /** There may be somebody else. */
  endRest(): void {
    const { clock, heldLeases } = this.#options;
    const wasResting = this.isResting || heldLeases().length < this.#settledLeases;
    this.#companyMs = clock.monotonicMs();
    if (wasResting) this.searchSoon();
  }

  /** Takes in a look that serves the whole worker, and wakes whoever searches for leases. */
  #see(look: TableLook): void {
    const { workerId, onGlance, onLookDue } = this.#options;
    const { listing: { leases, workers, lock }, startedMs, endedMs } = look;
    this.#isSettled = isFleetSettled({ workerId, leases, workers }, this.#heldKeys());
    this.#unsearched = look;
    onGlance({ lock, startedMs, endedMs });
    onLookDue?.();
  }

  #heldKeys(): ReadonlySet<string> {
    return new Set(this.#options.heldLeases().map(({ leaseKey }) => leaseKey));
  }

  #newLooks(isWhole: boolean): TableLooks {
    const { leaseStore, clock } = this.#options;
    return new TableLooks({ leaseStore, clock, isWhole, onLook: (look) => this.#see(look) });
  }
}
