/**
 * Deletes the leases of shards that are done, by the worker that holds them; what may go is decided in `lease/cleanup.ts`.
 *
 * Source: KCL 3.5.1, `LeaseCleanupManager`.
 *
 * @module
 */

import type { Kinesis } from "../aws/kinesis.ts";
import { isAwsError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import { cleanupStep, type CleanupView } from "../lease/cleanup.ts";
import { type Lease, leaseKeyOf } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import { childrenOf, type Shard } from "../stream/shard.ts";
import type { Clock } from "../system.ts";
import type { LeaseHold } from "./lease_hold.ts";
import type { Streams } from "../fleet/streams.ts";

/** What cleaning needs. */
export interface LeaseCleanerOptions {
  readonly streams: Streams;
  readonly kinesis: Kinesis;
  readonly leaseStore: LeaseStore;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** Whether the leases of shards stay that are done. Those of shards that are gone from the stream go in any case. @default {false} */
  readonly isCompletedKept?: boolean;
}

/** What the service has listed in one pass, by stream: each is asked once, however many leases it has. */
type Listings = Map<string | undefined, readonly Shard[]>;

/** A lease that must be kept is checked so often for whether the service still knows its shard, in ms. KCL: 30 minutes. */
const GARBAGE_INTERVAL_MS = 1_800_000;

/** Cleans up after one worker. */
export class LeaseCleaner {
  readonly #options: LeaseCleanerOptions;
  readonly #askedMs = new Map<string, number>();

  constructor(options: LeaseCleanerOptions) {
    this.#options = options;
  }

  /**
   * Deletes what may go among the held leases. A stream that cannot be asked waits for the next pass; the
   * leases of other streams do not wait with it.
   *
   * @throws what failed first, once all streams have had their turn.
   */
  async cleanUp(holds: readonly LeaseHold[], signal: AbortSignal): Promise<void> {
    const failures = new Map<string | undefined, unknown>();
    const listings: Listings = new Map();
    for (const hold of holds) {
      const { checkpoint, streamIdentifier } = hold.lease;
      if (!isShardEnd(checkpoint) || failures.has(streamIdentifier)) continue;
      try {
        await this.#cleanUpOne(hold, listings, signal);
      } catch (error) {
        signal.throwIfAborted();
        failures.set(streamIdentifier, error);
      }
    }
    for (const error of failures.values()) throw error;
  }

  async #cleanUpOne(hold: LeaseHold, listings: Listings, signal: AbortSignal): Promise<void> {
    const { leaseStore, emit, isCompletedKept = false } = this.#options;
    const { leaseKey } = hold;
    const isDue = this.#isDue(leaseKey);
    const told = isDue ? await this.#ask(hold.lease, listings, signal) : undefined;
    // After the answer: a question that failed is asked again at the next pass, and not in half an hour.
    if (isDue) this.#askedMs.set(leaseKey, this.#options.clock.monotonicMs());
    if (isCompletedKept && told !== "shardGone") return;
    const leases = await this.#relatives(hold.lease, Array.isArray(told) ? told : [], signal);
    let step = cleanupStep(hold.lease, { leases, told });
    if (step.type === "askForChildren") {
      const children = await this.#ask(hold.lease, listings, signal);
      const more = await this.#relatives(hold.lease, Array.isArray(children) ? children : [], signal);
      step = cleanupStep(hold.lease, { leases: more, told: children });
    }
    // Asking takes its time, and a lease that is lost meanwhile is for its next owner to delete.
    if (step.type !== "delete" || hold.lost.aborted) return;
    hold.retire();
    try {
      await leaseStore.delete(leaseKey, signal);
    } catch (error) {
      // Nobody renews it any more: where it is still there, it expires, and its next owner deletes it.
      emit({ type: "leaseLost", leaseKey, shardId: hold.shardId, reason: "givenUp" });
      throw error;
    }
    this.#askedMs.delete(leaseKey);
    emit({ type: "leaseDeleted", leaseKey, reason: step.reason });
  }

  /** Whether it is time to ask if the shard still exists; the first time only after the interval, where leases go before it. */
  #isDue(leaseKey: string): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const askedMs = this.#askedMs.get(leaseKey);
    if (askedMs !== undefined) return nowMs - askedMs >= GARBAGE_INTERVAL_MS;
    if (this.#options.isCompletedKept) return true;
    this.#askedMs.set(leaseKey, nowMs);
    return false;
  }

  /** What the service says of the shard: its children, or that it is gone. */
  async #ask(lease: Lease, listings: Listings, signal: AbortSignal): Promise<CleanupView["told"]> {
    const { kinesis, streams } = this.#options;
    const stream = await streams.of(lease, signal);
    if (stream === undefined) return undefined;
    try {
      const shards = listings.get(lease.streamIdentifier) ??
        await kinesis.listShards(stream.reference, undefined, signal);
      listings.set(lease.streamIdentifier, shards);
      // A stream always has shards: an empty listing says nothing.
      if (shards.length === 0) return undefined;
      if (!shards.some((shard) => shard.shardId === lease.shardId)) return "shardGone";
      return childrenOf(lease.shardId, shards).map((child) => child.shardId);
    } catch (error) {
      if (isAwsError(error, "ResourceNotFoundException")) return "shardGone";
      throw error;
    }
  }

  /** The leases of parents and children, by key. */
  async #relatives(
    lease: Lease,
    toldChildren: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Lease>> {
    const ids = new Set([...lease.parentShardIds, ...lease.childShardIds, ...toldChildren]);
    const found = await Promise.all(
      [...ids].map((id) => this.#options.leaseStore.get(leaseKeyOf(id, lease.streamIdentifier), signal)),
    );
    return new Map(found.flatMap((other) => other === undefined ? [] : [[other.leaseKey, other]]));
  }
}
