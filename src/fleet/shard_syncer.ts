/**
 * The leader's view of the stream. Makes the first leases of an empty table, fills holes in the coverage, and
 * reports the faults that remain.
 *
 * @module
 */

import type { Kinesis, ShardFilter } from "../aws/kinesis.ts";
import { errorText } from "../errors.ts";
import type { FleetFault, WorkerEventListener } from "../events.ts";
import { AUDIT_CONFIDENCE } from "../lease/audits.ts";
import { areFirstLeasesUnfinished, auditLeases, type HoleSighting, missingRanges } from "../lease/gaps.ts";
import type { Lease, NewLease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { setHashKeyRange } from "../lease/lease_write.ts";
import { leasesToCreate, shardFilterOf } from "../lease/shard_sync.ts";
import { MAX_HASH_KEY } from "../stream/hash_key.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { Shard } from "../stream/shard.ts";
import type { Clock } from "../system.ts";
import type { SyncingSettings } from "../options/setting_groups.ts";
import type { Leading } from "./leading.ts";
import { StreamAudit } from "./stream_audit.ts";
import type { TrackedStream } from "./streams.ts";
import { forEachAtMost, WRITES_AT_ONCE } from "../async/task_group.ts";

/** Keeps leases complete. */
export interface LeaseSyncer {
  /**
   * Creates what is missing. Immediately if there are no leases, or the first are not complete. Else when an
   * audit is due and enough audits have found the same hole.
   *
   * @param leases The table as just listed.
   * @returns Whether the table has been changed.
   */
  syncIfNeeded(leases: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean>;
  /** What audits have found and not confirmed yet, for the next process of this worker. @default nothing */
  readonly suspicions?: Suspicions | undefined;
  /** The faults that several passes in a row have found. @default {[]} */
  readonly faults?: readonly FleetFault[];
}

/** What audits have found so far. */
export interface Suspicions {
  readonly hole: HoleSighting | undefined;
  /** By name, and how many comparisons in a row have found it. */
  readonly counts: readonly (readonly [name: string, times: number])[];
  /** Monotonic ms of the last audit; undefined if it failed, or there was none. */
  readonly auditedMs: number | undefined;
}

/** What syncing needs. */
export interface ShardSyncerOptions {
  readonly syncing: Pick<SyncingSettings, "leaseAuditIntervalMs" | "ignoreUnexpectedChildShards">;
  readonly stream: TrackedStream;
  readonly kinesis: Kinesis;
  readonly leaseStore: LeaseStore;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** What an earlier process of this worker has found. @default nothing */
  readonly suspicions?: Suspicions | undefined;
  /** Called when the stream turns out to be a new one of the same name. */
  readonly onRecreated?: (() => void) | undefined;
}

/**
 * A listing that shows a reshard half done is read again: how many times, and with which pause. Source: KCL
 * 3.5.1, `HierarchicalShardSyncer`.
 */
const RELISTING = { attempts: 3, intervalMs: 1000 };

/** Keeps the leases of one stream complete. */
export class ShardSyncer implements LeaseSyncer {
  readonly #options: ShardSyncerOptions;
  readonly #audit: StreamAudit;
  /** Leases in the same table that are of no such stream at all. */
  #others: readonly Lease[] = [];
  #hole: HoleSighting | undefined;
  #auditedMs: number | undefined;
  #askedMs = -Infinity;
  /** Whether the last sync has found nothing to create. */
  #isFutile = false;
  /** Listings that failed in a row, and how the last one did. */
  #unlisted: { readonly times: number; readonly error: unknown } | undefined;

  constructor(options: ShardSyncerOptions) {
    this.#options = options;
    this.#audit = new StreamAudit({
      stream: options.stream,
      kinesis: options.kinesis,
      leaseStore: options.leaseStore,
      clock: options.clock,
      emit: options.emit,
      auditIntervalMs: options.syncing.leaseAuditIntervalMs,
      list: (signal) => this.#list(undefined, signal),
      onRecreated: options.onRecreated,
      counts: new Map(options.suspicions?.counts),
    });
    if (options.suspicions === undefined) return;
    this.#hole = options.suspicions.hole;
    this.#auditedMs = options.suspicions.auditedMs;
    this.#askedMs = Infinity; // whoever remembers them has seen that they follow one another
  }

  get suspicions(): Suspicions {
    return { hole: this.#hole, counts: this.#audit.counts, auditedMs: this.#auditedMs };
  }

  get faults(): readonly FleetFault[] {
    const { streamName } = this.#options.stream.reference;
    const faults = [...this.#audit.faults];
    if (this.#others.length > 0) {
      const subjects = this.#others.map(({ leaseKey }) => leaseKey);
      faults.push({ code: "leaseOfOtherStream", subjects, detail: undefined });
    }
    if (this.#unlisted !== undefined && this.#unlisted.times >= AUDIT_CONFIDENCE) {
      const detail = errorText(this.#unlisted.error);
      faults.push({ code: "shardsNotListed", subjects: [streamName], detail });
    }
    if (this.#hole !== undefined && this.#hole.times >= AUDIT_CONFIDENCE && this.#isFutile) {
      const { startingHashKey, endingHashKey } = this.#hole.hole;
      const subjects = [`${startingHashKey} to ${endingHashKey} of ${streamName}`];
      faults.push({ code: "hashKeysUncovered", subjects, detail: undefined });
    }
    return faults;
  }

  /** Whether it is time to compare the stream with its leases. */
  isComparisonDue(nowMs: number): boolean {
    return this.#audit.isDue(nowMs);
  }

  /** @param all Those of the stream; of a table that names no streams, all of it. */
  async syncIfNeeded(all: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean> {
    const { clock, syncing, stream: { streamIdentifier } } = this.#options;
    // What an application of many streams has in the same table covers nothing of this one.
    const leases = all.filter((lease) => lease.streamIdentifier === streamIdentifier);
    this.#others = all.filter((lease) => lease.streamIdentifier !== streamIdentifier);
    const nowMs = clock.monotonicMs();
    // Another leader may have filled it meanwhile: a hole must be seen in audits that follow one another.
    if (this.#askedMs < (leading.watchedSinceMs ?? -Infinity)) this.#hole = undefined;
    this.#askedMs = nowMs;
    const isDue = this.#auditedMs === undefined || nowMs - this.#auditedMs >= syncing.leaseAuditIntervalMs;
    if (!isDue && (leases.length > 0 || this.#isFutile)) return await this.#compare(leases, leading, signal);
    this.#auditedMs = nowMs;
    let isSynced = false, failure: unknown;
    try {
      // A lease whose range is not known yet would look like a hole.
      if (await this.#fillRanges(leases, leading, signal)) return false;
      const audit = auditLeases(this.#hole, leases);
      this.#hole = leases.length === 0 ? emptySighting(this.#hole) : audit.sighting;
      if (!audit.syncNow) return await this.#compare(leases, leading, signal);
      // Until the sync has succeeded, the hole is not filled.
      isSynced = this.#isFutile = true;
      const isChanged = await this.#sync(leases, leading, signal);
      this.#isFutile = !isChanged;
      return isChanged;
    } catch (error) {
      failure = error;
      this.#auditedMs = undefined; // whatever is missing now is not to be missing until the next audit
      throw error;
    } finally {
      const ms = clock.monotonicMs() - nowMs;
      const isCovered = this.#hole === undefined;
      const audited = { streamIdentifier, isCovered, isSynced, ms, error: failure };
      if (!signal.aborted) this.#options.emit({ type: "coverageAudited", ...audited });
    }
  }

  /** @returns Whether leases were created for shards that no worker would have read. */
  async #compare(leases: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean> {
    const { mayCompare = true } = leading;
    if (leases.length === 0 || !mayCompare || !this.#audit.isDue(this.#options.clock.monotonicMs())) {
      return false;
    }
    if (!await this.#audit.compare(leases, leading, signal)) return false;
    return await this.#sync(leases, { ...leading, isForUnread: true }, signal);
  }

  async #list(filter: ShardFilter | undefined, signal: AbortSignal): Promise<readonly Shard[]> {
    const { kinesis, stream } = this.#options;
    try {
      const shards = await kinesis.listShards(stream.reference, filter, signal);
      this.#unlisted = undefined;
      return shards;
    } catch (error) {
      signal.throwIfAborted();
      this.#unlisted = { times: (this.#unlisted?.times ?? 0) + 1, error };
      throw error;
    }
  }

  async #sync(
    leases: readonly Lease[],
    leading: Leading & { readonly isForUnread?: boolean },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { stream, syncing: { ignoreUnexpectedChildShards }, clock, emit } = this.#options;
    const { sinceEpochMs, isForUnread = false } = leading;
    const { streamIdentifier, reference } = stream;
    const { initialPosition } = stream;
    const isFirstSync = !isForUnread && areFirstLeasesUnfinished(leases);
    const begun = leases.flatMap(({ latestEpochMs }) => latestEpochMs === undefined ? [] : [latestEpochMs]);
    const hasBegun = isFirstSync && initialPosition === "LATEST" && begun.length > 0;
    // Records put since the table was listed count as new: another worker may have begun then, unseen by a
    // slow listing.
    const latestEpochMs = hasBegun ? Math.min(sinceEpochMs, ...begun) : sinceEpochMs;
    const begunAtLatestMs = hasBegun ? latestEpochMs : undefined;
    const position = hasBegun ? new Date(latestEpochMs) : initialPosition;
    const filter = isFirstSync ? shardFilterOf(position) : undefined;
    const startedMs = clock.monotonicMs();
    for (let attempt = 1;; attempt++) {
      const shards = await this.#list(filter, signal);
      const isBegun = isForUnread || !isFirstSync && this.#audit.hasLeaseOfOtherStream(shards, leases);
      const plan = leasesToCreate({
        shards,
        leases,
        isFirstSync,
        // A worker that has created leases of other shards has not skipped any of these on purpose.
        initialPosition: isBegun && initialPosition === "LATEST" ? "TRIM_HORIZON" : initialPosition,
        begunAtLatestMs,
        streamIdentifier,
        ignoreUnexpectedChildShards,
      });
      if (plan.type === "create") {
        const streamOrigin = this.#audit.mark;
        const wanted = plan.leases.map((lease) => ({ ...lease, latestEpochMs, streamOrigin }));
        const created = await this.#create(wanted, leading, signal);
        emit({ type: "shardsSynced", shards: shards.length, created, ms: clock.monotonicMs() - startedMs });
        if (created > 0) this.#audit.createdLeases();
        return created > 0;
      }
      if (attempt >= RELISTING.attempts) {
        throw new Error(`Cannot create the leases of stream "${reference.streamName}": ${plan.problem}`);
      }
      await clock.sleep(RELISTING.intervalMs, signal);
    }
  }

  /**
   * In any order: no lease of a sync is for a parent of another's shard. @returns how many were not there
   * yet.
   */
  async #create(
    leases: readonly NewLease[],
    { isLeading, onProgress }: Leading,
    signal: AbortSignal,
  ): Promise<number> {
    const { leaseStore, clock, emit } = this.#options;
    let created = 0;
    await forEachAtMost(leases, WRITES_AT_ONCE, async (lease) => {
      if (!isLeading()) return;
      const startedMs = clock.monotonicMs();
      const isNew = await leaseStore.create(lease, signal);
      onProgress();
      if (!isNew) return;
      created++;
      const ms = clock.monotonicMs() - startedMs;
      const { leaseKey, checkpoint } = lease;
      emit({ type: "leaseCreated", leaseKey, checkpoint, parentLeaseKey: undefined, ms });
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
    const { leaseStore } = this.#options;
    const missing = missingRanges(leases, await this.#list(undefined, signal));
    await forEachAtMost(missing, WRITES_AT_ONCE, async ({ lease, range }) => {
      if (!isLeading()) return;
      await leaseStore.apply(setHashKeyRange(lease, range), signal);
      onProgress();
    });
    return missing.length > 0;
  }
}

/** Nothing is covered at all. */
function emptySighting(before: HoleSighting | undefined): HoleSighting {
  const hole = { startingHashKey: "0", endingHashKey: `${MAX_HASH_KEY}` };
  const isSame = before?.hole.startingHashKey === hole.startingHashKey &&
    before.hole.endingHashKey === hole.endingHashKey;
  return { hole, times: isSame ? before.times + 1 : 1 };
}
