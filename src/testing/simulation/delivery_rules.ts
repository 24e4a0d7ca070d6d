/**
 * What must hold for the calls of each processor, and for the records that it gets.
 *
 * @module
 */

import type { RecordsBatch, ShardContext } from "../../consumer/record_processor.ts";
import { compare, type ExtendedSequenceNumber, isSentinel, textOf } from "../../stream/sequence_number.ts";
import type { History } from "./history.ts";
import type { LeaseRules } from "./lease_rules.ts";
import type { Progress } from "./processed_records.ts";
import type { ReadingRules } from "./reading_rules.ts";
import { recordsUpTo, type SimulatedShard } from "../model/simulated_stream.ts";
import type { SimulatedStreams } from "./simulated_streams.ts";
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
  readonly leaseKey: string;
  readonly context: ShardContext;
  readonly begunMs: number;
  inside: Callback | undefined;
  last: Callback | undefined;
  /** When the last call was over. */
  leftMs: number;
  /**
   * How many records of the shard lie before the next one it should get; undefined while a sentinel decides.
   */
  next: number | undefined;
  /** Whether it has got any record. */
  isStarted: boolean;
  /** The place of the first record of the batch at hand, and the place after its last. */
  batch: { readonly from: number; readonly to: number };
}

/** What the rules look at. */
export interface DeliveryRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  readonly streams: SimulatedStreams;
  readonly failoverTimeMs: number;
  readonly isHandoffGraceful: boolean;
  readonly progress: Progress;
  readonly reading: ReadingRules;
  readonly leases: () => LeaseRules;
  /** The worker that a process runs. */
  readonly workerOf: (machine: string) => string;
  /** When a process said that a newer one of its name has superseded it. */
  readonly supersededMs: (machine: string) => number | undefined;
}

/** A processor that has got its first records. */
interface FirstDelivery {
  readonly machine: string;
  readonly leaseKey: string;
  readonly token: number;
  readonly atMs: number;
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
  /** By lease key; they outlive their processes. */
  readonly #firstDeliveries = new Map<string, FirstDelivery[]>();

  constructor(options: DeliveryRulesOptions) {
    this.#options = options;
  }

  /** A processor is called for the first time. */
  begin(machine: string, context: ShardContext): Visit {
    const { leaseKey, initialCheckpoint } = context;
    const isOpen = isSentinel(initialCheckpoint) && initialCheckpoint.sequenceNumber !== "TRIM_HORIZON";
    const next = isOpen ? undefined : recordsUpTo(this.#shard(leaseKey), initialCheckpoint);
    const visit: Visit = {
      machine,
      leaseKey,
      context,
      begunMs: this.#options.time.nowMs,
      inside: undefined,
      last: undefined,
      leftMs: -Infinity,
      next,
      isStarted: false,
      batch: { from: next ?? 0, to: next ?? 0 },
    };
    this.#visits.add(visit);
    this.#options.leases().begun(machine, context.leaseKey, context.fencingToken.token);
    return visit;
  }

  /** A processor goes on at a position of its own: what lies before is processed, and was stored with it. */
  startedAt(visit: Visit, own: ExtendedSequenceNumber): void {
    if (isSentinel(own) && own.sequenceNumber !== "TRIM_HORIZON") return;
    const next = recordsUpTo(this.#shard(visit.leaseKey), own);
    visit.batch = { from: Math.min(visit.next ?? 0, next), to: next };
    this.#process(visit, next);
    visit.next = next;
    visit.batch = { from: next, to: next };
  }

  /** A process has died: the callback that it was in does not count any more. */
  forget(machine: string): void {
    for (const visit of this.#visits) if (visit.machine === machine) this.#visits.delete(visit);
    this.#options.reading.forget(machine);
  }

  /** A processor is called. */
  enter(visit: Visit, callback: Callback): void {
    const { machine, leaseKey, inside, last } = visit;
    this.#options.history.note(machine, leaseKey, callback);
    if (inside !== undefined) this.#break("callsNeverOverlap", visit, `${callback} inside ${inside}`);
    if (!FOLLOWING[last ?? "start"].includes(callback)) {
      this.#break("callsInOrder", visit, `${callback} after ${last ?? "nothing"}`);
    }
    this.mayBegin(visit, callback);
    visit.inside = callback;
  }

  /** Whether a call may begin, beside others of its processor or not. */
  mayBegin(visit: Visit, callback: Callback): void {
    const { machine } = visit;
    const { time, failoverTimeMs } = this.#options;
    const { heartbeatMs, releasedMs } = this.#options.leases().holdOf(machine, visit.leaseKey);
    const mayWork = callback !== "leaseLost" && callback !== "dispose";
    // A processor that was inside a call at that time was not waited for.
    if (mayWork && releasedMs > heartbeatMs && releasedMs > visit.leftMs) {
      const detail = `${machine} was called with ${callback} after giving the lease away`;
      this.#break("nothingAfterTheRelease", visit, detail);
    }
    const begins = callback === "initialize" || callback === "processRecords" || callback === "shardEnded";
    if (begins && this.#options.supersededMs(machine) !== undefined) {
      this.#break("theSupersededAreIdle", visit, `${machine} was called with ${callback}`);
    }
    const staleMs = time.nowMs - heartbeatMs;
    if (begins && !(staleMs <= failoverTimeMs)) {
      const detail = `${machine} is called with ${callback}, and last renewed it ${staleMs} ms ago`;
      this.#break("worksOnlyUnderALiveHold", visit, detail);
    }
  }

  /** The call is over. */
  leave(visit: Visit): void {
    const { history, time, reading } = this.#options;
    history.note(visit.machine, visit.leaseKey, `${visit.inside} is over`);
    visit.last = visit.inside;
    visit.leftMs = time.nowMs;
    visit.inside = undefined;
    // A batch that failed is not delivered, but for what was checkpointed inside of it.
    const { next = visit.batch.from } = visit;
    if (visit.last === "processRecords") visit.batch = { from: next, to: next };
    if (visit.last !== "dispose") return;
    this.#visits.delete(visit);
    reading.left(visit.machine, visit.leaseKey);
  }

  /** A batch is handed over; `enter` has been called. */
  deliver(visit: Visit, batch: RecordsBatch): void {
    this.handOver(visit, batch);
    if (batch.records.length > 0) this.#checkPlaces(visit, batch);
  }

  /** A batch is handed over; in which order its records must come is for others to say. */
  handOver(visit: Visit, batch: RecordsBatch): void {
    const { machine, leaseKey, context: { initialCheckpoint } } = visit;
    const { history, isHandoffGraceful, reading } = this.#options;
    const leases = this.#options.leases();
    const first = batch.records[0], last = batch.records.at(-1);
    const stored = leases.checkpointOf(leaseKey);
    const isShared = this.#checkIncarnations(visit);
    // What this very process stored may be further on than it knows, if an answer was lost. Its lease may
    // also just have been taken, directly or by another process of its name. It then continues until it
    // notices.
    const mustKnow = !isShared && (isHandoffGraceful || leases.owns(machine, leaseKey));
    if (
      mustKnow && stored !== undefined && stored.by !== machine && compare(initialCheckpoint, stored.at) < 0
    ) {
      const detail = `${machine} started at ${textOf(initialCheckpoint)}, stored is ${textOf(stored.at)}`;
      this.#break("startsAtTheCheckpoint", visit, detail);
    }
    for (const other of this.#visits) this.#checkAlone(visit, other);
    const { stream, parents } = this.#shard(leaseKey);
    for (const parent of parents.map((shardId) => stream.keyOf(shardId))) {
      if (leases.hasEnded(parent) || this.#options.progress.isExempt(parent)) continue;
      this.#break("parentsFirst", visit, `${machine} reads it, but ${parent} has not ended`);
    }
    if (first === undefined || last === undefined) return;
    history.note(machine, leaseKey, `${batch.records.length} from ${textOf(first)}`);
    reading.handedOver(machine, leaseKey, last);
  }

  /** The processor asks for a checkpoint. @returns how many records it covers, as it sees it. */
  asked(visit: Visit, at: ExtendedSequenceNumber | undefined): number {
    const upTo = at === undefined ? visit.batch.to : recordsUpTo(this.#shard(visit.leaseKey), at);
    const covered = Math.min(visit.batch.to, upTo);
    this.#process(visit, covered);
    return covered;
  }

  /** It was stored, and the processor knows: if its batch fails now, only the rest is repeated. */
  checkpointed(visit: Visit, covered: number): void {
    visit.next = Math.max(visit.next ?? 0, covered);
    const { progress, leases } = this.#options;
    const { leaseKey } = visit;
    const stored = leases().checkpointOf(leaseKey)?.at;
    const kept = stored === undefined ? 0 : recordsUpTo(this.#shard(leaseKey), stored);
    // A checkpoint requested before any record stays where the application began.
    let place = kept;
    while (place < covered && progress.isOptional(leaseKey, place)) place++;
    if (place >= covered) return;
    const detail = `${visit.machine} asked for one that covers ${covered} records: ${kept} are stored`;
    this.#break("checkpointsAreStored", visit, detail);
  }

  /** It was refused as out of range, though it names a record of the batch at hand. */
  refused(visit: Visit, at: ExtendedSequenceNumber | undefined, error: RangeError): void {
    this.#break(
      "checkpointsAreTaken",
      visit,
      `${visit.machine} at ${at === undefined ? "its end" : textOf(at)}: ${error.message}`,
    );
  }

  /** The batch was processed to its end, or is passed over: the next one follows it. */
  finished(visit: Visit): void {
    this.#process(visit, visit.batch.to);
    if (visit.isStarted) visit.next = visit.batch.to;
  }

  #process(visit: Visit, to: number): void {
    const { progress } = this.#options;
    const { leaseKey, batch: { from } } = visit;
    for (let place = from; place < to; place++) {
      const problem = progress.process(leaseKey, place);
      if (problem !== undefined) this.#break("keysInOrder", visit, problem);
    }
  }

  /**
   * Each record is the next one. The first may be later if nothing was promised for those before it. Some may
   * be trimmed, which have been processed, in two cases: the lease was taken, or the checkpoint is old.
   */
  #checkPlaces(visit: Visit, batch: RecordsBatch): void {
    const { machine, leaseKey, context: { initialCheckpoint } } = visit;
    const shard = this.#shard(leaseKey);
    const places = batch.records.map((record) => recordsUpTo(shard, record) - 1);
    const from = places[0] ?? NaN;
    let expected = visit.next ?? 0;
    const { progress } = this.#options;
    const mayBeMissed = (place: number) =>
      progress.isTrimmed(leaseKey, place) || (!visit.isStarted && progress.isOptional(leaseKey, place));
    while (expected < from && mayBeMissed(expected)) expected++;
    const start = expected;
    for (const place of places) {
      if (place !== expected) {
        const detail = `${machine}, from ${
          textOf(initialCheckpoint)
        }: expected record ${expected}, got ${place}`;
        this.#break("noGapNorRepetition", visit, detail);
      }
      expected++;
    }
    visit.isStarted = true;
    visit.next = start;
    visit.batch = { from: start, to: expected };
  }

  /**
   * Two processes of one name never deliver records of one lease, except during the switch. The process with
   * the lease that was taken over may continue until it notices, for at most the failover time.
   *
   * @returns Whether another process of the name is at the lease too, or has taken it over since this
   * processor began.
   */
  #checkIncarnations(visit: Visit): boolean {
    const { time, failoverTimeMs } = this.#options;
    const { machine, leaseKey, begunMs, context: { fencingToken: { token } } } = visit;
    const firsts = this.#firstDeliveries.get(leaseKey) ?? [];
    if (!firsts.some((first) => first.machine === machine && first.token === token)) {
      firsts.push({ machine, leaseKey, token, atMs: time.nowMs });
    }
    this.#firstDeliveries.set(leaseKey, firsts);
    const successor = firsts.find((first) =>
      this.#areNamesakes(first, visit) && first.token > token && first.atMs >= begunMs
    );
    if (successor === undefined) return [...this.#visits].some((other) => this.#areNamesakes(other, visit));
    const sinceMs = time.nowMs - successor.atMs;
    if (sinceMs > failoverTimeMs) {
      const detail = `${machine} still gets records, ${successor.machine} has got them for ${sinceMs} ms`;
      this.#break("oneIncarnationDelivers", visit, detail);
    }
    return true;
  }

  /** Whether two processes of one name have been at one lease. */
  #areNamesakes(one: Pick<Visit, "machine" | "leaseKey">, other: Visit): boolean {
    const { workerOf } = this.#options;
    return one.leaseKey === other.leaseKey && one.machine !== other.machine &&
      workerOf(one.machine) === workerOf(other.machine);
  }

  #checkAlone(visit: Visit, other: Visit): void {
    if (other === visit || other.leaseKey !== visit.leaseKey || other.inside !== "processRecords") return;
    if (this.#areNamesakes(other, visit)) return; // `oneIncarnationDelivers` is about these
    // The older of two may not know yet that the newer has had the lease, and has handed it on.
    const { token } = other.context.fencingToken;
    const firsts = this.#firstDeliveries.get(other.leaseKey) ?? [];
    if (firsts.some((first) => this.#areNamesakes(first, other) && first.token > token)) return;
    const { time, failoverTimeMs, isHandoffGraceful } = this.#options;
    if (other.context.signal.aborted || !isHandoffGraceful) return;
    const { heartbeatMs, sentAwayMs } = this.#options.leases().holdOf(other.machine, other.context.leaseKey);
    if (sentAwayMs > heartbeatMs || time.nowMs - heartbeatMs > failoverTimeMs) return;
    this.#break("oneHolderAtATime", visit, `${visit.machine} gets records while ${other.machine} is at it`);
  }

  #shard(leaseKey: string): SimulatedShard {
    const shard = this.#options.streams.shardOf(leaseKey);
    if (shard === undefined) throw new RangeError(`there is no shard of lease ${leaseKey}`);
    return shard;
  }

  #break(invariant: string, visit: Visit, detail: string): void {
    this.#options.history.violated(invariant, visit.leaseKey, detail);
  }
}
