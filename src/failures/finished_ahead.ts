/**
 * The finished-ahead map of one delivery: what an earlier owner of the shard left, and what is stored with
 * each checkpoint of this one.
 *
 * @module
 */

import { aggregateRange, type DeliveryOptions } from "../consumer/delivery.ts";
import type { RecordProcessor } from "../consumer/record_processor.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import {
  type Deaggregation,
  decodeDoneMap,
  type DoneMap,
  DoneRuns,
  encodeDoneMap,
  finishedRunsThatFit,
} from "./done_map.ts";
import type { LaneItem } from "./lanes.ts";
import type { Ledger } from "./ledger.ts";

/** Runs of up to this length take two characters each. Source: `done_map`. */
const SHORT_RUN = 1000;

/** See the module. */
export class FinishedAhead {
  readonly #delivery: DeliveryOptions;
  /** The processor takes aggregates as they come. */
  readonly #isWhole: boolean;
  readonly #ledger: Ledger;
  /** How aggregates are taken apart. Undefined once that has changed: ordinals mean nothing any more. */
  #deaggregation: Deaggregation | undefined;
  #found: DoneMap | undefined;
  #runs: DoneRuns | undefined;
  #mostRuns: number | undefined;
  /** How many runs of finished records the calls under way may add. */
  #inCalls = 0;
  /** What the ledger had when it was last asked for the text, and when that text was last stored. */
  #askedVersion = 0;
  #storedVersion = 0;

  /** @param checkpoint The stored one. */
  constructor(
    delivery: DeliveryOptions,
    ledger: Ledger,
    checkpoint: ExtendedSequenceNumber,
    { aggregates }: Pick<RecordProcessor, "aggregates">,
  ) {
    this.#delivery = delivery;
    this.#isWhole = aggregates === "whole";
    this.#ledger = ledger;
    const deaggregation = this.#deaggregation = this.#deaggregationNow();
    const { finishedAhead } = delivery.held.lease;
    this.#found = decodeDoneMap(finishedAhead, { checkpoint, deaggregation });
    if (finishedAhead !== undefined && this.#found === undefined) this.#ignore("is of another checkpoint");
  }

  /** A page begins. The leader may have filled in the hash keys of the lease meanwhile. */
  beginPage(): void {
    const before = this.#deaggregation;
    if (before === undefined) return;
    const { foreignAggregates, hashKeyRange } = this.#deaggregationNow();
    const isSame = foreignAggregates === before.foreignAggregates &&
      hashKeyRange?.startingHashKey === before.hashKeyRange?.startingHashKey &&
      hashKeyRange?.endingHashKey === before.hashKeyRange?.endingHashKey;
    if (isSame) return;
    this.#deaggregation = undefined;
    this.#runs = undefined;
    this.#found = undefined;
  }

  /** Whether a record was finished before this delivery. Asked once of each record after the checkpoint. */
  wasFinished(record: KinesisRecord): boolean {
    if (this.#found !== undefined) {
      if (compare(this.#found.first, record) === 0) this.#runs = new DoneRuns(this.#found.runs);
      else this.#ignore("begins at a record that is not there any more");
      this.#found = undefined;
    }
    if (this.#runs === undefined) return false;
    const isFinished = this.#runs.next();
    if (!this.#runs.hasMore) this.#runs = undefined;
    return isFinished;
  }

  /** The map to be stored with a checkpoint at `at`. */
  textAt(at: ExtendedSequenceNumber): string | undefined {
    this.#askedVersion = this.#ledger.version;
    const { lease } = this.#delivery.held;
    const isStored = compare(at, lease.checkpoint) === 0;
    const ahead = this.#ledger.aheadOf(at);
    // What is stored stays true for as long as its checkpoint does.
    if (ahead === undefined) return isStored ? lease.finishedAhead : undefined;
    if (this.#deaggregation === undefined || ahead.first === undefined) return undefined;
    return encodeDoneMap(
      { checkpoint: at, first: ahead.first, deaggregation: this.#deaggregation },
      ahead.runs,
    );
  }

  /** The text that was asked for last is stored. */
  stored(): void {
    this.#storedVersion = this.#askedVersion;
  }

  /** Whether more is finished ahead than the lease says. */
  get isBehind(): boolean {
    return this.#ledger.version !== this.#storedVersion && this.#ledger.aheadRuns > 0 &&
      this.#deaggregation !== undefined;
  }

  /**
   * A call begins with these records.
   *
   * @returns what to call when it is over.
   */
  calling(items: readonly Pick<LaneItem, "index">[]): () => void {
    const runs = items.filter(({ index }, place) => index !== (items[place - 1]?.index ?? NaN) + 1).length;
    this.#inCalls += runs;
    return () => void (this.#inCalls -= runs);
  }

  /** Whether what is finished ahead may soon not fit: nothing new should begin then. */
  get isFull(): boolean {
    const most = this.#mostRuns ??= this.#capacity();
    // Many calls at a time fit in most cases; half of the map is kept for them.
    return this.#ledger.aheadRuns + Math.min(this.#inCalls, most / 2) >= most;
  }

  #deaggregationNow(): Deaggregation {
    const { foreignAggregates } = this.#delivery.delivery;
    return { isWhole: this.#isWhole, foreignAggregates, hashKeyRange: aggregateRange(this.#delivery) };
  }

  #capacity(): number {
    const { received, finishedThrough: checkpoint } = this.#ledger;
    const deaggregation = this.#deaggregation ?? this.#deaggregationNow();
    return finishedRunsThatFit({ checkpoint, first: received, deaggregation }, SHORT_RUN);
  }

  #ignore(why: string): void {
    const { held, emit } = this.#delivery;
    const text = `What its lease says of records finished ahead ${why}: they are processed again`;
    emit({ type: "notice", level: "info", leaseKey: held.leaseKey, text });
  }
}
