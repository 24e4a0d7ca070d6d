/**
 * Deletes the leases of completed shards, by the worker that holds them. Which leases may be deleted is
 * decided in `lease/cleanup.ts`.
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
  /**
   * Whether the leases of completed shards are kept. Leases of shards that no longer exist in the stream are
   * deleted in any case. @default {false}
   */
  readonly isCompletedKept?: boolean;
}

/**
 * The shards that the service listed in this pass, by stream. Each stream is listed once, for all of its
 * leases.
 */
type Listings = Map<string | undefined, readonly Shard[]>;

/**
 * How often to check whether the service still knows the shard of a completed lease that must be kept, in ms.
 * KCL: 30 minutes.
 */
const GARBAGE_INTERVAL_MS = 1_800_000;

/** Cleans up after one worker. */
export class LeaseCleaner {
  readonly #options: LeaseCleanerOptions;
  readonly #askedMs = new Map<string, number>();

  constructor(options: LeaseCleanerOptions) {
    this.#options = options;
  }

  /**
   * Deletes those of the held leases that may be deleted. If a stream cannot be listed, its leases wait for
   * the next pass. The leases of other streams do not wait.
   *
   * @throws the first failure, once all streams have had their turn.
   */
  async cleanUp(holds: readonly LeaseHold[], signal: AbortSignal): Promise<void> {
    const failures = new Map<string | undefined, unknown>();
    const listings: Listings = new Map();
    // Of leases that went to other workers nothing is remembered.
    const held = new Set(holds.map(({ leaseKey }) => leaseKey));
    for (const leaseKey of this.#askedMs.keys()) if (!held.has(leaseKey)) this.#askedMs.delete(leaseKey);
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
    // Set after the answer: a request that failed is sent again at the next pass, not after half an hour.
    if (isDue) this.#askedMs.set(leaseKey, this.#options.clock.monotonicMs());
    if (isCompletedKept && told !== "shardGone") return;
    const leases = await this.#relatives(hold.lease, Array.isArray(told) ? told : [], signal);
    let step = cleanupStep(hold.lease, { leases, told });
    if (step.type === "askForChildren") {
      const children = await this.#ask(hold.lease, listings, signal);
      const more = await this.#relatives(hold.lease, Array.isArray(children) ? children : [], signal);
      step = cleanupStep(hold.lease, { leases: more, told: children });
    }
    // The request takes time. If the lease was lost meanwhile, its next owner deletes it.
    if (step.type !== "delete" || hold.lost.aborted) return;
    hold.retire();
    try {
      await leaseStore.delete(leaseKey, signal);
    } catch (error) {
      // No worker renews it any more. If the item still exists, it expires, and its next owner deletes it.
      emit({ type: "leaseLost", leaseKey, shardId: hold.shardId, reason: "givenUp" });
      throw error;
    }
    this.#askedMs.delete(leaseKey);
    emit({ type: "leaseDeleted", leaseKey, reason: step.reason });
  }

  /**
   * Whether it is time to check that the shard still exists. Where completed leases are deleted anyway, the
   * first check comes after one interval.
   */
  #isDue(leaseKey: string): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const askedMs = this.#askedMs.get(leaseKey);
    if (askedMs !== undefined) return nowMs - askedMs >= GARBAGE_INTERVAL_MS;
    if (this.#options.isCompletedKept) return true;
    this.#askedMs.set(leaseKey, nowMs);
    return false;
  }

  /** What the service answers about the shard: its children, or that the shard no longer exists. */
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
