/**
 * One slice: lock, own leases, due duties of a leader, begin, read until a limit, last checkpoints, leases,
 * report, unlock. In reading order. A slice never rejects, and is over in time whatever hangs.
 *
 * The consumers are those of any worker. A slice gives them turns to fetch, counts their requests, and asks
 * them to leave.
 *
 * @module
 */

import { Bell } from "../async/bell.ts";
import { TaskGroup } from "../async/task_group.ts";
import { aborted, pause, settlesWithin } from "../async/waiting.ts";
import { errorText } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import type { SliceLock } from "../lease/coordinator_store.ts";
import type { TableListing, WriteOutcome } from "../lease/lease_store.ts";
import { type Clock, randomUuid } from "../system.ts";
import { leaveStep } from "../worker/leaving.ts";
import { Requests } from "./requests.ts";
import { lockSlice } from "./slice_lock.ts";
import { memoryIn } from "./slice_memory.ts";
import type { SliceFailure, SliceOutcome, SliceResult } from "./slice_options.ts";
import { type SliceHost, type SliceParts, sliceParts } from "./slice_parts.ts";
import { sliceReading } from "./slice_reading.ts";
import { LAST_REQUESTS, type SliceSettings } from "./slice_settings.ts";
import { SliceShards } from "./slice_shards.ts";
import { sliceStart, unfit } from "./slice_start.ts";
import { SliceTeam } from "./slice_team.ts";
import { Turns } from "./turns.ts";

/** The most failures that are reported of one slice; more of them say nothing new. Ours. */
const MOST_FAILURES = 20;
/** When to try again after a slice that could not work, and after one that was superseded, in ms. Ours. */
const STOPPED_RETRY_MS = 5000, SUPERSEDED_RETRY_MS = 60_000;
/** How long shards that wait for parents have, in ms, to find out that these have ended. Ours. */
const PARENTS_READ_MS = 1000;
/** How often a guest with nothing to read looks whether it is one still, in ms. Ours. */
const GUEST_LOOK_MS = 1000;
/** The longest and the shortest wait for another slice of this name, in ms. Ours. */
const BUSY_RETRY_MS = [1000, 60_000] as const;

/** See the module. */
export class Slice {
  readonly #host: SliceHost;
  readonly #limits: SliceSettings;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #shards = new SliceShards();
  readonly #failures: SliceFailure[] = [];
  readonly #requests: Requests;
  readonly #parts: SliceParts;
  readonly #turns: Turns;
  /** Aborts when the work ends: nothing new is begun. */
  readonly #closing = new AbortController();
  /** Aborts when the slice is over. */
  readonly #over = new AbortController();
  #outcome: SliceOutcome | undefined;
  #busyForMs = 0;
  #slicing: SliceTeam | undefined;
  /** Shards that are left once their processors are done. */
  readonly #leaving = new TaskGroup((error) => this.#stop("shards", error));
  #hasBegun = false;
  /** A lock that may be in the table. */
  #mayHold: SliceLock | undefined;
  /** Rings when nothing is left but shards that wait for their parents. */
  readonly #waiting = new Bell();

  constructor(host: SliceHost, limits: SliceSettings) {
    this.#host = host;
    this.#limits = limits;
    this.#clock = host.system.clock;
    this.#startedMs = this.#clock.monotonicMs();
    this.#requests = new Requests({
      max: limits.maxSubrequests,
      concurrent: limits.maxConcurrentFetches,
      kept: () => this.#slicing?.requestsForStopping ?? LAST_REQUESTS,
      last: LAST_REQUESTS,
      onLimit: () => this.#close("requests"),
    });
    this.#parts = sliceParts(host, this.#requests, {
      emit: this.#emit,
      onResult: (method, result) => this.#seen(method, result),
    });
    this.#turns = new Turns({
      clock: this.#clock,
      untilMs: this.#startedMs + limits.closeAfterMs,
      slots: host.settings.reading.retrievalMode === "FANOUT" ? Infinity : limits.maxConcurrentFetches,
      maxBufferedBytes: host.settings.reading.maxBufferedBytes,
      onDenied: (leaseKey) => this.#leaving.run(() => this.#leaveFinished(leaseKey)),
    });
  }

  /** Runs it. Never rejects. */
  async run(): Promise<SliceResult> {
    const { signal, endAfterMs, closeAfterMs } = this.#limits;
    const stop = () => this.#close("stopped");
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
    const closing = this.#at(closeAfterMs, () => this.#close("budget"));
    const end = this.#at(endAfterMs, () => this.#close("budget"));
    try {
      await Promise.race([this.#work(), end]);
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#over.abort(new Error("The slice is over"));
      this.#abandon();
      this.#requests.end();
    }
    await Promise.all([closing, end]);
    return this.#result();
  }

  /** Calls back after this time of the slice, unless it is over before. */
  async #at(ms: number, happen: () => void): Promise<void> {
    const leftMs = this.#startedMs + ms - this.#clock.monotonicMs();
    if (await pause(this.#clock, leftMs, this.#over.signal)) happen();
  }

  async #work(): Promise<void> {
    const consumers = new TaskGroup((error) => this.#stop("shards", error));
    let lock: SliceLock | undefined;
    try {
      lock = await this.#prepare(consumers);
      if (lock !== undefined) await this.#read(consumers);
    } catch (error) {
      // What the end of the slice has cut short is no failure.
      if (!this.#closing.signal.aborted) this.#stop("leases", error);
    }
    this.#close(this.#outcome ?? "caughtUp");
    // An answer may be lost, or cut short by the end of the budget: the lock may be in the table.
    lock ??= this.#mayHold;
    if (lock !== undefined) await this.#finish(lock, consumers);
  }

  /** @returns The lock; undefined when another slice is at work. */
  async #prepare(consumers: TaskGroup): Promise<SliceLock | undefined> {
    const { signal } = this.#closing;
    const { workerId, system } = this.#host;
    const { sliceStore: store } = this.#parts;
    const { budgetMs } = this.#limits;
    const sliceId = randomUuid(system.random).slice(0, 8);
    const left = this.#host.leftLock;
    const mayHold = (lock: SliceLock | undefined) => {
      this.#mayHold = lock;
      this.#host.leftLock = lock ?? left;
    };
    const locking = { store, workerId, sliceId, budgetMs, clock: this.#clock, left, mayHold };
    const about = { host: this.#host, parts: this.#parts, emit: this.#emit };
    let locked = await lockSlice(locking, false, signal);
    let start = locked.type === "new" ? await sliceStart({ ...about, memory: undefined }, signal) : undefined;
    if (locked.type === "new") locked = await lockSlice(locking, true, signal);
    if (locked.type !== "locked") {
      this.#busyForMs = locked.type === "busy" ? locked.forMs : 0;
      this.#close("busy");
      return undefined;
    }
    const { lock, row } = locked;
    try {
      const memory = memoryIn(row?.memory);
      start ??= await sliceStart({ ...about, memory }, signal);
      this.#slicing = new SliceTeam({
        ...about,
        ...{ limits: this.#limits, memory, row, start, shards: this.#shards, consumers },
        deliveries: this.#host.deliveries,
        reading: sliceReading({
          host: this.#host,
          parts: this.#parts,
          turns: this.#turns,
          shards: this.#shards,
          emit: this.#emit,
          onPage: () => this.#count(),
          onCaughtUp: (leaseKey) => this.#leave(leaseKey, "the slice has caught up"),
          tipRestMs: () => this.#slicing?.isGuest ? this.#guestRestMs() : undefined,
        }),
        callbacksEnd: signal,
        onUnfit: (error) => this.#stop("fleet", error),
      });
    } catch (error) {
      if (!signal.aborted) this.#stop("start", error);
    }
    return lock;
  }

  async #read(consumers: TaskGroup): Promise<void> {
    if (this.#slicing === undefined) return;
    const { signal } = this.#closing;
    this.#emit({ type: "workerReady", workerId: this.#host.workerId });
    const superseded = this.#slicing.team.identity.superseded;
    superseded.addEventListener("abort", () => this.#stop("name", superseded.reason), { once: true });
    await this.#slicing.begin(signal);
    this.#hasBegun = true;
    this.#look();
    const done = new AbortController();
    const reading = AbortSignal.any([signal, done.signal]);
    const looking = [this.#slicing.keepUp(reading, signal), this.#leaveWaiting(reading)];
    do await Promise.race([consumers.done(), aborted(signal)]); while (
      this.#slicing.isGuest && await pause(this.#clock, GUEST_LOOK_MS, signal)
    );
    done.abort();
    await Promise.all(looking);
  }

  /** Last checkpoints, leases, the leader's lock, report and unlock. */
  async #finish(lock: SliceLock, consumers: TaskGroup): Promise<void> {
    const slicing = this.#slicing;
    const options = { clock: this.#clock, emit: this.#emit };
    if (slicing !== undefined) {
      slicing.team.keeper.drain("the slice is over");
      const leftMs = this.#startedMs + this.#limits.abandonAfterMs - this.#clock.monotonicMs();
      await settlesWithin(consumers.done(), leftMs, this.#clock);
      this.#abandon();
      // What is shared by name is in use by the process that has the name now.
      if (slicing.team.identity.superseded.aborted) return;
      await leaveStep(options, (limited) => slicing.release(limited));
      this.#requests.finish();
      await leaveStep(options, (limited) => slicing.team.member.release("the slice is over", limited));
    }
    this.#requests.finish();
    await leaveStep(options, async (limited) => {
      const lastUpdateEpochS = slicing?.lastUpdateEpochS ?? Math.floor(this.#clock.epochMs() / 1000);
      const request = { workerId: this.#host.workerId, lock, lastUpdateEpochS, memory: slicing?.memory() };
      await this.#parts.sliceStore.unlockSlice(request, limited);
      if (this.#host.leftLock === lock) this.#host.leftLock = undefined;
    });
    this.#keepIterators();
  }

  /** Processors that have not returned: nothing more of them reaches the table, and their leases expire. */
  #abandon(): void {
    for (const hold of this.#slicing?.team.keeper.held ?? []) {
      this.#shards.hung(hold.leaseKey);
      hold.drop("givenUp");
    }
  }

  #keepIterators(): void {
    for (const shard of this.#shards.all) {
      const iterator = this.#shards.keptIterator(shard);
      if (iterator === undefined) continue;
      const { leaseKey, checkpoint, fetchedMs: sinceMs } = shard;
      this.#host.kept.set(leaseKey, { iterator, checkpoint, sinceMs });
    }
  }

  /** Ends the work; the first reason counts. */
  #close(outcome: SliceOutcome): void {
    this.#outcome ??= outcome;
    this.#requests.stop();
    this.#closing.abort(new Error(`The slice stops: ${outcome}`));
  }

  #stop(step: string, error: unknown): void {
    this.#fail(step, error);
    this.#close("stopped");
  }

  #fail(step: string, error: unknown): void {
    if (this.#over.signal.aborted || this.#failures.length >= MOST_FAILURES) return;
    this.#failures.push({ step, text: errorText(error), error });
  }

  /** Ends the fetching, when enough was read: what was fetched is still processed. */
  #count(): void {
    const { maxRecords, maxBytes } = this.#limits;
    if (this.#shards.fetchedRecords < maxRecords && this.#shards.fetchedBytes < maxBytes) return;
    this.#outcome ??= "records";
    this.#turns.close();
  }

  /** The pause of an ordinary worker. Enhanced fan-out has none: its pages come when there are some. */
  #guestRestMs(): number {
    const { settings: { reading: { retrievalMode } }, idleMs: [idleMs] } = this.#host;
    return retrievalMode === "FANOUT" ? 0 : idleMs;
  }

  #leave(leaseKey: string, reason: string): void {
    const hold = this.#slicing?.team.keeper.held.find((held) => held.leaseKey === leaseKey);
    hold?.requestDrain(reason);
  }

  async #leaveFinished(leaseKey: string): Promise<void> {
    await this.#shards.finished(leaseKey);
    this.#leave(leaseKey, "the slice reads no more");
  }

  /** Shards that wait for parents are left when nothing else is read: the parents have other readers. */
  #look(): void {
    if (this.#hasBegun && this.#shards.areWaiting) this.#waiting.ring();
  }

  /** A shard whose parents have ended finds that out by one read. */
  async #leaveWaiting(signal: AbortSignal): Promise<void> {
    while (await this.#waiting.wait(this.#clock, Infinity, signal)) {
      if (!await pause(this.#clock, PARENTS_READ_MS, signal)) return;
      if (!this.#shards.areWaiting || this.#slicing?.isGuest) continue;
      for (const { leaseKey, end } of this.#shards.all) {
        if (end === "open") this.#leave(leaseKey, "its parents are not read here");
      }
    }
  }

  /** Sees what the lease table answers. */
  #seen(method: string, result: unknown): void {
    if (method === "apply") {
      const outcome = result as WriteOutcome;
      if (!outcome.applied) return;
      this.#shards.stored(outcome.lease);
      this.#slicing?.stored(outcome.lease);
    } else if (method === "list") {
      const listing = result as TableListing;
      this.#slicing?.listed(listing);
      const error = unfit(this.#host, listing, this.#clock.epochMs());
      if (error === undefined) return;
      this.#stop("fleet", error);
      throw error;
    }
  }

  readonly #emit = (event: WorkerEvent): void => {
    this.#shards.note(event);
    switch (event.type) {
      case "leaseGained":
        this.#turns.expect(event.leaseKey);
        break;
      case "leaseReleased":
      case "leaseLost":
        this.#turns.left(event.leaseKey);
        this.#look();
        break;
      case "shardCompleted":
        this.#slicing?.shardEnded();
        this.#look();
        break;
      case "phaseChanged":
      case "shardBlocked":
        this.#look();
        break;
      case "fetchFailed":
      case "leaseRenewalFailed":
      case "batchFailed":
      case "passFailed":
      case "childLeasesFailed":
        this.#fail(event.type, event.error);
    }
    this.#host.emit(event);
  };

  #result(): SliceResult {
    const outcome = this.#outcome ?? "caughtUp";
    const shards = this.#shards.report();
    const mostMs = this.#slicing?.mostPauseMs ?? Infinity;
    const nextInMs = Math.max(0, Math.round(Math.min(mostMs, this.#nextInMs(outcome))));
    return { outcome, nextInMs, shards, requests: this.#requests.count, failures: [...this.#failures] };
  }

  #nextInMs(outcome: SliceOutcome): number {
    const [least, most] = BUSY_RETRY_MS;
    switch (outcome) {
      case "busy":
        return Math.min(most, Math.max(least, this.#busyForMs));
      case "stopped":
        return this.#slicing?.team.identity.superseded.aborted ? SUPERSEDED_RETRY_MS : STOPPED_RETRY_MS;
      case "caughtUp": {
        const states = this.#shards.report().map(({ state }) => state);
        const { settings: { delivery }, idleMs: [busyMs, quietMs] } = this.#host;
        if (this.#slicing?.hasEnds || states.includes("behind")) return 0;
        if (states.includes("waiting")) return delivery.parentShardPollIntervalMs;
        return this.#shards.all.some(({ records }) => records > 0) ? busyMs : quietMs;
      }
      default:
        return 0;
    }
  }
}
