/**
 * The leader's view of the stream: makes the first leases of an empty table, and mends holes in the coverage.
 *
 * @module
 */

import type { Kinesis } from "../aws/kinesis.ts";
import type { WorkerEvent } from "../events.ts";
import { areFirstLeasesUnfinished, auditLeases, type HoleSighting, missingRanges } from "../lease/gaps.ts";
import type { Lease, NewLease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { setHashKeyRange } from "../lease/lease_write.ts";
import { leasesToCreate, shardFilterOf } from "../lease/shard_sync.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { Clock } from "../system.ts";
import type { WorkerSettings } from "./settings.ts";
import type { TrackedStream } from "./streams.ts";
import { forEachAtMost, WRITES_AT_ONCE } from "./task_group.ts";

/** Keeps leases complete. */
export interface LeaseSyncer {
  /**
   * Creates what is missing: at once where there are no leases, or the first are not complete; else when an audit is due and
   * has found the same hole often enough.
   *
   * @param leases The table as just listed.
   * @returns Whether the table has been changed.
   */
  syncIfNeeded(leases: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean>;
}

/** What syncing needs. */
export interface ShardSyncerOptions {
  readonly settings: WorkerSettings;
  readonly stream: TrackedStream;
  readonly kinesis: Kinesis;
  readonly leaseStore: LeaseStore;
  readonly clock: Clock;
  readonly emit: (event: WorkerEvent) => void;
}

/** The pass of the leader on whose behalf it is done. */
export interface Leading {
  /** Wall time in ms, taken before the table was listed. */
  readonly sinceEpochMs: number;
  /** Monotonic ms since which the table is watched without a gap. What was seen before does not count. */
  readonly watchedSinceMs?: number;
  /** Asked before every write. */
  readonly isLeading: () => boolean;
  /** Told of each write that was answered. */
  readonly onProgress: () => void;
}

/** A listing that shows a reshard half done is read again so often and so far apart. Source: KCL 3.5.1, `HierarchicalShardSyncer`. */
const relisting = { attempts: 3, intervalMs: 1000 };

/** Keeps the leases of one stream complete. */
export class ShardSyncer implements LeaseSyncer {
  readonly #options: ShardSyncerOptions;
  #hole: HoleSighting | undefined;
  #auditedMs: number | undefined;
  #askedMs = -Infinity;

  constructor(options: ShardSyncerOptions) {
    this.#options = options;
  }

  /** @param leases Those of the stream. */
  async syncIfNeeded(leases: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean> {
    const { clock, settings } = this.#options;
    const nowMs = clock.monotonicMs();
    // Another leader may have mended it meanwhile: a hole must be seen in audits that follow one another.
    if (this.#askedMs < (leading.watchedSinceMs ?? -Infinity)) this.#hole = undefined;
    this.#askedMs = nowMs;
    const isDue = this.#auditedMs === undefined || nowMs - this.#auditedMs >= settings.leaseAuditIntervalMs;
    if (!isDue && leases.length > 0) return false;
    this.#auditedMs = nowMs;
    // A lease whose range is not known yet would look like a hole.
    if (await this.#fillRanges(leases, leading, signal)) return false;
    const audit = auditLeases(this.#hole, leases);
    this.#hole = audit.sighting;
    if (!audit.syncNow) return false;
    try {
      return await this.#sync(leases, leading, signal);
    } catch (error) {
      this.#auditedMs = undefined; // whatever is missing now is not to be missing until the next audit
      throw error;
    }
  }

  async #sync(leases: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean> {
    const { kinesis, stream, settings, clock, emit } = this.#options;
    const { ignoreUnexpectedChildShards } = settings;
    const { sinceEpochMs } = leading;
    const { initialPosition, streamIdentifier, reference } = stream;
    const isFirstSync = areFirstLeasesUnfinished(leases);
    const begun = leases.flatMap(({ latestEpochMs }) => latestEpochMs === undefined ? [] : [latestEpochMs]);
    const hasBegun = isFirstSync && initialPosition === "LATEST" && begun.length > 0;
    // What has been put since the table was listed counts as new: somebody may have begun then, unseen by a slow listing.
    const latestEpochMs = hasBegun ? Math.min(sinceEpochMs, ...begun) : sinceEpochMs;
    const begunAtLatestMs = hasBegun ? latestEpochMs : undefined;
    const position = hasBegun ? new Date(latestEpochMs) : initialPosition;
    const filter = isFirstSync ? shardFilterOf(position) : undefined;
    for (let attempt = 1;; attempt++) {
      const shards = await kinesis.listShards(reference, filter, signal);
      const plan = leasesToCreate({
        shards,
        leases,
        isFirstSync,
        initialPosition,
        begunAtLatestMs,
        streamIdentifier,
        ignoreUnexpectedChildShards,
      });
      if (plan.type === "create") {
        const wanted = plan.leases.map((lease) => ({ ...lease, latestEpochMs }));
        const created = await this.#create(wanted, leading, signal);
        emit({ type: "shardsSynced", shards: shards.length, created });
        return created > 0;
      }
      if (attempt >= relisting.attempts) {
        throw new Error(`Cannot create the leases of stream "${reference.streamName}": ${plan.problem}`);
      }
      await clock.sleep(relisting.intervalMs, signal);
    }
  }

  /** In any order: no lease of a sync is for a parent of another's shard. @returns how many were not there yet. */
  async #create(
    leases: readonly NewLease[],
    { isLeading, onProgress }: Leading,
    signal: AbortSignal,
  ): Promise<number> {
    const { leaseStore, emit } = this.#options;
    let created = 0;
    await forEachAtMost(leases, WRITES_AT_ONCE, async (lease) => {
      if (!isLeading()) return;
      const isNew = await leaseStore.create(lease, signal);
      onProgress();
      if (!isNew) return;
      created++;
      emit({ type: "leaseCreated", leaseKey: lease.leaseKey, checkpoint: lease.checkpoint });
    });
    return created;
  }

  /** Leases of old versions lack the range by which holes are found. @returns whether any was filled in. */
  async #fillRanges(
    leases: readonly Lease[],
    { isLeading, onProgress }: Leading,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (leases.every((lease) => lease.hashKeyRange !== undefined || isShardEnd(lease.checkpoint))) {
      return false;
    }
    const { kinesis, stream, leaseStore } = this.#options;
    const missing = missingRanges(leases, await kinesis.listShards(stream.reference, undefined, signal));
    await forEachAtMost(missing, WRITES_AT_ONCE, async ({ lease, range }) => {
      if (!isLeading()) return;
      await leaseStore.apply(setHashKeyRange(lease, range), signal);
      onProgress();
    });
    return missing.length > 0;
  }
}
