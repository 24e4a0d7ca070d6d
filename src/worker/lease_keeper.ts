/**
 * Keeps the leases of one worker: finds those assigned to it, starts a consumer for each, renews them, and
 * releases them in order.
 *
 * A read is not enough to start a lease: one conditional renewal comes first. It fences any other process
 * that still believes to hold the lease, before the first record is delivered. A lease is not started twice
 * in one process. While the old consumer of a lost lease is still inside a callback, other workers may take
 * the lease.
 *
 * A lease that was lost to another process with our name still bears that name, so the index lists it as
 * ours. It is begun again only once its counter has been unchanged for the failover time. Otherwise both
 * processes would take it from each other for ever.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseDiscoverer`, `DynamoDBLeaseRenewer`, `DynamoDBLeaseCoordinator`.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { expiredLeases, observe, renewIntervalMs, type Sighting } from "../lease/expiry.ts";
import { mayFinishHandoff, mayStart } from "../lease/handoff.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { assign, evict, renew } from "../lease/lease_write.ts";
import { withProgress } from "../lease/progress_write.ts";
import type { Clock } from "../system.ts";
import { aborted, pause } from "../async/waiting.ts";
import type { Identity } from "../fleet/identity.ts";
import type { LeasingSettings } from "../options/setting_groups.ts";
import { LeaseHold } from "./lease_hold.ts";
import { Semaphore, type TaskGroup } from "../async/task_group.ts";

/** What a keeper is made of. */
export interface LeaseKeeperOptions {
  /** Marks what is written as this process's. */
  readonly store: LeaseStore;
  readonly identity: Identity;
  readonly workerId: string;
  readonly leasing: Pick<
    LeasingSettings,
    "failoverTimeMs" | "gracefulLeaseHandoffTimeoutMs" | "maxLeaseRenewals"
  >;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** Owns the consumers and the renewals. */
  readonly tasks: TaskGroup;
  readonly successorOf: (lease: Lease) => string | undefined;
  /** Consumes a shard until its end, or until the lease is lost or drained. */
  readonly consume: (hold: LeaseHold) => Promise<unknown>;
  /** See {@linkcode LeaseHoldOptions}. */
  readonly isKept?: (() => boolean) | undefined;
  readonly callbacksEnd?: AbortSignal | undefined;
  /**
   * Whether something else fences the former owner, so that a lease begins without a renewal.
   *
   * @default {false}
   */
  readonly isFenced?: boolean | undefined;
  /** Whether a lease that is ours may be begun now. @default {() => true} */
  readonly mayBegin?: ((leaseKey: string) => boolean) | undefined;
}

/** The first pause after a failed renewal, in ms; it doubles, and never exceeds the renewal interval. */
const RENEWAL_RETRY_MS = 200;

/** The leases that a worker holds. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #holds = new Map<string, LeaseHold>();
  /**
   * How long the counter has been unchanged, by lease key, for leases that are being handed over to us or are
   * disputed.
   */
  readonly #awaited = new Map<string, Sighting>();
  /** Leases that we lost to another process of our name, and have not begun again. */
  readonly #disputed = new Set<string>();
  readonly #renewals: Semaphore;
  readonly #discoveries: Semaphore;
  #isClosed = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#renewals = new Semaphore(options.leasing.maxLeaseRenewals);
    this.#discoveries = new Semaphore(options.leasing.maxLeaseRenewals);
    // Immediately, before anything more is delivered. A write under way is fenced by its counter.
    const dropAll = () => this.held.forEach((hold) => hold.drop("superseded"));
    options.identity.superseded.addEventListener("abort", dropAll, { once: true });
  }

  /** The holds whose lease is still ours. */
  get held(): readonly LeaseHold[] {
    return [...this.#holds.values()].filter((hold) => !hold.lost.aborted);
  }

  /** Looks for leases newly assigned to this worker and starts them. @throws what the index query threw. */
  async discover(signal: AbortSignal): Promise<void> {
    const { store, workerId, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const keys = await store.leaseKeysOwnedBy(workerId, signal);
    await this.#startListed(keys, clock.monotonicMs() - startedMs, signal);
  }

  /** As {@linkcode discover}, among leases that a look at the table has just shown as this worker's. */
  async discoverAmong(leaseKeys: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#startListed(leaseKeys, undefined, signal);
  }

  async #startListed(
    keys: readonly string[],
    listMs: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const beganMs = this.#options.clock.monotonicMs();
    const listed = new Set(keys);
    this.#checkMissing(listed);
    for (const key of this.#awaited.keys()) if (!listed.has(key)) this.#awaited.delete(key);
    const { mayBegin = () => true } = this.#options;
    const started = await this.#eachOf(keys.filter(mayBegin), (key) => this.#start(key, signal));
    this.#tellDiscovered(started, { listMs, beganMs });
  }

  /**
   * Starts leases of this worker that were just read.
   *
   * @param askedMs Monotonic ms, taken before they were read.
   * @throws the first failure, once all have been tried.
   */
  async begin(leases: readonly Lease[], askedMs: number, signal: AbortSignal): Promise<void> {
    const byKey = new Map(leases.map((lease) => [lease.leaseKey, lease]));
    const started = await this.#eachOf([...byKey.keys()], async (key) => {
      const lease = byKey.get(key);
      if (lease !== undefined) await this.#begin(lease, askedMs, signal);
      return lease;
    });
    this.#tellDiscovered(started, { listMs: undefined, beganMs: askedMs });
  }

  /** @param found The leases as they were read; undefined for one that is gone. */
  #tellDiscovered(
    found: readonly (Lease | undefined)[],
    { listMs, beganMs }: { readonly listMs: number | undefined; readonly beganMs: number },
  ): void {
    const { clock, emit, workerId } = this.#options;
    const foreign = found.filter((lease) => lease?.leaseOwner !== workerId).length;
    const beginMs = clock.monotonicMs() - beganMs;
    const held = this.held.length;
    emit({ type: "leasesDiscovered", held, found: found.length, foreign, listMs, beginMs });
  }

  async #eachOf(
    keys: readonly string[],
    start: (leaseKey: string) => Promise<Lease | undefined>,
  ): Promise<(Lease | undefined)[]> {
    const fresh = keys.filter((key) => !this.#holds.has(key));
    const outcomes = await Promise.allSettled(
      fresh.map((key) => this.#discoveries.run(() => start(key))),
    );
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return outcomes.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : []);
  }

  /**
   * Requests that every consumer leaves its shard in order. A lease that is still being started is drained
   * right after its start.
   */
  drain(reason: string): void {
    this.#isClosed = true;
    for (const hold of this.#holds.values()) hold.requestDrain(reason);
  }

  /** Hands over the leases that are still held, whatever their processors are doing. */
  async abandon(): Promise<void> {
    await Promise.all(this.held.map((hold) => hold.handOver()));
  }

  /**
   * Passes on the leases that were assigned to this worker while it was stopping; none that another process
   * of its name may hold.
   */
  async passOn(signal: AbortSignal): Promise<void> {
    const { store, workerId, successorOf, emit, identity: { superseded } } = this.#options;
    if (superseded.aborted) return;
    for (const leaseKey of await store.leaseKeysOwnedBy(workerId, signal)) {
      const lease = await store.get(leaseKey, signal);
      if (superseded.aborted) return;
      if (lease === undefined || !mayStart(lease, workerId) || this.#holds.has(leaseKey)) continue;
      if (this.#disputed.has(leaseKey)) continue;
      const to = successorOf(lease);
      const outcome = await store.apply(to === undefined ? evict(lease) : assign(lease, to), signal);
      if (outcome.applied) emit({ type: "leaseReleased", leaseKey, shardId: lease.shardId, to });
    }
  }

  async #start(leaseKey: string, signal: AbortSignal): Promise<Lease | undefined> {
    const { store, clock } = this.#options;
    const askedMs = clock.monotonicMs();
    const lease = await store.get(leaseKey, signal);
    if (lease !== undefined) await this.#begin(lease, askedMs, signal);
    return lease;
  }

  async #begin(lease: Lease, askedMs: number, signal: AbortSignal): Promise<void> {
    const { store, workerId, clock, emit, tasks, isFenced = false, identity: { superseded } } = this.#options;
    const { leaseKey } = lease;
    if (superseded.aborted) return;
    if (!mayStart(lease, workerId)) return await this.#finishHandoff(lease, askedMs, signal);
    if (this.#disputed.has(leaseKey) && !this.#standsStill(lease, askedMs)) return;
    this.#awaited.delete(leaseKey);
    const startedMs = clock.monotonicMs();
    const write = withProgress(renew(lease), lease, undefined);
    const outcome = isFenced ? { applied: true as const, lease } : await store.apply(write, signal);
    if (!outcome.applied || superseded.aborted || this.#holds.has(leaseKey)) return;
    this.#disputed.delete(leaseKey);
    const hold = new LeaseHold(outcome.lease, startedMs, this.#options);
    this.#holds.set(leaseKey, hold);
    const { shardId, checkpoint } = outcome.lease;
    emit({ type: "leaseGained", leaseKey, shardId, workerId, checkpoint });
    if (this.#isClosed) hold.requestDrain("the worker is stopping");
    tasks.run(() => this.#keep(hold));
  }

  /**
   * Checks held leases that the index lists under another worker. Such a lease was taken from us, or is to be
   * handed over. An immediate renewal shows which; the next regular one would be seconds later. A lease in a
   * handoff that we know of is always listed under its next owner.
   */
  #checkMissing(keys: ReadonlySet<string>): void {
    for (const hold of this.held) {
      if (keys.has(hold.leaseKey) || hold.handoffSeenMs !== undefined) continue;
      this.#options.tasks.run(() => this.#renew(hold).then(() => {}));
    }
  }

  /**
   * Ends a handoff to us whose present owner no longer renews: without this the lease would wait for a
   * leader. The next round then finds the lease ours.
   */
  async #finishHandoff(lease: Lease, askedMs: number, signal: AbortSignal): Promise<void> {
    const { store, workerId } = this.#options;
    const expired = this.#standsStill(lease, askedMs);
    if (!mayFinishHandoff(lease, { workerId, expired })) return;
    this.#awaited.delete(lease.leaseKey);
    await store.apply(assign(lease, workerId), signal);
  }

  /**
   * Whether the counter of a lease that we wait for has been unchanged for the failover time. @param askedMs
   * Taken before it was read.
   */
  #standsStill(lease: Lease, askedMs: number): boolean {
    const { clock, leasing: { failoverTimeMs } } = this.#options;
    const sightings = observe(this.#awaited, [lease], clock.monotonicMs());
    const sighting = sightings.get(lease.leaseKey);
    if (sighting !== undefined) this.#awaited.set(lease.leaseKey, sighting);
    return expiredLeases(sightings, [lease], { failoverTimeMs, nowMs: askedMs }).length > 0;
  }

  /** The life of one hold: consumed and renewed at the same time, forgotten when both are over. */
  async #keep(hold: LeaseHold): Promise<void> {
    const { tasks, consume } = this.#options;
    tasks.run(() => this.#keepRenewed(hold));
    tasks.run(() => this.#watch(hold));
    try {
      await consume(hold);
      // A shard that is done stays held, and renewed, until it is cleaned up or the worker stops.
      await aborted(hold.lost, hold.drain);
      await hold.handOver();
    } finally {
      hold.drop("givenUp");
      if (hold.lossReason === "namesake") this.#disputed.add(hold.leaseKey);
      this.#holds.delete(hold.leaseKey);
    }
  }

  /** Renews a lease whenever its counter has not moved for the interval: a checkpoint counts as a renewal. */
  async #keepRenewed(hold: LeaseHold): Promise<void> {
    const { clock, leasing: { failoverTimeMs } } = this.#options;
    const intervalMs = renewIntervalMs(failoverTimeMs);
    for (let failures = 0; !hold.lost.aborted;) {
      const retryMs = failures === 0 ? 0 : Math.min(intervalMs, RENEWAL_RETRY_MS * 2 ** (failures - 1));
      const dueInMs = hold.incrementedMs + intervalMs - clock.monotonicMs();
      if (!await pause(clock, Math.max(dueInMs, retryMs), hold.lost)) return;
      if (hold.incrementedMs + intervalMs > clock.monotonicMs()) continue;
      failures = await this.#renew(hold) ? 0 : failures + 1;
    }
  }

  /** @returns false when the table could not be reached; the lease is then held until it expires. */
  async #renew(hold: LeaseHold): Promise<boolean> {
    const { leaseKey, shardId } = hold;
    try {
      await this.#renewals.run(() => hold.renew());
    } catch (error) {
      if (hold.lost.aborted) return true;
      this.#options.emit({ type: "leaseRenewalFailed", leaseKey, shardId, error });
      return false;
    }
    return true;
  }

  /** Notices expiry even while a renewal hangs, and ends a handoff that the processor does not. */
  async #watch(hold: LeaseHold): Promise<void> {
    const { tasks, clock, leasing: { gracefulLeaseHandoffTimeoutMs } } = this.#options;
    let isEnding = false;
    while (!hold.lost.aborted) {
      const nowMs = clock.monotonicMs();
      const endsInMs = hold.endsMs - nowMs + 1;
      const handoffInMs = hold.handoffSeenMs === undefined || isEnding
        ? Infinity
        : hold.handoffSeenMs + gracefulLeaseHandoffTimeoutMs - nowMs;
      if (handoffInMs <= 0) {
        isEnding = true; // which may take long, too long perhaps
        tasks.run(() => hold.handOver());
        continue;
      }
      if (!await pause(clock, Math.min(endsInMs, handoffInMs, 1000), hold.lost)) return;
      try {
        await hold.ensureHeld();
      } catch {
        return; // The hold has already emitted `leaseLost`.
      }
    }
  }
}
