/**
 * What must hold where records of a shard are processed side by side, fail for good, or are filtered: for
 * each record, for the records of a key, and for what is stored as finished ahead of a checkpoint.
 *
 * A record is finished when the call that had it succeeded, or its dead letter is stored, or the filter has
 * refused it.
 *
 * @module
 */

import type { RecordsBatch } from "../../consumer/record_processor.ts";
import { decodeDoneMap, DoneRuns } from "../../failures/done_map.ts";
import type { Lease } from "../../lease/lease.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { compare, type ExtendedSequenceNumber, textOf } from "../../stream/sequence_number.ts";
import { recordsUpTo, type SimulatedShard } from "../model/simulated_stream.ts";
import type { Visit } from "./delivery_rules.ts";
import type { History } from "./history.ts";
import { type ParkLimits, ParkRules } from "./park_rules.ts";
import type { Progress } from "./processed_records.ts";
import type { ReadingRules } from "./reading_rules.ts";
import type { SimulatedStreams } from "./simulated_streams.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** Which records wait for which. */
export type LaneOrder = "shard" | "key" | "none";

/** What the rules look at. */
export interface LaneRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  readonly streams: SimulatedStreams;
  readonly progress: Progress;
  readonly reading: ReadingRules;
  readonly order: LaneOrder;
  readonly perShard: number;
  /** Whether the worker checkpoints by itself: then nothing that is finished stays behind for long. */
  readonly mustStore: boolean;
  /** Undefined: nothing is parked. */
  readonly park?: ParkLimits | undefined;
}

/** A call of `processRecords`. */
export interface LaneCall {
  readonly visit: Visit;
  readonly places: readonly number[];
  readonly keys: ReadonlySet<string>;
}

/** How a record ended. */
type Outcome = "processed" | "dead";

/** What a processor has had of its shard. */
interface LaneVisit {
  readonly calls: Set<LaneCall>;
  readonly outcomes: Map<number, Outcome>;
  /** Places that were finished before it began. */
  readonly before: ReadonlySet<number>;
}

/** See the module. */
export class LaneRules {
  readonly #options: LaneRulesOptions;
  readonly #visits = new Map<Visit, LaneVisit>();
  /** Undefined: nothing is parked. */
  readonly #park: ParkRules | undefined;

  constructor(options: LaneRulesOptions) {
    this.#options = options;
    if (options.park !== undefined) this.#park = new ParkRules(options.time, options.park);
  }

  /** See {@linkcode LaneRulesOptions.mustStore}. */
  get mustStore(): boolean {
    return this.#options.mustStore;
  }

  /** How many records of its shard a lease has passed, those included of which nothing was promised. */
  storedOf(lease: Lease | undefined): number {
    if (lease === undefined) return 0;
    const { leaseKey, checkpoint } = lease;
    const shard = this.#shard(leaseKey);
    let place = recordsUpTo(shard, checkpoint) || 0;
    while (place < shard.steps.length && this.#options.progress.isOptional(leaseKey, place)) place++;
    return place;
  }

  /**
   * A processor begins.
   *
   * @param lease As it stands in the table.
   */
  begin(visit: Visit, lease: Lease | undefined): void {
    const { context: { initialCheckpoint } } = visit;
    const isKnown = lease !== undefined && compare(lease.checkpoint, initialCheckpoint) === 0;
    const before = new Set(isKnown ? this.#finishedAhead(lease) : []);
    this.#visits.set(visit, { calls: new Set(), outcomes: new Map(), before });
  }

  /** A processor is over. The same acquisition of the lease may continue with another one. */
  over(visit: Visit): void {
    this.#visits.delete(visit);
    this.#park?.over(visit);
  }

  /** A process has died, with all of its calls. */
  forget(machine: string): void {
    for (const visit of this.#visits.keys()) if (visit.machine === machine) this.over(visit);
  }

  /** A call of `processRecords` begins. */
  called(visit: Visit, { records }: RecordsBatch): LaneCall {
    const { order, perShard } = this.#options;
    const { calls, outcomes, before } = this.#visitOf(visit);
    const shard = this.#shard(visit.leaseKey);
    const places = records.map((record) => placeIn(shard, record));
    const call = { visit, places, keys: new Set(records.map(({ partitionKey }) => partitionKey)) };
    const reached = recordsUpTo(shard, visit.context.initialCheckpoint) || 0;
    for (const [index, place] of places.entries()) {
      if (index > 0 && place <= (places[index - 1] ?? 0)) {
        this.#break("batchesAreInOrder", visit, `record ${place} after ${places[index - 1]}`);
      }
      if (place < reached || before.has(place)) {
        this.#break("finishedRecordsDoNotComeAgain", visit, `record ${place} was finished before it began`);
      }
      if (outcomes.has(place)) {
        this.#break("finishedRecordsDoNotComeAgain", visit, `record ${place} was ${outcomes.get(place)}`);
      }
    }
    for (const other of calls) {
      const shared = places.find((place) => other.places.includes(place));
      if (shared !== undefined) {
        this.#break("recordsComeOnceAtATime", visit, `record ${shared} is in two calls`);
      }
      const key = order === "none" ? undefined : [...call.keys].find((key) => other.keys.has(key));
      if (key !== undefined) this.#break("keysComeOneAtATime", visit, `${key} is in two calls`);
    }
    this.#park?.called(visit, places);
    calls.add(call);
    if (calls.size > perShard) this.#break("callsKeepTheirNumber", visit, `${calls.size} calls at a time`);
    return call;
  }

  /** The processor asks for a checkpoint that covers the batch of a call: it is done with it. */
  asked(call: LaneCall): void {
    for (const place of call.places) this.#finish(call.visit, place);
  }

  /** A call has ended. @param done How many of its records are finished, from the first on. */
  ended(call: LaneCall, done: number): void {
    const lanes = this.#visits.get(call.visit);
    lanes?.calls.delete(call);
    if (done === 0) this.#park?.failed(call.visit, call.places);
    for (const place of call.places.slice(0, done)) {
      this.#finish(call.visit, place);
      lanes?.outcomes.set(place, "processed");
    }
  }

  /** A dead letter is stored, by the acquisition of the lease with this fencing token. */
  buried(leaseKey: string, token: number, records: readonly KinesisRecord[]): void {
    const shard = this.#shard(leaseKey);
    const visits = [...this.#visits.keys()].filter((visit) =>
      visit.leaseKey === leaseKey && visit.context.fencingToken.token === token
    );
    for (const record of records) {
      const place = placeIn(shard, record);
      this.#options.history.note("sink", leaseKey, `keeps record ${place}`);
      for (const visit of visits) {
        const { outcomes, calls } = this.#visitOf(visit);
        if (outcomes.get(place) === "processed") {
          this.#break("oneOutcome", visit, `record ${place} was processed, and is given up`);
        }
        if ([...calls].some(({ places }) => places.includes(place))) {
          this.#break("oneOutcome", visit, `record ${place} is given up, and still in a call`);
        }
        outcomes.set(place, "dead");
        this.#park?.finished(visit, place);
        // One that is too old may be given up before any call has had it.
        this.#options.reading.handedOver(visit.machine, leaseKey, record);
      }
      const problem = this.#advance(leaseKey, place);
      if (problem === undefined || this.#options.order === "none") continue;
      this.#options.history.violated("firstsInOrder", leaseKey, `${problem}, and it is given up`);
    }
  }

  /** The filter has refused a record. */
  filtered(record: KinesisRecord): void {
    for (const shard of this.#options.streams.shards) {
      if (shard.placeAfter.has(record.sequenceNumber)) this.#advance(shard.leaseKey, placeIn(shard, record));
    }
  }

  /** Whether {@linkcode taken} is to be called. */
  get hasPark(): boolean {
    return this.#park !== undefined;
  }

  /** A process takes a record that its filter wants, and keeps it until it is finished. */
  taken(machine: string, record: KinesisRecord): void {
    // Of several processors of a shard the last one takes records. Streams may have equal numbers: then
    // nobody knows which of them it is.
    const visits = new Map(
      [...this.#visits.keys()].map((visit) => [`${visit.machine} ${visit.leaseKey}`, visit]),
    );
    const [visit, ...others] = [...visits.values()].filter((visit) =>
      visit.machine === machine && this.#shard(visit.leaseKey).placeAfter.has(record.sequenceNumber)
    );
    if (visit === undefined || others.length > 0) return;
    const problem = this.#park?.taken(visit, placeIn(this.#shard(visit.leaseKey), record), record);
    if (problem !== undefined) this.#break("parkedStaysBounded", visit, problem);
  }

  /** A lease was written. Whatever it says of records ahead must be so. */
  written(by: string, lease: Lease): void {
    const { progress } = this.#options;
    for (const place of this.#finishedAhead(lease)) {
      if (progress.isProcessed(lease.leaseKey, place)) continue;
      const detail = `${by} stored record ${place} as finished, at ${textOf(lease.checkpoint)}`;
      this.#options.history.violated("finishedAheadIsTrue", lease.leaseKey, detail);
    }
  }

  /** The places that a lease names as finished after its checkpoint. */
  #finishedAhead({ leaseKey, checkpoint, finishedAhead, hashKeyRange }: Lease): readonly number[] {
    const shard = this.#options.streams.shardOf(leaseKey);
    const base = {
      checkpoint,
      deaggregation: { isWhole: false, foreignAggregates: "drop", hashKeyRange },
    } as const;
    const map = decodeDoneMap(finishedAhead, base);
    if (shard === undefined || map === undefined) return [];
    const places: number[] = [];
    const runs = new DoneRuns(map.runs);
    for (let place = placeIn(shard, map.first); runs.hasMore; place++) if (runs.next()) places.push(place);
    return places;
  }

  #finish(visit: Visit, place: number): void {
    this.#park?.finished(visit, place);
    const problem = this.#advance(visit.leaseKey, place);
    if (problem !== undefined && this.#options.order !== "none") this.#break("firstsInOrder", visit, problem);
  }

  #advance(leaseKey: string, place: number): string | undefined {
    const { progress } = this.#options;
    return progress.isProcessed(leaseKey, place) ? undefined : progress.process(leaseKey, place);
  }

  #visitOf(visit: Visit): LaneVisit {
    const found = this.#visits.get(visit);
    if (found !== undefined) return found;
    const lanes = {
      calls: new Set<LaneCall>(),
      outcomes: new Map<number, Outcome>(),
      before: new Set<number>(),
    };
    this.#visits.set(visit, lanes);
    return lanes;
  }

  #shard(leaseKey: string): SimulatedShard {
    const shard = this.#options.streams.shardOf(leaseKey);
    if (shard === undefined) throw new RangeError(`there is no shard of lease ${leaseKey}`);
    return shard;
  }

  #break(invariant: string, { machine, leaseKey }: Visit, detail: string): void {
    this.#options.history.violated(invariant, leaseKey, `${machine}: ${detail}`);
  }
}

function placeIn(shard: SimulatedShard, record: ExtendedSequenceNumber): number {
  return recordsUpTo(shard, record) - 1;
}
