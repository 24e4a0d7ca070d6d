/**
 * The leader's view of many streams: keeps the leases of each complete, and deletes those of former streams.
 *
 * A stream that cannot be listed does not keep the others from it.
 *
 * Source: KCL 3.5.1, `PeriodicShardSyncManager`, `Scheduler.syncStreamsFromLeaseTableOnAppInit` and what
 * follows it.
 *
 * @module
 */

import { errorKind, errorText, isAwsError } from "../errors.ts";
import type { FleetFault } from "../events.ts";
import { formerStreams } from "../lease/former_streams.ts";
import { leasesByStream } from "../lease/gaps.ts";
import type { Lease } from "../lease/lease.ts";
import type { SyncingSettings } from "../options/setting_groups.ts";
import type { Leading } from "./leading.ts";
import { type LeaseSyncer, ShardSyncer, type ShardSyncerOptions } from "./shard_syncer.ts";
import type { Streams, TrackedStream } from "./streams.ts";
import { forEachAtMost, Semaphore, WRITES_AT_ONCE } from "../async/task_group.ts";

/** What syncing many streams needs. */
export interface StreamsSyncerOptions extends Omit<ShardSyncerOptions, "stream" | "onRecreated"> {
  readonly syncing: SyncingSettings;
  readonly streams: Streams;
}

/**
 * How many streams are compared with their leases in one pass; those that have waited longest come first.
 * Ours: 20 DescribeStreamSummary a second are allowed.
 */
const COMPARISONS_PER_PASS = 10;
/** How many searches in a row must miss a stream. As with audits, one alone proves little. */
const MISSED_SEARCHES = 3;

/** How many streams are synced at the same time, each with {@linkcode WRITES_AT_ONCE} writes. Ours. */
const MAX_SYNCS = 2;

/** One stream's syncer, and how it is doing. */
interface Member {
  readonly syncer: ShardSyncer;
  readonly stream: TrackedStream;
  /** The last failure, in monotonic ms, with no success since. */
  failure: { readonly atMs: number; readonly error: unknown } | undefined;
}

interface Pass {
  readonly leading: Leading;
  readonly signal: AbortSignal;
}

/** See the module. */
export class StreamsSyncer implements LeaseSyncer {
  readonly #options: StreamsSyncerOptions;
  readonly #members = new Map<string, Member>();
  readonly #syncs = new Semaphore(MAX_SYNCS);
  #formerSince: ReadonlyMap<string, number> = new Map();
  #askedMs = -Infinity;
  /** Since when, in monotonic ms, each stream has been searched for without being found. */
  #soughtSince: ReadonlyMap<string, number> = new Map();
  /** Leases of an application that reads one stream. */
  #nameless: readonly Lease[] = [];

  constructor(options: StreamsSyncerOptions) {
    this.#options = options;
  }

  /**
   * @throws the error of a stream when no stream can be listed: a leader that can do nothing should not lead.
   */
  async syncIfNeeded(leases: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean> {
    const nowMs = this.#options.clock.monotonicMs();
    // A stream may have been listed again while another worker led: its time as a former one starts over.
    if (this.#askedMs < (leading.watchedSinceMs ?? -Infinity)) this.#formerSince = new Map();
    this.#askedMs = nowMs;
    const byStream = leasesByStream(leases);
    const members = this.#currentMembers();
    this.#nameless = byStream.get(undefined) ?? [];
    this.#soughtSince = new Map(
      [...this.#options.streams.sought].map((name) => [name, this.#soughtSince.get(name) ?? nowMs]),
    );
    const compared = new Set(
      members.filter(({ syncer }) => syncer.isComparisonDue(nowMs)).slice(0, COMPARISONS_PER_PASS),
    );
    const created = await Promise.all(
      members.map((member) => {
        const own = byStream.get(member.stream.streamIdentifier) ?? [];
        const pass = { leading: { ...leading, mayCompare: compared.has(member) }, signal };
        return this.#syncs.run(() => this.#sync(member, own, pass));
      }),
    );
    const failures = members.flatMap(({ failure }) => failure === undefined ? [] : [failure]);
    const [first] = failures;
    if (first !== undefined && failures.length === members.length) throw first.error;
    const { tracked: current } = this.#options.streams;
    const tracked = new Set(current.map(({ streamIdentifier = "" }) => streamIdentifier));
    const isDeleted = await this.#deleteFormer(byStream, tracked, { leading, signal });
    return isDeleted || created.includes(true);
  }

  get faults(): readonly FleetFault[] {
    const { clock, syncing: { newStreamCheckIntervalMs } } = this.#options;
    const faults = [...this.#members.values()].flatMap(({ syncer }) => syncer.faults);
    const missedMs = (MISSED_SEARCHES - 1) * newStreamCheckIntervalMs;
    for (const [streamName, sinceMs] of this.#soughtSince) {
      if (clock.monotonicMs() - sinceMs < missedMs) continue;
      faults.push({ code: "shardsNotListed", subjects: [streamName], detail: "it cannot be found" });
    }
    if (this.#nameless.length > 0) {
      const subjects = this.#nameless.map(({ leaseKey }) => leaseKey);
      faults.push({ code: "leaseOfOtherStream", subjects, detail: undefined });
    }
    return faults;
  }

  #currentMembers(): readonly Member[] {
    const tracked = new Map(
      this.#options.streams.tracked.map((stream) => [stream.streamIdentifier ?? "", stream]),
    );
    for (const [key, { stream }] of this.#members) {
      if (tracked.get(key) !== stream) this.#members.delete(key);
    }
    const { syncing, streams, kinesis, leaseStore, clock, emit } = this.#options;
    for (const [key, stream] of tracked) {
      if (this.#members.has(key)) continue;
      const onRecreated = () => streams.forget(key);
      const syncer = new ShardSyncer({ syncing, stream, kinesis, leaseStore, clock, emit, onRecreated });
      this.#members.set(key, { syncer, stream, failure: undefined });
    }
    return [...this.#members.values()];
  }

  /** @returns Whether any lease was created. */
  async #sync(member: Member, leases: readonly Lease[], { leading, signal }: Pass): Promise<boolean> {
    const { clock, syncing: { leaseAuditIntervalMs }, streams } = this.#options;
    const { failure, stream: { streamIdentifier = "" } } = member;
    // One without leases would be listed at every pass.
    if (failure !== undefined && clock.monotonicMs() - failure.atMs < leaseAuditIntervalMs) return false;
    try {
      const isCreated = await member.syncer.syncIfNeeded(leases, leading, signal);
      if (failure !== undefined) this.#notice("info", `The shards of ${streamIdentifier} are listed again`);
      member.failure = undefined;
      return isCreated;
    } catch (error) {
      signal.throwIfAborted();
      member.failure = { atMs: clock.monotonicMs(), error };
      if (failure === undefined || errorKind(failure.error) !== errorKind(error)) {
        this.#notice("error", `Cannot list the shards of ${streamIdentifier}: ${errorText(error)}`);
      }
      if (isAwsError(error, "ResourceNotFoundException")) streams.forget(streamIdentifier);
      return false;
    }
  }

  #notice(level: "info" | "error", text: string): void {
    this.#options.emit({ type: "notice", level, leaseKey: undefined, text });
  }

  /** @returns Whether any lease was deleted. */
  async #deleteFormer(
    byStream: ReadonlyMap<string | undefined, readonly Lease[]>,
    tracked: ReadonlySet<string>,
    { leading: { isLeading, onProgress }, signal }: Pass,
  ): Promise<boolean> {
    const { clock, syncing, leaseStore, emit, streams } = this.#options;
    const { since, due } = formerStreams(this.#formerSince, {
      strategy: syncing.formerStreamsLeasesDeletionStrategy,
      waitMs: syncing.waitPeriodToDeleteFormerStreamsMs,
      tracked,
      sought: streams.sought,
      leased: [...byStream.keys()].filter((stream) => stream !== undefined),
      provided: new Set(syncing.streamIdentifiersForLeaseCleanup?.()),
      nowMs: clock.monotonicMs(),
    });
    this.#formerSince = since;
    const former = due.flatMap((streamIdentifier) => byStream.get(streamIdentifier) ?? []);
    await forEachAtMost(former, WRITES_AT_ONCE, async ({ leaseKey }) => {
      if (!isLeading()) return;
      await leaseStore.delete(leaseKey, signal);
      onProgress();
      emit({ type: "leaseDeleted", leaseKey, reason: "formerStream" });
    });
    return former.length > 0;
  }
}
