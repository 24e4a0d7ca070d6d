/**
 * What must hold for the calls of each processor, and for the records that it gets.
 *
 * @module
 */

import type { RecordsBatch, ShardContext } from "../consumer/record_processor.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { compare, textOf } from "../stream/sequence_number.ts";
import type { History } from "./history.ts";
import type { LeaseRules } from "./lease_rules.ts";
import { recordsUpTo, type SimulatedShard, type SimulatedStream } from "./simulated_stream.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** The calls of a processor. */
export type Callback =
  | "initialize"
  | "processRecords"
  | "shardEnded"
  | "shutdownRequested"
  | "leaseLost"
  | "dispose";

/** One processor, as the rules know it. */
export interface Visit {
  readonly machine: string;
  readonly shardId: string;
  readonly context: ShardContext;
  inside: Callback | undefined;
  last: Callback | undefined;
  /** When the last call was over. */
  leftMs: number;
  /** How many records of the shard lie before the next one it should get. */
  next: number;
  /** The same, once the batch at hand is through. */
  afterBatch: number;
}

/** What the rules look at. */
export interface DeliveryRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  readonly stream: SimulatedStream;
  readonly failoverTimeMs: number;
  readonly leases: () => LeaseRules;
}

/** Which calls may follow which. */
const FOLLOWING: Readonly<Record<Callback | "start", readonly Callback[]>> = {
  start: ["initialize"],
  initialize: ["initialize", "processRecords", "shardEnded", "shutdownRequested", "leaseLost", "dispose"],
  processRecords: ["processRecords", "shardEnded", "shutdownRequested", "leaseLost", "dispose"],
  shardEnded: ["shardEnded", "shutdownRequested", "leaseLost", "dispose"],
  shutdownRequested: ["leaseLost"],
  leaseLost: ["dispose"],
  dispose: [],
};

/** See the module. */
export class DeliveryRules {
  readonly #options: DeliveryRulesOptions;
  readonly #visits = new Set<Visit>();
  /** By shard: which user records were processed, and how many from the first on without a gap. */
  readonly #processed = new Map<string, { readonly places: Set<number>; prefix: number }>();
  /** By partition key: the last step that was processed. */
  readonly #steps = new Map<string, number>();
  #count = 0;

  constructor(options: DeliveryRulesOptions) {
    this.#options = options;
  }

  /** User records that were processed at least once. */
  get count(): number {
    return this.#count;
  }

  /** See `LeaseRulesOptions`. */
  processedOf(shardId: string): number {
    return this.#processed.get(shardId)?.prefix ?? 0;
  }

  /** A processor is called for the first time. */
  begin(machine: string, context: ShardContext): Visit {
    const { shardId, initialCheckpoint } = context;
    const next = recordsUpTo(this.#shard(shardId), initialCheckpoint);
    const visit: Visit = {
      machine,
      shardId,
      context,
      inside: undefined,
      last: undefined,
      leftMs: -Infinity,
      afterBatch: 0,
      next,
    };
    this.#visits.add(visit);
    return visit;
  }

  /** A process is dead: what it was inside of does not count any more. */
  forget(machine: string): void {
    for (const visit of this.#visits) if (visit.machine === machine) this.#visits.delete(visit);
  }

  /** A processor is called. */
  enter(visit: Visit, callback: Callback): void {
    const { machine, shardId, inside, last } = visit;
    this.#options.history.note(machine, shardId, callback);
    if (inside !== undefined) this.#break("callsNeverOverlap", visit, `${callback} inside ${inside}`);
    if (!FOLLOWING[last ?? "start"].includes(callback)) {
      this.#break("callsInOrder", visit, `${callback} after ${last ?? "nothing"}`);
    }
    const { heartbeatMs, releasedMs } = this.#options.leases().holdOf(machine, visit.context.leaseKey);
    const mayWork = callback !== "leaseLost" && callback !== "dispose";
    if (mayWork && releasedMs > heartbeatMs && !this.#wasInsideAt(visit, releasedMs)) {
      this.#break(
        "nothingAfterTheRelease",
        visit,
        `${machine} was called with ${callback} after giving the lease away`,
      );
    }
    visit.inside = callback;
  }

  /** The call is over. */
  leave(visit: Visit): void {
    this.#options.history.note(visit.machine, visit.shardId, `${visit.inside} is over`);
    visit.last = visit.inside;
    visit.leftMs = this.#options.time.nowMs;
    visit.inside = undefined;
    if (visit.last === "dispose") this.#visits.delete(visit);
  }

  /** A batch is handed over; `enter` has been called. */
  deliver(visit: Visit, batch: RecordsBatch): void {
    const { machine, shardId, context: { leaseKey, initialCheckpoint } } = visit;
    const { history, stream, time, failoverTimeMs } = this.#options;
    const leases = this.#options.leases();
    const first = batch.records[0];
    if (first !== undefined) history.note(machine, leaseKey, `${batch.records.length} from ${textOf(first)}`);
    const staleMs = time.nowMs - leases.holdOf(machine, leaseKey).heartbeatMs;
    if (!(staleMs <= failoverTimeMs)) {
      this.#break("deliversOnlyUnderALiveHold", visit, `${machine} last renewed it ${staleMs} ms ago`);
    }
    const stored = leases.checkpointOf(leaseKey);
    // What this very process stored may be further on than it knows: an answer was lost.
    if (stored !== undefined && stored.by !== machine && compare(initialCheckpoint, stored.at) < 0) {
      const detail = `${machine} started at ${textOf(initialCheckpoint)}, stored is ${textOf(stored.at)}`;
      this.#break("startsAtTheCheckpoint", visit, detail);
    }
    for (const other of this.#visits) this.#checkAlone(visit, other);
    for (const parent of this.#shard(shardId).parents) {
      if (leases.hasEnded(parent)) continue;
      this.#break("parentsFirst", visit, `${machine} reads it, but ${parent} has not ended`);
    }
    const shard = stream.shards.get(shardId);
    let expected = visit.next;
    for (const record of batch.records) {
      const place = shard === undefined ? NaN : recordsUpTo(shard, record) - 1;
      if (place !== expected) {
        const detail = `${machine}, from ${
          textOf(initialCheckpoint)
        }: expected record ${expected}, got ${place}`;
        this.#break("noGapNorRepetition", visit, detail);
      }
      expected++;
    }
    visit.afterBatch = expected;
  }

  /** A checkpoint inside of the batch was stored, and the processor knows: if it fails now, only the rest is repeated. */
  checkpointed(visit: Visit, at: KinesisRecord | undefined): void {
    const reached = at === undefined ? visit.afterBatch : recordsUpTo(this.#shard(visit.shardId), at);
    visit.next = Math.max(visit.next, reached);
  }

  /** A record of the batch has been processed. */
  processed(visit: Visit, record: KinesisRecord): void {
    const { shardId } = visit;
    let done = this.#processed.get(shardId);
    if (done === undefined) this.#processed.set(shardId, done = { places: new Set(), prefix: 0 });
    const place = recordsUpTo(this.#shard(shardId), record) - 1;
    if (!done.places.has(place)) this.#count++;
    done.places.add(place);
    while (done.places.has(done.prefix)) done.prefix++;
    const [key = "", step = ""] = new TextDecoder().decode(record.data).split(":");
    const before = this.#steps.get(key) ?? 0;
    if (Number(step) > before + 1) this.#break("keysInOrder", visit, `${key}: ${step} after ${before}`);
    this.#steps.set(key, Math.max(before, Number(step)));
  }

  /** The batch was processed to its end: the next one follows it. */
  finished(visit: Visit): void {
    visit.next = visit.afterBatch;
  }

  /** Whether the processor was inside a call at that time: the release did not wait for it, nor should it. */
  #wasInsideAt(visit: Visit, atMs: number): boolean {
    return atMs <= visit.leftMs;
  }

  #checkAlone(visit: Visit, other: Visit): void {
    if (other === visit || other.shardId !== visit.shardId || other.inside !== "processRecords") return;
    if (other.context.signal.aborted) return;
    const { time, failoverTimeMs } = this.#options;
    const { heartbeatMs, sentAwayMs } = this.#options.leases().holdOf(other.machine, other.context.leaseKey);
    if (sentAwayMs > heartbeatMs || time.nowMs - heartbeatMs > failoverTimeMs) return;
    this.#break("oneHolderAtATime", visit, `${visit.machine} gets records while ${other.machine} is at it`);
  }

  #shard(shardId: string): SimulatedShard {
    const shard = this.#options.stream.shards.get(shardId);
    if (shard === undefined) throw new RangeError(`there is no shard ${shardId}`);
    return shard;
  }

  #break(invariant: string, visit: Visit, detail: string): void {
    this.#options.history.violated(invariant, visit.context.leaseKey, detail);
  }
}
