/**
 * Compares from time to time what a stream lists with its leases, on behalf of the leader, and marks each
 * lease with its stream. What counts as a difference is decided in `lease/open_shards.ts`.
 *
 * A comparison costs one DescribeStreamSummary and one ListShards for each thousand shards. It is done when a
 * leader begins, then every five minutes; more often only while something differs.
 *
 * @module
 */

import type { Kinesis } from "../aws/kinesis.ts";
import { errorText } from "../errors.ts";
import type { FleetFault, FleetFaultCode, WorkerEventListener } from "../events.ts";
import { AUDIT_CONFIDENCE, type AuditCounts, countAudit, isConfirmed } from "../lease/audits.ts";
import { type Lease, leaseKeyOf } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { compareWithLeases, hasLeaseOfOtherStream } from "../lease/open_shards.ts";
import { setStreamOrigin } from "../lease/stream_origin.ts";
import type { Shard } from "../stream/shard.ts";
import { originText, type StreamOrigin } from "../stream/stream_identifier.ts";
import type { Clock } from "../system.ts";
import type { Leading } from "./leading.ts";
import { retentionOf } from "./stream_search.ts";
import { originOfStream, type TrackedStream } from "./streams.ts";
import { forEachAtMost, WRITES_AT_ONCE } from "../async/task_group.ts";

/** What an audit needs. */
export interface StreamAuditOptions {
  readonly stream: TrackedStream;
  readonly kinesis: Kinesis;
  readonly leaseStore: LeaseStore;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** How long after a finding it is looked for again, in ms, until it is confirmed. */
  readonly auditIntervalMs: number;
  /** All shards of the stream. */
  readonly list: (signal: AbortSignal) => Promise<readonly Shard[]>;
  /** Called when the stream turns out to be a new one of the same name. */
  readonly onRecreated: (() => void) | undefined;
  /** What an earlier process of this worker has found. @default nothing */
  readonly counts?: AuditCounts | undefined;
}

/** Between two comparisons without a finding, in ms. Ours: 12 calls of each kind an hour. */
const FAIR_INTERVAL_MS = 300_000;
/** Between two comparisons that confirm what is known, and between two that fail for long, in ms. Ours. */
const TROUBLED_INTERVAL_MS = 60_000;

/** See the module. */
export class StreamAudit {
  readonly #options: StreamAuditOptions;
  #origin: StreamOrigin | undefined;
  #counts: AuditCounts = new Map();
  #comparedMs = -Infinity;
  #dueMs = -Infinity;
  #failures = 0;
  #retentionMs: number | undefined;

  constructor(options: StreamAuditOptions) {
    this.#options = options;
    this.#origin = originOfStream(options.stream);
    if (options.counts === undefined || options.counts.size === 0) return;
    this.#counts = options.counts;
    this.#comparedMs = Infinity; // as the leader's watch, which the same process remembers
  }

  /** What was found, and how often in a row. */
  get counts(): readonly (readonly [name: string, times: number])[] {
    return [...this.#counts];
  }

  /** What a new lease of the stream is marked with. */
  get mark(): string | undefined {
    return this.#origin === undefined ? undefined : originText(this.#origin);
  }

  /**
   * Whether the table has leases that were made for another stream, or for an earlier one of the same name.
   */
  hasLeaseOfOtherStream(shards: readonly Shard[], leases: readonly Lease[]): boolean {
    return hasLeaseOfOtherStream({ shards, leases, origin: this.#origin });
  }

  /** Whether it is time to compare. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** What three comparisons in a row have found. */
  get faults(): readonly FleetFault[] {
    return CODES.flatMap((code) => {
      const subjects = [...this.#counts.keys()]
        .filter((name) => name.startsWith(`${code} `) && isConfirmed(this.#counts, name))
        .map((name) => name.slice(code.length + 1));
      return subjects.length === 0 ? [] : [{ code, subjects, detail: undefined }];
    });
  }

  /**
   * Compares. A listing that fails is no failure of the leader's pass: it is tried again later.
   *
   * @returns Whether shards have been unread for long enough that leases must be created for them.
   * @throws what the lease table threw.
   */
  async compare(leases: readonly Lease[], leading: Leading, signal: AbortSignal): Promise<boolean> {
    const { clock, auditIntervalMs } = this.#options;
    const nowMs = clock.monotonicMs();
    // Another leader may have mended what an earlier term found.
    if (this.#comparedMs < (leading.watchedSinceMs ?? -Infinity)) this.#counts = new Map();
    const shards = await this.#look(signal);
    if (shards === undefined) {
      this.#failures++;
      const pauseMs = auditIntervalMs * 2 ** (this.#failures - 1);
      this.#dueMs = nowMs + Math.min(pauseMs, Math.max(auditIntervalMs, TROUBLED_INTERVAL_MS));
      return false;
    }
    this.#failures = 0;
    this.#comparedMs = nowMs;
    if (shards.length === 0) { // A stream always has shards: an empty listing says nothing.
      this.#dueMs = nowMs + auditIntervalMs;
      return false;
    }
    const { streamIdentifier } = this.#options.stream;
    const found = compareWithLeases({ shards, leases, origin: this.#origin });
    const named = (code: FleetFaultCode, keys: readonly string[]) => keys.map((key) => `${code} ${key}`);
    const keysOf = (some: readonly Lease[]) => some.map(({ leaseKey }) => leaseKey);
    this.#counts = countAudit(this.#counts, [
      ...named("shardUnread", found.unread.map(({ shardId }) => leaseKeyOf(shardId, streamIdentifier))),
      ...named("leaseWithoutShard", keysOf(found.withoutShard)),
      ...named("leaseRangeDiffers", keysOf(found.rangeDiffers)),
      ...named("leaseOfOtherStream", keysOf(found.ofOtherStream)),
    ]);
    this.#dueMs = nowMs + this.#pauseMs();
    await this.#mark(found.toMark, leading, signal);
    return found.unread.some(({ shardId }) =>
      isConfirmed(this.#counts, `shardUnread ${leaseKeyOf(shardId, streamIdentifier)}`)
    );
  }

  /** Leases have just been created from a listing: whether all shards have one now is to be seen. */
  createdLeases(): void {
    const wereUnread = [...this.#counts.keys()].some((name) => name.startsWith("shardUnread "));
    this.#counts = new Map([...this.#counts].filter(([name]) => !name.startsWith("shardUnread ")));
    const { clock, auditIntervalMs } = this.#options;
    this.#dueMs = clock.monotonicMs() + (wereUnread ? auditIntervalMs : FAIR_INTERVAL_MS);
  }

  #pauseMs(): number {
    const { auditIntervalMs } = this.#options;
    const times = [...this.#counts.values()];
    if (times.length === 0) return Math.max(auditIntervalMs, FAIR_INTERVAL_MS);
    const isUnconfirmed = times.some((count) => count < AUDIT_CONFIDENCE);
    return isUnconfirmed ? auditIntervalMs : Math.max(auditIntervalMs, TROUBLED_INTERVAL_MS);
  }

  /** The shards; also learns which stream it is. Undefined when the service does not say. */
  async #look(signal: AbortSignal): Promise<readonly Shard[] | undefined> {
    const { kinesis, list, stream: { reference }, emit } = this.#options;
    try {
      const shards = await list(signal);
      const summary = await kinesis.describeStreamSummary(reference, signal);
      this.#learn(summary.streamCreationEpochS);
      this.#tellRetention(retentionOf(summary));
      return shards;
    } catch (error) {
      signal.throwIfAborted();
      const text = `Cannot compare the leases with the shards of stream ${reference.streamName}: ${
        errorText(error)
      }`;
      if (this.#failures === 0) emit({ type: "notice", level: "warning", leaseKey: undefined, text });
      return undefined;
    }
  }

  #tellRetention(retentionMs: number | undefined): void {
    if (retentionMs === undefined || retentionMs === this.#retentionMs) return;
    this.#retentionMs = retentionMs;
    const { stream: { streamIdentifier }, emit } = this.#options;
    emit({ type: "streamDescribed", streamIdentifier, retentionMs });
  }

  #learn(creation: number | undefined): void {
    const { stream: { reference: { streamName } }, emit, onRecreated } = this.#options;
    if (creation === undefined) return;
    const creationEpochS = Math.floor(creation);
    const before = this.#origin;
    this.#origin = { streamName, creationEpochS };
    if (before === undefined || before.creationEpochS === creationEpochS) return;
    const text =
      `Stream ${streamName} was created anew at ${new Date(creationEpochS * 1000).toISOString()}: ` +
      "what is checkpointed in its leases is of the stream before";
    emit({ type: "notice", level: "error", leaseKey: undefined, text });
    onRecreated?.();
  }

  async #mark(
    leases: readonly Lease[],
    { isLeading, onProgress }: Leading,
    signal: AbortSignal,
  ): Promise<void> {
    const origin = this.#origin;
    if (origin === undefined) return;
    await forEachAtMost(leases, WRITES_AT_ONCE, async (lease) => {
      if (!isLeading()) return;
      await this.#options.leaseStore.apply(setStreamOrigin(lease, origin), signal);
      onProgress();
    });
  }
}

const CODES: readonly FleetFaultCode[] = [
  "shardUnread",
  "leaseWithoutShard",
  "leaseRangeDiffers",
  "leaseOfOtherStream",
];
