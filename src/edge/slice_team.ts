/**
 * A slice's part in its fleet: the start that need not be repeated, its own leases, the due duties of a
 * leader, and what the next slice is to remember. How the leases are kept in between, by mode:
 *
 * - `hold`: they stay this worker's. Another failover time in the fleet, or a Java worker, would take them.
 * - `relay`: they are given up, and taken again where no other leader lives.
 * - `solo`: there is no fleet. The slice lock fences all leases, so none is renewed.
 *
 * @module
 */

import { forEachAtMost, type TaskGroup, WRITES_AT_ONCE } from "../async/task_group.ts";
import type { SlicingPass } from "../fleet/fleet_member.ts";
import type { SliceRow } from "../lease/coordinator_store.ts";
import { mayStart } from "../lease/handoff.ts";
import { actualOwner, type Lease } from "../lease/lease.ts";
import { readLeases, type TableListing } from "../lease/lease_store.ts";
import { assign, evict, renew } from "../lease/lease_write.ts";
import { METRICS_REPORT_INTERVAL_S } from "../lease/live_workers.ts";
import { ByteBudget } from "../retrieval/byte_budget.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { Deliveries } from "../worker/deliveries.ts";
import type { ShardReading } from "../worker/shard_reading.ts";
import { type Team, teamOf } from "../worker/team.ts";
import {
  afterLast,
  isDue,
  lockOf,
  memoryText,
  type Moment,
  MOST_LEASES,
  rememberedLeases,
  rememberedLock,
  rememberedSuspicions,
  suspicionsOf,
  watchOf,
} from "./slice_memory.ts";
import { followedDelivery } from "./followed_delivery.ts";
import { ALIVE_MS, mustLook, type SliceStart, type SliceStartOptions } from "./slice_start.ts";
import { requestsForStopping, type SliceSettings } from "./slice_settings.ts";
import type { SliceShards } from "./slice_shards.ts";

/** What a slice's part in its fleet is made of. */
export interface SliceTeamOptions extends SliceStartOptions {
  readonly limits: SliceSettings;
  /** The worker's item as the lock found it. */
  readonly row: SliceRow | undefined;
  readonly start: SliceStart;
  readonly shards: SliceShards;
  readonly reading: ShardReading;
  readonly deliveries: Deliveries;
  readonly consumers: TaskGroup;
  /** Aborts when callbacks should return. */
  readonly callbacksEnd: AbortSignal;
  /** Called when the slice must not work on: there is no table any more, or the fleet is of another kind. */
  readonly onUnfit: (error: Error) => void;
}

/** How often the stream is compared with its leases, in ms. As in any leader. */
const COMPARE_INTERVAL_MS = 300_000;
/** How far back a report is dated whose worker is to be given nothing, in s: four reports. */
const WITHDRAWN_S = 4 * METRICS_REPORT_INTERVAL_S;
/** The part of a slice's requests that may renew leases which it does not read. Ours. */
const MOST_RENEWALS = 0.25;
/** How many times a lease that is kept between slices is renewed within its life. KCL: three renewals. */
const RENEWALS_PER_LEASE = 3;
/** A slice's pause between two looks at its fleet, in ms, from and to. Ours. */
const LOOK_MS = [1000, 30_000] as const;
/** No lease of a slice that is alone expires: its lock is its fence. Ten years, in ms. */
export const NEVER_MS = 315_360_000_000;

/** See the module. */
export class SliceTeam {
  readonly team: Team;
  readonly #options: SliceTeamOptions;
  readonly #mayCompare: boolean;
  /** Leases that this slice has assigned to itself, and has not begun. */
  #taken: Lease[] = [];
  #pass: SlicingPass | undefined;
  #ledMs: number;
  #cleanedMs: number;
  #isCleaning = false;
  #reportedMs = 0;
  #lastRead: string | undefined;
  /** Leases that are ours, as the table has confirmed them last. */
  readonly #own = new Map<string, Lease>();
  #listing: TableListing | undefined;
  /** How many shards have ended in this slice, and how many of them a leader's pass has seen. */
  #ends = 0;
  #endsSeen = 0;

  constructor(options: SliceTeamOptions) {
    this.#options = options;
    const { host, limits, parts, memory, row, start, shards } = options;
    const budget = new ByteBudget(host.settings.reading.maxBufferedBytes);
    const now = this.#now();
    this.#ledMs = memory?.ledMs ?? 0;
    this.#cleanedMs = memory?.cleanedMs ?? 0;
    this.#lastRead = memory?.lastRead;
    const isSuspicious = (memory?.suspicions?.counts.length ?? 0) > 0;
    const compareMs = isSuspicious ? host.settings.syncing.leaseAuditIntervalMs : COMPARE_INTERVAL_MS;
    this.#mayCompare = isDue(memory?.comparedMs, compareMs, now.epochMs);
    const isAlone = host.mode === "solo";
    const transact = host.transactions?.transact;
    this.team = teamOf({
      workerId: host.workerId,
      format: start.found.format,
      settings: host.settings,
      streams: start.streams,
      processor: host.processor,
      cpuUtilization: undefined,
      budget,
      loadTransact: transact && (() => Promise.resolve(transact)),
      startDelivery: followedDelivery(options.deliveries({ budget, parts, system: parts.system }), shards),
      ...{ parts, reading: options.reading, consumers: options.consumers, system: parts.system },
      onTableGone: options.onUnfit,
      emit: options.emit,
      slicing: {
        found: row?.incarnation,
        lock: memory && lockOf(memory, now),
        watch: memory && watchOf(memory, now),
        suspicions: memory && suspicionsOf(memory, now),
        mayCompare: () => this.#mayCompare,
        isAlone,
        isFenced: isAlone,
        // Until the end: a lease that is free would be taken again by the next pass of this very slice.
        isKept: () => true,
        callbacksEnd: options.callbacksEnd,
        mayBegin: (leaseKey) => {
          const { isGuest } = this;
          const isOver = isGuest && shards.mayReturn(leaseKey);
          const taken = isGuest ? shards.open : shards.all.length;
          return (isOver || shards.of(leaseKey) === undefined) && taken < limits.maxShards;
        },
        onOwnLease: (lease) => void this.#taken.push(lease),
        onShardEnd: (hold) => {
          if (!this.#isCleaning && !this.isGuest) hold.requestDrain("its shard has ended");
        },
      },
    });
  }

  /** Notes what the lease table has shown. */
  listed(listing: TableListing): void {
    this.#listing = listing;
  }

  /** Notes that a write to a lease was applied. */
  stored(lease: Lease): void {
    if (mayStart(lease, this.#options.host.workerId)) this.#own.set(lease.leaseKey, lease);
    else this.#own.delete(lease.leaseKey);
  }

  /** How many requests must be left for stopping. */
  get requestsForStopping(): number {
    const { atEnd } = this.#options.limits;
    return requestsForStopping(this.team.keeper.held.length, atEnd === "release" ? this.#own.size : 0);
  }

  /** Gives up the leases of this slice, if they are not to be kept, whatever has become of their shards. */
  async release(signal: AbortSignal): Promise<void> {
    const { limits: { atEnd }, shards, emit } = this.#options;
    if (atEnd === "hold") return;
    const own = [...this.#own.values()].filter(({ leaseKey }) => {
      const end = shards.of(leaseKey)?.end;
      return end !== "lost" && end !== "hung";
    });
    await forEachAtMost(own, WRITES_AT_ONCE, async (lease) => {
      const { applied } = await this.team.leaseStore.apply(evict(lease), signal);
      const { leaseKey, shardId } = lease;
      if (applied) emit({ type: "leaseReleased", leaseKey, shardId, to: undefined });
    });
  }

  /**
   * Whether this slice lives under another worker's lead, and leaves nothing behind. Such a leader hands
   * leases over to a worker that it sees alive at several of its looks, and gets them back from a slice that
   * ends. So a guest stays for the whole of its time, even with nothing to read.
   */
  get isGuest(): boolean {
    const { host: { mode, workerId }, limits: { atEnd } } = this.#options;
    const { found, hasLed = false } = this.#pass ?? {};
    if (mode !== "relay" || atEnd !== "release" || hasLed || found === undefined) return false;
    return !found.isReleased && found.ownerName !== workerId;
  }

  /** The longest pause until the next slice, in ms: kept leases must be renewed in time. */
  get mostPauseMs(): number {
    const { host: { mode, settings: { leadership } }, limits: { atEnd } } = this.#options;
    return mode === "relay" && atEnd === "hold" ? leadership.failoverTimeMs / RENEWALS_PER_LEASE : Infinity;
  }

  /** Whether a shard has ended in this slice, whose children wait for a leader. */
  get hasEnds(): boolean {
    return this.#ends > this.#endsSeen;
  }

  /** A shard has ended in this slice. */
  shardEnded(): void {
    this.#ends++;
    this.team.discovery.ring();
  }

  /** Reads the own leases, claims the name, leads where it is due, and begins the leases. */
  async begin(signal: AbortSignal): Promise<void> {
    const { host: { workerId }, memory, row, parts: { system: { clock } } } = this.#options;
    const { identity, leaseStore, member } = this.team;
    if (row?.incarnation !== undefined) identity.see(row.incarnation);
    const askedMs = clock.monotonicMs();
    const listed = await leaseStore.leaseKeysOwnedBy(workerId, signal);
    const keys = [...new Set([...listed, ...memory?.held ?? []])];
    const own = new Map((await readLeases(leaseStore, keys, signal)).map((lease) => [lease.leaseKey, lease]));
    await member.report(signal);
    identity.superseded.throwIfAborted();
    this.#reportedMs = clock.monotonicMs();
    if (this.#isLeadDue(own.size)) await this.#lead(signal);
    for (const lease of this.#taken.splice(0)) own.set(lease.leaseKey, lease);
    await this.#beginAll([...own.values()], askedMs, signal);
    await this.#cleanUp(signal);
  }

  /**
   * Goes on taking part, since a slice may last for many passes of a leader.
   *
   * @param until Begins nothing more when it aborts. What is under way is finished.
   * @param signal Cuts short what is under way too.
   */
  async keepUp(until: AbortSignal, signal: AbortSignal): Promise<void> {
    const { host, parts: { system: { clock } }, emit } = this.#options;
    const { keeper, discovery, member } = this.team;
    const [least, most] = LOOK_MS;
    const { failoverTimeMs } = host.settings.leadership;
    const lookMs = host.mode === "solo" ? most : Math.min(most, Math.max(least, failoverTimeMs / 5));
    while (await discovery.wait(clock, lookMs, until)) {
      try {
        if (clock.monotonicMs() - this.#reportedMs >= METRICS_REPORT_INTERVAL_S * 1000) {
          await member.report(signal);
          this.#reportedMs = clock.monotonicMs();
        }
        if (this.hasEnds || this.#isLeadDue(1)) await this.#lead(signal);
        this.#leaveEnded();
        const taken = this.#taken.splice(0);
        if (taken.length > 0) await this.#beginAll(taken, clock.monotonicMs(), signal);
        else await keeper.discover(signal);
      } catch (error) {
        if (signal.aborted) return;
        emit({ type: "passFailed", pass: "discovery", error });
      }
    }
  }

  /** What the next slice is to know. */
  memory(): string {
    const { host, limits, memory, start } = this.#options;
    const now = this.#now();
    const hasLed = this.#pass?.hasLed === true;
    const watch = this.#pass?.watch;
    return memoryText({
      start: start.found,
      ledMs: this.hasEnds ? 0 : this.#ledMs,
      comparedMs: this.#mayCompare && hasLed ? now.epochMs : memory?.comparedMs ?? 0,
      cleanedMs: this.#cleanedMs,
      lastRead: this.#lastRead,
      suspicions: hasLed ? rememberedSuspicions(this.#pass?.suspicions, now) : memory?.suspicions,
      held: limits.atEnd === "hold" ? [...this.#own.keys()].slice(0, MOST_LEASES) : [],
      lock: this.#pass === undefined ? memory?.lock : rememberedLock(this.#pass.lock, memory, now),
      leases: watch === undefined || !hasLed ? memory?.leases ?? {} : rememberedLeases(
        watch,
        this.#goneOwners(host.settings.leadership.failoverTimeMs, now),
        memory,
        now,
      ),
    });
  }

  /** The time of the last report, in epoch s: long ago if nothing is to be assigned to this worker. */
  get lastUpdateEpochS(): number {
    const nowS = Math.floor(this.#now().epochMs / 1000);
    return this.#options.limits.atEnd === "release" ? nowS - WITHDRAWN_S : nowS;
  }

  /** A relay takes its leases in each slice; other modes look as often as any leader. */
  #isLeadDue(ownLeases: number): boolean {
    const { host: { mode, settings: { leadership } } } = this.#options;
    if (mode === "relay" || ownLeases === 0 && this.#options.memory === undefined) return true;
    return isDue(this.#ledMs, leadership.leaseAssignmentIntervalMs, this.#now().epochMs);
  }

  /** @throws {Error} when this slice must not work beside the fleet that it sees. */
  async #lead(signal: AbortSignal): Promise<void> {
    const { host, parts: { system: { clock } } } = this.#options;
    // A shard that ends meanwhile may be too late for what the pass lists.
    const ends = this.#ends;
    const pass = this.#pass = await this.team.member.pass(signal);
    if (pass.hasLed) this.#endsSeen = ends;
    this.#ledMs = clock.epochMs();
    const { found } = pass;
    if (mustLook(host, pass.hasLed)) await this.team.leaseStore.list(signal);
    const failoverTimeMs = Math.ceil(host.settings.leadership.failoverTimeMs);
    if (
      host.mode !== "hold" || found === undefined || found.isReleased || found.ownerName === host.workerId
    ) {
      return;
    }
    if (found.leaseDurationMs === failoverTimeMs) {
      await this.team.leaseStore.list(signal); // it shows whether the leader is one of Java's
      return;
    }
    const error = new Error(
      `Cannot run slices with leases: "hold": expected failoverTimeMs ${failoverTimeMs} in the whole fleet: got ` +
        `${found.leaseDurationMs} as the lock of leader "${found.ownerName}": set the same in all workers, ` +
        'or leases to "relay" beside Java workers',
    );
    this.#options.onUnfit(error);
    throw error;
  }

  async #beginAll(leases: readonly Lease[], askedMs: number, signal: AbortSignal): Promise<void> {
    const { host: { workerId, mode }, limits: { maxShards, maxSubrequests, atEnd }, shards } = this.#options;
    const { keeper, leaseStore } = this.team;
    await this.#handOver(leases, signal);
    const nowMs = this.#now().epochMs;
    const { leaseCleanupIntervalMs } = this.#options.host.settings.cleaning;
    this.#isCleaning = isDue(this.#cleanedMs, leaseCleanupIntervalMs, nowMs);
    const own = leases.filter((lease) =>
      mayStart(lease, workerId) && shards.of(lease.leaseKey) === undefined
    );
    // A shard that is done needs a hold only to be cleaned up.
    const wanted = own.filter((lease) => this.#isCleaning || !isShardEnd(lease.checkpoint));
    const inTurn = afterLast(wanted, this.#lastRead);
    const room = Math.max(0, maxShards - shards.all.length);
    const chosen = inTurn.slice(0, room);
    this.#lastRead = chosen.length < inTurn.length ? chosen.at(-1)?.leaseKey : undefined;
    for (const lease of own) this.stored(lease);
    // Another leader would find them expired, and give them to somebody again and again.
    const ended = mode !== "relay" || this.#isCleaning
      ? []
      : own.filter((lease) => isShardEnd(lease.checkpoint));
    await keeper.begin(this.isGuest ? [...chosen, ...ended] : chosen, askedMs, signal);
    if (mode === "solo" || atEnd === "release") return;
    const rest = [...inTurn.slice(room), ...ended];
    await forEachAtMost(
      rest.slice(0, Math.floor(maxSubrequests * MOST_RENEWALS)),
      WRITES_AT_ONCE,
      async (lease) => void await leaseStore.apply(renew(lease), signal),
    );
  }

  /** Leases that were asked for while no slice ran: all is stored, and nothing is under way. */
  async #handOver(leases: readonly Lease[], signal: AbortSignal): Promise<void> {
    const { host: { workerId }, emit } = this.#options;
    const asked = leases.filter((lease) => lease.checkpointOwner === workerId);
    await forEachAtMost(asked, WRITES_AT_ONCE, async (lease) => {
      const { leaseKey, shardId, leaseOwner: to } = lease;
      if (to === undefined) return;
      const { applied } = await this.team.leaseStore.apply(assign(lease, to), signal);
      if (applied) emit({ type: "leaseReleased", leaseKey, shardId, to });
    });
  }

  async #cleanUp(signal: AbortSignal): Promise<void> {
    const { cleaner, keeper } = this.team;
    if (!this.#isCleaning) return;
    const { emit } = this.#options;
    try {
      await cleaner.cleanUp(keeper.held, signal);
    } catch (error) {
      signal.throwIfAborted();
      emit({ type: "passFailed", pass: "cleanup", error });
    }
    this.#cleanedMs = this.#now().epochMs;
    this.#isCleaning = false;
    this.#leaveEnded();
  }

  /** A guest keeps them, since the leader would find their leases expired. */
  #leaveEnded(): void {
    if (this.isGuest) return;
    for (const hold of this.team.keeper.held) {
      if (isShardEnd(hold.lease.checkpoint)) hold.requestDrain("its shard has ended");
    }
  }

  /** Whether the owner of a lease may be gone: it has not reported for as long as a lease lives. */
  #goneOwners(failoverTimeMs: number, now: Moment): (leaseKey: string) => boolean {
    const { leases = [], workers = [] } = this.#listing ?? {};
    const owners = new Map(leases.map((lease) => [lease.leaseKey, actualOwner(lease)]));
    const reports = new Map(workers.map((worker) => [worker.workerId, worker.lastUpdateEpochS ?? 0]));
    return (leaseKey) => {
      const owner = owners.get(leaseKey);
      if (owner === undefined || owner === this.#options.host.workerId) return false;
      return now.epochMs - (reports.get(owner) ?? 0) * 1000 > Math.min(failoverTimeMs, ALIVE_MS);
    };
  }

  #now(): Moment {
    const { clock } = this.#options.parts.system;
    return { epochMs: clock.epochMs(), monotonicMs: clock.monotonicMs() };
  }
}
