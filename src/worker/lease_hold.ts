/**
 * One acquisition of a lease, kept alive. Every write to the lease goes through here, one at a time. A
 * confirmed write restarts the time to expiry, counted from before the write was sent. So we count the lease
 * as expired no later than any worker that watches its counter.
 *
 * Memory changes only after the table has confirmed a write. A write whose answer was lost is recognised by
 * two things: the counter is one step ahead, and the item bears this process's mark.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRenewer`.
 *
 * @module
 */

import type { AppliedBy, HeldLease, LeaseTurn } from "../consumer/held_lease.ts";
import { LeaseLostError } from "../errors.ts";
import type { LeaseLossReason, WorkerEventListener } from "../events.ts";
import { locallyExpired, renewIntervalMs } from "../lease/expiry.ts";
import { afterRefusedRenewal } from "../lease/handoff.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import {
  assign,
  checkpoint,
  evict,
  type LeaseWrite,
  prepareCheckpoint,
  renew,
  setChildShardIds,
  wasApplied,
} from "../lease/lease_write.ts";
import { withProgress } from "../lease/progress_write.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { Clock } from "../system.ts";
import type { Identity } from "../fleet/identity.ts";
import type { LeasingSettings } from "../options/setting_groups.ts";
import { LOSS_TEXT, silenceText } from "./loss_text.ts";
import { ProgressMeter } from "./progress_meter.ts";
import { revivalTime } from "./revival_time.ts";
import { Throughput } from "./throughput.ts";

/** What a hold needs of its worker. */
export interface LeaseHoldOptions {
  /** Marks what is written as this process's. */
  readonly store: LeaseStore;
  readonly identity: Identity;
  readonly workerId: string;
  readonly leasing: Pick<LeasingSettings, "failoverTimeMs" | "gracefulLeaseHandoffTimeoutMs">;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** The worker that shall get the lease when it is handed over. Undefined: the leader decides. */
  readonly successorOf: (lease: Lease) => string | undefined;
  /** Whether a lease that was left in order stays this worker's, for its next process. @default never */
  readonly isKept?: (() => boolean) | undefined;
  /** Aborts when callbacks should return, although the lease is ours. @default never */
  readonly callbacksEnd?: AbortSignal | undefined;
}

/**
 * A write is tried this often in a row: as read, after learning of a handoff, after finding its own lost
 * answer.
 */
const MAX_WRITE_ATTEMPTS = 3;

/** A lease that this worker holds. */
export class LeaseHold implements HeldLease {
  readonly leaseKey: string;
  readonly shardId: string;
  readonly fencingToken: number;
  readonly callbackSignal: AbortSignal;
  readonly progress: ProgressMeter;
  readonly #options: LeaseHoldOptions;
  readonly #lost = new AbortController();
  readonly #drain = new AbortController();
  readonly #throughput: Throughput;
  #lease: Lease;
  #incrementedMs: number;
  /**
   * Monotonic ms before the first write whose outcome is unknown: it threw, but the table may have applied
   * it.
   */
  #unsureSinceMs: number | undefined;
  /** When our own handoff was first seen, in monotonic ms. */
  #handoffSeenMs: number | undefined;
  /** From when on, in monotonic ms, others may find that our own handoff is overdue and take the lease. */
  #handoffEndsMs = Infinity;
  /**
   * The check whether a lease that has expired on our clock is still ours; undefined while none is under way.
   */
  #revival: Promise<void> | undefined;
  #hasReportedSilence = false;
  #lossReason: LeaseLossReason | undefined;
  /** Writes wait for one another. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param lease As the table confirmed it.
   * @param incrementedMs Monotonic ms before the write that confirmed it was sent.
   */
  constructor(lease: Lease, incrementedMs: number, options: LeaseHoldOptions) {
    this.leaseKey = lease.leaseKey;
    this.shardId = lease.shardId;
    this.fencingToken = lease.leaseCounter;
    this.#lease = lease;
    this.#incrementedMs = incrementedMs;
    this.#options = options;
    const { callbacksEnd } = options;
    this.callbackSignal = callbacksEnd === undefined ? this.lost : AbortSignal.any([this.lost, callbacksEnd]);
    this.#throughput = new Throughput(options.clock, lease.throughputKBps);
    this.progress = new ProgressMeter(options.clock);
  }

  get lease(): Lease {
    return this.#lease;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  /** Why the lease was lost; undefined while it is held, and when it was given away in order. */
  get lossReason(): LeaseLossReason | undefined {
    return this.#lossReason;
  }

  /** Monotonic ms from which the lease counts as renewed. */
  get incrementedMs(): number {
    return this.#incrementedMs;
  }

  /** When a handoff of this lease to another worker was first seen; undefined while none is pending. */
  get handoffSeenMs(): number | undefined {
    return this.#handoffSeenMs;
  }

  /**
   * The monotonic ms from which nothing new is begun under the lease. A renewal moves it; an overdue handoff
   * cannot be renewed.
   */
  get endsMs(): number {
    const { failoverTimeMs } = this.#options.leasing;
    return Math.min(this.#incrementedMs + failoverTimeMs, this.#handoffEndsMs);
  }

  async ensureHeld(): Promise<void> {
    this.#ensureNotLost();
    if (!this.#isExpired()) return;
    this.#revival ??= this.#revive().finally(() => this.#revival = undefined);
    await this.#revival;
    this.#ensureNotLost();
  }

  countBytes(bytes: number): void {
    this.#throughput.count(bytes);
  }

  /** Requests that the consumer leaves the shard in order. */
  requestDrain(reason: string): void {
    this.#drain.abort(new Error(reason));
  }

  /** Stops holding the lease; nothing reaches the table through this hold any more. */
  drop(reason: LeaseLossReason): void {
    if (this.#lost.signal.aborted) return;
    const { leaseKey, shardId } = this;
    this.#lossReason = reason;
    this.#options.emit({ type: "leaseLost", leaseKey, shardId, reason });
    this.#lost.abort(new LeaseLostError(leaseKey, LOSS_TEXT[reason]));
  }

  /**
   * Stops holding a lease that is about to be deleted because its shard is done: no renewal may find the item
   * missing.
   */
  retire(): void {
    this.#lost.abort(new LeaseLostError(this.leaseKey, "its shard is done, and its item deleted"));
  }

  /** One heartbeat. @throws what the table threw; the lease is then still held until it expires. */
  async renew(): Promise<void> {
    const { clock, emit } = this.#options;
    const startedMs = clock.monotonicMs();
    if (this.#isExpired()) return await this.ensureHeld();
    const throughputKBps = this.#throughput.perSecond();
    await this.#write((lease) => renew(lease, throughputKBps));
    emit({ type: "leaseRenewed", leaseKey: this.leaseKey, ms: clock.monotonicMs() - startedMs });
  }

  async checkpoint(at: ExtendedSequenceNumber, finishedAhead?: string): Promise<void> {
    // The stored checkpoint may be further than the caller knows, if the answer to an earlier write was lost.
    // It never moves back, and keeps what is bound to it.
    await this.#write((lease) =>
      compare(at, lease.checkpoint) < 0
        ? checkpoint(lease, lease.checkpoint, lease.finishedAhead)
        : checkpoint(lease, at, finishedAhead)
    );
  }

  async prepareCheckpoint(at: ExtendedSequenceNumber, state: Uint8Array | undefined): Promise<void> {
    await this.#write((lease) => prepareCheckpoint(lease, at, state));
  }

  async setChildShardIds(childShardIds: readonly string[]): Promise<void> {
    await this.#write((lease) => setChildShardIds(lease, childShardIds));
  }

  inTurn(work: (turn: LeaseTurn) => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      await this.#confirmHeld();
      await work({
        isUnsure: () => this.#unsureSinceMs !== undefined,
        write: (build, by) => this.#writeNow(build, by),
      });
    });
  }

  async handOver(): Promise<void> {
    const { isKept = () => false, workerId } = this.#options;
    if (isKept() && this.#handoffSeenMs === undefined) return await this.#keep(workerId);
    await this.#release((lease) =>
      lease.checkpointOwner === undefined ? this.#options.successorOf(lease) : lease.leaseOwner
    );
  }

  /** Ends the hold, not the ownership. The lease is renewed last, unless its counter has just moved. */
  async #keep(workerId: string): Promise<void> {
    const { clock, emit, leasing: { failoverTimeMs } } = this.#options;
    const { leaseKey, shardId } = this;
    if (this.#lost.signal.aborted) return;
    if (clock.monotonicMs() - this.#incrementedMs >= renewIntervalMs(failoverTimeMs)) {
      try {
        await this.renew();
      } catch (error) {
        if (this.#lost.signal.aborted) return;
        emit({ type: "leaseRenewalFailed", leaseKey, shardId, error });
      }
      if (this.#handoffSeenMs !== undefined) return await this.handOver();
    }
    if (this.#lost.signal.aborted) return;
    emit({ type: "leaseReleased", leaseKey, shardId, to: workerId });
    this.#lost.abort(new LeaseLostError(leaseKey, "it is kept for the next process of this worker"));
  }

  async giveUp(): Promise<void> {
    await this.#release(() => undefined);
  }

  /** @param next The worker to assign the lease to; undefined frees it. */
  async #release(next: (lease: Lease) => string | undefined): Promise<void> {
    const { leaseKey, shardId } = this;
    try {
      let to: string | undefined;
      await this.#write((lease) => {
        to = next(lease);
        return to === undefined ? evict(lease) : assign(lease, to);
      });
      this.#options.emit({ type: "leaseReleased", leaseKey, shardId, to });
      this.#lost.abort(new LeaseLostError(leaseKey, "it was handed over"));
    } catch (error) {
      if (this.#lost.signal.aborted) return;
      // The lease will expire, and another worker will find it.
      this.#options.emit({ type: "leaseRenewalFailed", leaseKey, shardId, error });
      this.drop("givenUp");
    }
  }

  /** Applies one write to the lease as memory knows it; in turn. */
  #write(build: (lease: Lease) => LeaseWrite): Promise<void> {
    return this.inTurn((turn) => turn.write(build));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #writeNow(build: (lease: Lease) => LeaseWrite, by?: AppliedBy): Promise<void> {
    const { store, clock, identity: { incarnation } } = this.#options;
    for (let attempt = 1;; attempt++) {
      this.#ensureNotLost();
      const startedMs = clock.monotonicMs();
      const write = withProgress(build(this.#lease), this.#lease, this.progress.read());
      const before = this.#lease;
      const unsure = this.#unsureSinceMs;
      this.#unsureSinceMs ??= startedMs;
      const outcome = by === undefined
        ? await store.apply(write, this.lost)
        : await by(write, before, store, this.lost);
      this.#unsureSinceMs = undefined;
      if (outcome === undefined) return; // surely not applied
      if (outcome.applied) return this.#confirm(outcome.lease, write, startedMs);
      const { found } = outcome;
      if (found !== undefined && wasApplied(write, before, found, incarnation)) {
        return this.#confirm(found, write, unsure ?? startedMs);
      }
      const verdict = afterRefusedRenewal(before, found, incarnation);
      if (verdict.type === "lost") {
        this.drop(verdict.reason);
        this.#lost.signal.throwIfAborted();
        return;
      }
      if (attempt >= MAX_WRITE_ATTEMPTS) {
        throw new Error(
          `Cannot write lease "${this.leaseKey}": ${attempt} answers in a row were lost on the way`,
        );
      }
      this.#lease = verdict.lease;
      this.#noticeHandoff(this.#incrementedMs);
    }
  }

  /** @param sentMs Monotonic ms before which the write cannot have been applied. */
  #confirm(lease: Lease, write: LeaseWrite, sentMs: number): void {
    const beforeMs = this.#incrementedMs;
    const isIncremented = write.set.leaseCounter !== undefined || write.add.leaseCounter !== undefined;
    if (isIncremented) this.#incrementedMs = sentMs;
    this.#lease = lease;
    this.#noticeHandoff(beforeMs);
  }

  /** @param beforeMs Monotonic ms at which no handoff had been requested yet. */
  #noticeHandoff(beforeMs: number): void {
    const { workerId, clock, leasing: { gracefulLeaseHandoffTimeoutMs, failoverTimeMs } } = this.#options;
    if (this.#lease.checkpointOwner !== workerId || this.#handoffSeenMs !== undefined) return;
    this.#handoffSeenMs = clock.monotonicMs();
    this.#handoffEndsMs = beforeMs + gracefulLeaseHandoffTimeoutMs + failoverTimeMs;
    this.requestDrain(`lease "${this.leaseKey}" is to be handed over to ${this.#lease.leaseOwner}`);
  }

  #ensureNotLost(): void {
    if (this.#options.clock.monotonicMs() > this.#handoffEndsMs) this.drop("handoffOverdue");
    this.#lost.signal.throwIfAborted();
  }

  /**
   * Renews a lease that has expired on our clock, under the counter that was confirmed last. The table
   * refuses the write if another worker took the lease meanwhile. So a processor that blocked the event loop
   * for too long continues if no other worker has taken the lease. In turn.
   *
   * @throws {LeaseLostError} when the lease is no longer ours, or that cannot be found out.
   */
  async #confirmHeld(): Promise<void> {
    this.#ensureNotLost();
    if (!this.#isExpired()) return;
    const { leaseKey, shardId } = this;
    const { clock, emit } = this.#options;
    const startedMs = clock.monotonicMs();
    const silentMs = Math.round(startedMs - this.#incrementedMs);
    try {
      await this.#writeNow((lease) => renew(lease));
      emit({ type: "leaseRenewed", leaseKey, ms: clock.monotonicMs() - startedMs });
      this.#reportSilence(silentMs);
    } catch (error) {
      this.#ensureNotLost();
      emit({ type: "leaseRenewalFailed", leaseKey, shardId, error });
      this.drop("expired");
    }
    this.#ensureNotLost();
  }

  /** Reported once: a processor that blocks the event loop does so with every batch. */
  #reportSilence(silentMs: number): void {
    if (this.#hasReportedSilence) return;
    this.#hasReportedSilence = true;
    const text = silenceText(silentMs);
    this.#options.emit({ type: "notice", level: "warning", leaseKey: this.leaseKey, text });
  }

  /** Until the lease is renewed, lost, or the time for it is over. Never rejects. */
  async #revive(): Promise<void> {
    const over = new AbortController();
    const limit = this.#limitRevival(AbortSignal.any([over.signal, this.#lost.signal]));
    try {
      // Still expired if the process was paused again before it read the answer.
      while (this.#isExpired()) await this.#inTurn(() => this.#confirmHeld());
    } catch {
      // Lost, which the hold has reported.
    } finally {
      over.abort();
      await limit;
    }
  }

  async #limitRevival(signal: AbortSignal): Promise<void> {
    const { clock, leasing: { failoverTimeMs } } = this.#options;
    const isOverdue = () => clock.monotonicMs() > this.#handoffEndsMs;
    if (!await revivalTime({ clock, failoverTimeMs, isOverdue }, signal)) return;
    this.drop(isOverdue() ? "handoffOverdue" : "expired");
  }

  #isExpired(): boolean {
    const { clock, leasing: { failoverTimeMs } } = this.#options;
    return locallyExpired(this.#incrementedMs, failoverTimeMs, clock.monotonicMs());
  }
}
