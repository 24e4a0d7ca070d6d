/**
 * Listens to a worker and keeps what health, lag and metrics are made of. Give `totals.listener` to the
 * worker's `onEvent`; get a {@linkcode Snapshot} at any time.
 *
 * Memory is bounded. It holds the held leases, each with an hour of its lag, and a hundred ended shards for
 * ten minutes. It also holds the failures in a row on ten thousand other leases, and a bounded number of
 * series.
 *
 * @module
 */

import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import { type Clock, realClock } from "../system.ts";
import { countsOf } from "./counts.ts";
import { type History, LagHistory } from "./lag_history.ts";
import { RecentMap } from "../recent_map.ts";
import { noStreaks } from "./shard_streaks.ts";
import {
  endedShard,
  foldShard,
  type FormerShard,
  formerShard,
  gainedShard,
  heldShards,
  isLeaseEvent,
  lagMs,
  type LeaseEvent,
  type ShardTotals,
} from "./shard_totals.ts";
import { type Series, Tally } from "./tally.ts";
import { foldWorker, SILENT_WORKER, type WorkerTotals } from "./worker_totals.ts";

/** All that is known at one moment. Everything that observe shows is computed from this value alone. */
export interface Snapshot {
  /** Monotonic ms of the same clock as all times inside. */
  readonly atMs: number;
  /** The same moment as wall time, in ms since 1970, to show times to people. */
  readonly epochMs: number;
  /** The worker without its shards. */
  readonly worker: WorkerTotals;
  /** Held shards and those that ended lately, by lease key. */
  readonly shards: readonly ShardTotals[];
  /** Every series of every counter. */
  readonly series: readonly Series[];
  /** Lease-milliseconds held up to now: one lease for an hour is 3,600,000. */
  readonly leaseHeldMs: number;
  /** Lag and pace of the last hour, one figure a minute. Read it before the worker goes on. */
  readonly history: History;
}

/** How long an ended shard is remembered, so that a person who looks soon after still finds it. Ours. */
const ENDED_SHARD_MS = 600_000;
/** The most ended shards that are remembered. Ours. */
const MOST_ENDED_SHARDS = 100;
/**
 * The most leases of which it is remembered, after that, what failed in a row: those that ended last. Ours.
 */
const MOST_FORMER_SHARDS = 10_000;

/** The sum of a worker's events. */
export class Totals {
  readonly #clock: Clock;
  readonly #tally = new Tally();
  readonly #shards = new Map<string, ShardTotals>();
  /** What a forgotten shard begins with when its lease is gained again. */
  readonly #former = new RecentMap<string, FormerShard>(MOST_FORMER_SHARDS);
  readonly #history = new LagHistory();
  #worker: WorkerTotals = SILENT_WORKER;
  /** Of leases that are no longer held. */
  #leaseHeldMs = 0;

  /** For the worker's `onEvent`. Can be passed on as it is. */
  readonly listener: WorkerEventListener = (event) => this.#hear(event);

  /**
   * Makes totals of a worker that has reported nothing yet.
   *
   * @param clock The worker's clock; the real one by default.
   */
  constructor(clock: Clock = realClock) {
    this.#clock = clock;
  }

  /** What is known now. */
  snapshot(): Snapshot {
    const atMs = this.#clock.monotonicMs();
    this.#forgetEnded(atMs);
    const shards = [...this.#shards.values()].sort((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
    let leaseHeldMs = this.#leaseHeldMs;
    for (const shard of heldShards(shards)) leaseHeldMs += atMs - shard.heldSinceMs;
    return {
      atMs,
      epochMs: this.#clock.epochMs(),
      worker: this.#worker,
      shards,
      series: this.#tally.read(),
      leaseHeldMs,
      history: this.#history.at(atMs),
    };
  }

  #hear(event: WorkerEvent): void {
    const nowMs = this.#clock.monotonicMs();
    for (const count of this.#isAfterwards(event) ? [] : countsOf(event)) this.#tally.add(count);
    this.#worker = foldWorker(this.#worker, event, nowMs);
    if (event.type === "leaseGained") {
      this.#gain(event, nowMs);
    } else if (event.type === "streamRemoved") {
      this.#leaveStream(event.streamIdentifier);
    } else if (event.type === "leaseDeleted") {
      this.#former.delete(event.leaseKey);
      // Where the answer to SHARD_END was lost, nothing else has said that the shard is done and no longer
      // held.
      const shard = this.#shards.get(event.leaseKey);
      if (shard !== undefined && shard.ended === undefined && event.reason !== "formerStream") {
        this.#put(endedShard(shard, "completed", nowMs), nowMs);
      }
    } else if (event.type === "workerStopped") {
      for (const shard of this.#shards.values()) this.#put(endedShard(shard, "workerStopped", nowMs), nowMs);
    } else if (isLeaseEvent(event)) {
      // An event about a lease that was never gained here is the leader's, or was too late to matter.
      const shard = this.#shards.get(event.leaseKey);
      if (shard !== undefined) this.#put(foldShard(shard, event, nowMs), nowMs);
      this.#note(event, nowMs);
    }
  }

  /** Notes what moves the lag, and the renewals of a shard of which nothing else is heard. */
  #note(event: LeaseEvent, nowMs: number): void {
    const { type, leaseKey } = event;
    if (type !== "batchProcessed" && type !== "pageFetched" && type !== "leaseRenewed") return;
    if (type === "batchProcessed") this.#history.noteProcessed(leaseKey, event, nowMs);
    const shard = this.#shards.get(leaseKey);
    const lag = shard === undefined ? undefined : lagMs(shard, nowMs);
    if (lag !== undefined) this.#history.noteLag(leaseKey, lag, nowMs);
  }

  #gain(event: Extract<WorkerEvent, { readonly type: "leaseGained" }>, nowMs: number): void {
    const { leaseKey } = event;
    const shard = this.#shards.get(leaseKey);
    const before = shard === undefined ? this.#former.get(leaseKey) : formerShard(shard, nowMs);
    this.#former.delete(leaseKey);
    this.#history.begin(leaseKey, nowMs);
    this.#put(gainedShard(event, nowMs, before), nowMs);
  }

  /** What failed in a row on its shards is forgotten, but for those that are held still. */
  #leaveStream(streamIdentifier: string): void {
    const isOfStream = (leaseKey: string) => leaseKey.startsWith(`${streamIdentifier}:`);
    this.#former.keep((leaseKey) => !isOfStream(leaseKey));
    for (const [leaseKey, shard] of this.#shards) {
      if (!isOfStream(leaseKey) || shard.ended === undefined) continue;
      this.#shards.set(leaseKey, { ...shard, ...noStreaks(shard.checkpoint) });
    }
  }

  /** The lease of a completed shard is deleted when it is cleaned up: that does not count as a loss. */
  #isAfterwards(event: WorkerEvent): boolean {
    return event.type === "leaseLost" && this.#shards.get(event.leaseKey)?.ended !== undefined;
  }

  #put(shard: ShardTotals, nowMs: number): void {
    const before = this.#shards.get(shard.leaseKey);
    this.#shards.set(shard.leaseKey, shard);
    if (shard.ended !== undefined) this.#history.end(shard.leaseKey);
    const wasHeld = before !== undefined && before.ended === undefined;
    if (wasHeld && (shard.ended !== undefined || shard.heldSinceMs !== before.heldSinceMs)) {
      this.#leaseHeldMs += nowMs - before.heldSinceMs;
      this.#forgetEnded(nowMs);
    }
  }

  /** Forgets the oldest ended shards. A shard with a running callback is kept: it is a fault to be shown. */
  #forgetEnded(nowMs: number): void {
    const ended = [...this.#shards.values()]
      .flatMap(({ leaseKey, ended, callback }) =>
        ended === undefined || callback !== undefined ? [] : [{ leaseKey, atMs: ended.atMs }]
      )
      .sort((a, b) => b.atMs - a.atMs);
    ended.forEach(({ leaseKey, atMs }, index) => {
      if (index < MOST_ENDED_SHARDS && nowMs - atMs <= ENDED_SHARD_MS) return;
      const shard = this.#shards.get(leaseKey);
      const former = shard === undefined ? undefined : formerShard(shard, nowMs);
      if (former !== undefined) this.#former.set(leaseKey, former);
      this.#shards.delete(leaseKey);
    });
  }
}
