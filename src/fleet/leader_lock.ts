/**
 * One worker's side of the leader's lock. Acquires the lock when it is free or was unchanged for its
 * duration, renews it while the leader does its work, and gives it back.
 *
 * Source: KCL 3.5.1, `DynamoDBLockBasedLeaderDecider`; the decisions are in `lease/leader.ts`.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import type { CoordinatorStore, LeaderLock, LockRing, TablePlace } from "../lease/coordinator_store.ts";
import {
  type FollowerStep,
  followerStep,
  type HeldLock,
  leaderStep,
  leadsWell,
  type LockSighting,
  mayLead,
  observeLock,
  observeReign,
  type Reign,
  stepBackMs,
} from "../lease/leader.ts";
import { randomUuid, type System } from "../system.ts";
import type { Identity } from "./identity.ts";

/** What the lock needs. */
export interface LeaderLockOptions {
  readonly store: CoordinatorStore;
  readonly place: TablePlace;
  readonly workerId: string;
  readonly identity: Identity;
  /** How long the lock is valid after a heartbeat, in ms; written to the item for other workers. */
  readonly durationMs: number;
  readonly heartbeatMs: number;
  /** How long our own lock goes without a heartbeat, in ms. @default heartbeatMs */
  readonly ownHeartbeatMs?: (() => number) | undefined;
  /**
   * How long to wait after the lock has expired before trying to take it, in ms. 0 for workers that already
   * watch the leases, so that they lead first.
   */
  readonly patienceMs: () => number;
  /** What an earlier process of this worker saw of the lock. @default nothing */
  readonly sighting?: LockSighting | undefined;
  /**
   * Whether no other process of this worker's name can be at work: then a lock that bears the name is left
   * over, and need not expire.
   *
   * @default {false}
   */
  readonly isNameOurs?: boolean | undefined;
  /** Called when a worker that joins has rung at our lock. @default nobody listens */
  readonly onRing?: (() => void) | undefined;
  readonly system: System;
  readonly emit: WorkerEventListener;
}

/** A look at the lock, eventually consistent; times in monotonic ms. */
export interface LockGlance {
  readonly lock: LeaderLock | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** The lock, as this worker sees or holds it. */
export class LeaderLockKeeper {
  readonly #options: LeaderLockOptions;
  #held: HeldLock | undefined;
  #sighting: LockSighting | undefined;
  #found: LeaderLock | undefined;
  /** A look that the next step goes by. */
  #glance: LockGlance | undefined;
  #reign: Reign | undefined;
  #failedPasses = 0;
  #lastPassMs = 0;
  /** Terms that ended because passes failed, with no success since. */
  #failedTerms = 0;
  /** Until this monotonic ms the lock is left to other workers. */
  #backMs = -Infinity;
  /** What was rung last at our lock, as far as we have heard. */
  #heard: string | undefined;
  /** The leader at whose lock we have rung. */
  #rungAt: string | undefined;

  constructor(options: LeaderLockOptions) {
    this.#options = options;
    this.#sighting = options.sighting;
  }

  /** The lock of another worker, as last seen; undefined while there is none to watch. */
  get sighting(): LockSighting | undefined {
    return this.#sighting;
  }

  /** The lock as last read, before anything was done about it. */
  get found(): LeaderLock | undefined {
    return this.#found;
  }

  /** Whether this worker may act as leader at this moment. A superseded worker never may again. */
  get isLeading(): boolean {
    if (this.#options.identity.superseded.aborted) return false;
    return mayLead(this.#held, this.#options.system.clock.monotonicMs());
  }

  /**
   * For how long we have seen the lock of another worker unchanged, in ms; 0 while we hold it or there is
   * none. More than its heartbeat suggests that its leader has died.
   */
  silentMs(nowMs: number): number {
    return this.#held !== undefined || this.#sighting === undefined ? 0 : nowMs - this.#sighting.firstSeenMs;
  }

  /**
   * Notes the result of the leader's pass.
   *
   * @param restMs For how long the leader means to rest, longer than it usually does.
   */
  passEnded(ok: boolean, restMs = 0): void {
    this.#failedPasses = ok ? 0 : this.#failedPasses + 1;
    if (!ok) return;
    this.#failedTerms = 0;
    this.#lastPassMs = this.#options.system.clock.monotonicMs() + restMs;
  }

  /**
   * Notes that the pass under way makes progress: a pass of ten thousand writes takes longer than the lock is
   * valid.
   */
  passGetsOn(): void {
    this.#lastPassMs = this.#options.system.clock.monotonicMs();
  }

  /**
   * Takes a look at the lock that was made for other ends: it saves the next step a request. A worker that
   * finds by it that the lock may be taken reads the lock before that.
   */
  glance(glance: LockGlance): void {
    if (this.#held === undefined) this.#glance = glance;
  }

  /**
   * Does what is due: acquires, heartbeats, steps down.
   *
   * @returns In how many ms the next step is due.
   * @throws what the table threw; the lock then holds for as long as it can be proved.
   */
  async step(signal: AbortSignal): Promise<number> {
    return this.#held === undefined ? await this.#follow(signal) : await this.#lead(this.#held, signal);
  }

  /** Gives the lock back, if it is ours. */
  async release(reason: string, signal?: AbortSignal): Promise<void> {
    const held = this.#held;
    if (held === undefined) return;
    this.#stop(reason);
    await this.#options.store.releaseLock(this.#options.place, held.lock, signal);
  }

  async #follow(signal: AbortSignal): Promise<number> {
    const { store, place, system, emit, workerId, heartbeatMs } = this.#options;
    const glance = this.#glance ?? await this.#watched(signal);
    this.#glance = undefined;
    let step = glance === undefined ? undefined : this.#stepBy(glance);
    // What was seen by a glance may be old: the lock is taken by what a strongly consistent read shows.
    if (step?.type !== "wait") {
      step = this.#stepBy(await this.#timed((signal) => store.readLock(place, signal), signal));
    }
    if (step.type === "wait") {
      if (this.#found !== undefined) await this.#ring(this.#found.ownerName, signal);
      return step.ms;
    }
    const nowMs = system.clock.monotonicMs();
    if (nowMs < this.#backMs) return Math.min(heartbeatMs, this.#backMs - nowMs);
    const lock = this.#newVersion();
    const provenAtMs = system.clock.monotonicMs();
    if (!await store.putLock(place, lock, step.when, signal)) {
      return heartbeatMs;
    }
    this.#held = { lock, provenAtMs };
    this.#sighting = undefined;
    this.#glance = undefined;
    this.#reign = undefined;
    this.#heard = this.#rungAt = undefined;
    this.#failedPasses = 0;
    this.#lastPassMs = provenAtMs;
    emit({ type: "leadershipGained", workerId });
    return heartbeatMs;
  }

  /** A lock that is being watched is looked at for half the price; a slice looks once. */
  async #watched(signal: AbortSignal): Promise<LockGlance | undefined> {
    const { store, place, isNameOurs = false } = this.#options;
    const { watchLock } = store;
    if (isNameOurs || this.#sighting === undefined || watchLock === undefined) return undefined;
    return await this.#timed((signal) => watchLock.call(store, place, signal), signal);
  }

  async #timed(
    read: (signal: AbortSignal) => Promise<LeaderLock | undefined>,
    signal: AbortSignal,
  ): Promise<LockGlance> {
    const { clock } = this.#options.system;
    const startedMs = clock.monotonicMs();
    const lock = await read(signal);
    return { lock, startedMs, endedMs: clock.monotonicMs() };
  }

  #stepBy({ lock: found, startedMs, endedMs }: LockGlance): FollowerStep {
    this.#found = found;
    this.#sighting = observeLock(this.#sighting, found, endedMs);
    this.#observeReign(found, endedMs);
    if (this.#isLeftOver(found)) {
      return { type: "acquire", when: { type: "version", recordVersionNumber: found.recordVersionNumber } };
    }
    return followerStep(found, this.#sighting, startedMs - this.#options.patienceMs());
  }

  #isLeftOver(found: LeaderLock | undefined): found is LeaderLock {
    const { isNameOurs = false, workerId } = this.#options;
    return isNameOurs && found !== undefined && !found.isReleased && found.ownerName === workerId;
  }

  async #lead(held: HeldLock, signal: AbortSignal): Promise<number> {
    const { store, place, system, heartbeatMs } = this.#options;
    const progress = {
      failedPasses: this.#failedPasses,
      lastPassMs: this.#lastPassMs,
      heartbeatMs: this.#options.ownHeartbeatMs?.() ?? heartbeatMs,
    };
    const nowMs = system.clock.monotonicMs();
    const step = leaderStep(held, progress, nowMs);
    switch (step.type) {
      case "lead":
        return step.heartbeatInMs;
      case "release": {
        const backMs = stepBackMs(++this.#failedTerms, held.lock.leaseDurationMs);
        this.#backMs = nowMs + backMs;
        await this.release(step.reason, signal);
        return heartbeatMs;
      }
      case "stop":
        this.#stop(step.reason);
        return heartbeatMs;
      case "heartbeat": {
        const lock = this.#newVersion();
        const { recordVersionNumber } = held.lock;
        const beat = await store.heartbeatLock(place, recordVersionNumber, lock, signal);
        if (beat !== false) {
          this.#held = { lock, provenAtMs: nowMs };
          if (beat !== true) this.#hear(beat);
        } else {
          this.#stop("another worker holds the lock");
        }
        return heartbeatMs;
      }
    }
  }

  #hear({ ring }: LockRing): void {
    if (ring === this.#heard) return;
    this.#heard = ring;
    this.#options.onRing?.();
  }

  /**
   * Rings once at the lock of each leader, so that one that is alone looks at the fleet soon. A ring that is
   * lost costs time only: such a leader looks by itself too.
   */
  async #ring(leader: string, signal: AbortSignal): Promise<void> {
    const { store, place, workerId, isNameOurs = false, system } = this.#options;
    // A worker that runs in slices comes and goes.
    if (isNameOurs || leader === this.#rungAt || leader === workerId) return;
    await store.ringLock?.(place, leader, { ring: randomUuid(system.random) }, signal);
    this.#rungAt = leader;
  }

  /** Reports another worker that leads successfully, once for each change of the lock that is seen. */
  #observeReign(found: LeaderLock | undefined, nowMs: number): void {
    const before = this.#reign;
    this.#reign = observeReign(before, found, nowMs);
    if (found === undefined || this.#reign === undefined || before === undefined) return;
    if (this.#reign.movedMs === before.movedMs || !leadsWell(this.#reign, found)) return;
    this.#failedTerms = 0;
    this.#options.emit({ type: "leaderSeen", leader: found.ownerName });
  }

  #stop(reason: string): void {
    this.#held = undefined;
    this.#options.emit({ type: "leadershipLost", workerId: this.#options.workerId, reason });
  }

  #newVersion(): LeaderLock {
    const { workerId, durationMs, system } = this.#options;
    return {
      ownerName: workerId,
      leaseDurationMs: durationMs,
      recordVersionNumber: randomUuid(system.random),
      isReleased: false,
    };
  }
}
