/**
 * Opens the iterators of one reading of a shard.
 *
 * AWS gives an iterator for a time at once. kinesalite gives none before there is a record from that time on, and would hold
 * up a shard to which nothing is put, its end included. So a shard that is read from the time at which its lease was created
 * is waited for at its tip when no iterator comes in time: a record there, the end, or some seconds without either, is the
 * sign to ask for the time again. What is read at the tip is never delivered, so that an answer that was merely slow costs
 * no record, nor does a record lie unread for long because none follows it.
 *
 * @module
 */

import type { IteratorPosition, Kinesis, StreamReference } from "../aws/kinesis.ts";
import type { GetRecordsOutput } from "../aws/kinesis_wire.ts";
import type { Clock } from "../system.ts";
import { isTimeLimit, withinTime } from "../async/waiting.ts";
import type { StartPosition } from "./start_position.ts";

/** What opening takes. */
export interface IteratorOpeningOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly shardId: string;
  readonly start: StartPosition;
  readonly clock: Clock;
}

/** How long an iterator for a lease's own time may take, in ms. AWS answers in some 10 ms. */
const PATIENCE_MS = 2000;
/** When nothing has come at the tip for so long, in ms, the time is asked for again. */
const TIP_WAIT_MS = 10_000;
/** So often the time is asked for when the shard is over: then there may be no record from that time on, ever. */
const ASKED_AT_END = 3;

/** See the module. */
export class IteratorOpening {
  readonly #options: IteratorOpeningOptions;
  /** Whether the iterator given last waits at the tip. */
  #isAtTip = false;
  /** Since when, in monotonic ms. */
  #atTipMs = 0;
  /** The iterator that follows there. */
  #tip: string | undefined;
  /** What has come there. */
  #sign: "record" | "end" | "nothing" | undefined;

  constructor(options: IteratorOpeningOptions) {
    this.#options = options;
  }

  /**
   * The next iterator; undefined when the service gives none: the shard is over.
   *
   * @param lastFetched The last record fetched, which the iterator then follows.
   */
  async open(lastFetched: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { start, clock } = this.#options;
    const position = start.next(lastFetched);
    let iterator: string | undefined | typeof UNANSWERED = UNANSWERED;
    if (this.#sign === "record" || !start.isOwnTime(position)) iterator = await this.#get(position, signal);
    for (
      let asked = 0;
      iterator === UNANSWERED && asked < (this.#sign === "end" ? ASKED_AT_END : 1);
      asked++
    ) {
      iterator = await this.#getInTime(position, signal);
    }
    const isUnanswered = iterator === UNANSWERED;
    if (iterator === UNANSWERED) iterator = this.#tip ?? await this.#get({ type: "LATEST" }, signal);
    this.#isAtTip = isUnanswered && this.#sign !== "end";
    this.#atTipMs = clock.monotonicMs();
    this.#sign = this.#tip = undefined;
    if (this.#isAtTip) start.tellTip();
    return iterator;
  }

  /** Looks at what an iterator has brought. @returns false when that was only a sign: an iterator is to be opened anew. */
  accepts({ records, nextShardIterator }: GetRecordsOutput): boolean {
    if (!this.#isAtTip) return true;
    if (records.length > 0) this.#sign = "record";
    else if (nextShardIterator === undefined) this.#sign = "end";
    else if (this.#options.clock.monotonicMs() - this.#atTipMs >= TIP_WAIT_MS) {
      this.#sign = "nothing";
      this.#tip = nextShardIterator;
    }
    return this.#sign === undefined;
  }

  #get(position: IteratorPosition, signal: AbortSignal): Promise<string | undefined> {
    const { kinesis, stream, shardId } = this.#options;
    return kinesis.getShardIterator(stream, shardId, position, signal);
  }

  async #getInTime(
    position: IteratorPosition,
    signal: AbortSignal,
  ): Promise<string | undefined | typeof UNANSWERED> {
    const limit = { clock: this.#options.clock, ms: PATIENCE_MS, signal };
    try {
      return await withinTime(limit, (limited) => this.#get(position, limited));
    } catch (error) {
      if (signal.aborted || !isTimeLimit(error)) throw error;
      return UNANSWERED;
    }
  }
}

const UNANSWERED = Symbol("no answer in time");
