/**
 * The leader's view of the stream: makes the first leases of an empty table, and mends holes in the coverage.
 *
 * @module
 */

import type { Kinesis } from "../aws/kinesis.ts";
import type { WorkerEvent } from "../events.ts";
import { areFirstLeasesUnfinished, auditLeases, type HoleSighting, missingRanges } from "../lease/gaps.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { setHashKeyRange } from "../lease/lease_write.ts";
import { leasesToCreate, shardFilterOf } from "../lease/shard_sync.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { Clock } from "../system.ts";
import type { WorkerSettings } from "./settings.ts";
import type { TrackedStream } from "./streams.ts";

/** Keeps leases complete. */
export interface LeaseSyncer {
  /**
   * Creates what is missing: at once where there are no leases, or the first are not complete; else when an audit is due and
   * has found the same hole often enough.
   *
   * @param leases The table as just listed.
   * @returns Whether the table has been changed.
   */
  syncIfNeeded(leases: readonly Lease[], signal: AbortSignal): Promise<boolean>;
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

/** A listing that shows a reshard half done is read again so often and so far apart. Source: KCL 3.5.1, `HierarchicalShardSyncer`. */
const relisting = { attempts: 3, intervalMs: 1000 };

/** Keeps the leases of one stream complete. */
export class ShardSyncer implements LeaseSyncer {
  readonly #options: ShardSyncerOptions;
  #hole: HoleSighting | undefined;
  #auditedMs: number | undefined;

  constructor(options: ShardSyncerOptions) {
    this.#options = options;
  }

  /** @param leases Those of the stream. */
  async syncIfNeeded(leases: readonly Lease[], signal: AbortSignal): Promise<boolean> {
    const { clock, settings } = this.#options;
    const nowMs = clock.monotonicMs();
    const isDue = this.#auditedMs === undefined || nowMs - this.#auditedMs >= settings.leaseAuditIntervalMs;
    if (!isDue && leases.length > 0) return false;
    this.#auditedMs = nowMs;
    // A lease whose range is not known yet would look like a hole.
    if (await this.#fillRanges(leases, signal)) return false;
    const audit = auditLeases(this.#hole, leases);
    this.#hole = audit.sighting;
    if (!audit.syncNow) return false;
    try {
      return await this.#sync(leases, signal);
    } catch (error) {
      this.#auditedMs = undefined; // whatever is missing now is not to be missing until the next audit
      throw error;
    }
  }

  async #sync(leases: readonly Lease[], signal: AbortSignal): Promise<boolean> {
    const { kinesis, stream, settings, clock, emit, leaseStore } = this.#options;
    const { ignoreUnexpectedChildShards } = settings;
    const { initialPosition, streamIdentifier, reference } = stream;
    const isFirstSync = areFirstLeasesUnfinished(leases);
    const begun = leases.flatMap(({ latestEpochMs }) => latestEpochMs === undefined ? [] : [latestEpochMs]);
    const hasBegun = isFirstSync && initialPosition === "LATEST" && begun.length > 0;
    for (let attempt = 1;; attempt++) {
      // Taken before the listing: what is put meanwhile counts as new.
      const latestEpochMs = hasBegun ? Math.min(clock.epochMs(), ...begun) : clock.epochMs();
      const begunAtLatestMs = hasBegun ? latestEpochMs : undefined;
      const position = hasBegun ? new Date(latestEpochMs) : initialPosition;
      const filter = isFirstSync ? shardFilterOf(position) : undefined;
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
        let created = 0;
        for (const lease of plan.leases) {
          if (!await leaseStore.create({ ...lease, latestEpochMs }, signal)) continue;
          created++;
          emit({ type: "leaseCreated", leaseKey: lease.leaseKey, checkpoint: lease.checkpoint });
        }
        emit({ type: "shardsSynced", shards: shards.length, created });
        return created > 0;
      }
      if (attempt >= relisting.attempts) {
        throw new Error(`Cannot create the leases of stream "${reference.streamName}": ${plan.problem}`);
      }
      await clock.sleep(relisting.intervalMs, signal);
    }
  }

  /** Leases of old versions lack the range by which holes are found. @returns whether any was filled in. */
  async #fillRanges(leases: readonly Lease[], signal: AbortSignal): Promise<boolean> {
    if (leases.every((lease) => lease.hashKeyRange !== undefined || isShardEnd(lease.checkpoint))) {
      return false;
    }
    const { kinesis, stream, leaseStore } = this.#options;
    const missing = missingRanges(leases, await kinesis.listShards(stream.reference, undefined, signal));
    for (const { lease, range } of missing) await leaseStore.apply(setHashKeyRange(lease, range), signal);
    return missing.length > 0;
  }
}
