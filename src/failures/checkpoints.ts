/**
 * What a checkpoint means while records are in several hands. A call that asks for one means its own batch
 * and everything before it that is finished. What is stored never lies beyond the end of what is contiguous.
 *
 * Checkpoints of our own pass only what the processor acknowledged, or what it will never see: a processor
 * may keep records in memory and checkpoint rarely.
 *
 * @module
 */

import type { Checkpointer } from "../consumer/checkpointer.ts";
import { checkpointAlone } from "../consumer/delivery.ts";
import type { PreparedCheckpoint, ShardContext, TransactOptions } from "../consumer/record_processor.ts";
import {
  compare,
  type ExtendedSequenceNumber,
  isRecordNumber,
  positionAt,
} from "../stream/sequence_number.ts";
import type { FinishedAhead } from "./finished_ahead.ts";
import type { Ledger } from "./ledger.ts";

/** The records of one call. */
export interface OwnRecords {
  readonly indexes: ReadonlySet<number>;
  readonly last: ExtendedSequenceNumber;
}

/** The checkpoints of one processor, one at a time. */
export class Checkpoints {
  readonly #ledger: Ledger;
  readonly #checkpointer: Checkpointer;
  readonly #ahead: FinishedAhead;
  readonly #isParallel: boolean;
  #queue: Promise<unknown> = Promise.resolve();
  /** What may be checkpointed outside of a call. */
  #floor: ExtendedSequenceNumber;

  /** @param isParallel Whether a call may run beside others. */
  constructor(ledger: Ledger, checkpointer: Checkpointer, ahead: FinishedAhead, isParallel: boolean) {
    this.#isParallel = isParallel;
    this.#ledger = ledger;
    this.#checkpointer = checkpointer;
    this.#ahead = ahead;
    checkpointer.storeAhead((at) => ahead.textAt(at));
    this.#floor = checkpointer.largest;
  }

  /** The context of one call, from that of its processor. */
  contextOf(context: ShardContext, own: OwnRecords, signal: AbortSignal): ShardContext {
    return {
      ...context,
      signal,
      checkpoint: (at) => this.#inTurn(() => this.#checkpoint(own, at)),
      prepareCheckpoint: (at, state) => this.#inTurn(() => this.#prepare(own, at, state)),
      transact: (writes, options) => this.#inTurn(() => this.#transact(context, own, writes, options)),
    };
  }

  /**
   * Some records are finished. Outside of calls a checkpoint may go as far as the end of what is contiguous.
   *
   * @param atHand The last record of the call that runs alone; its processor may checkpoint it by the context
   * of `initialize`, too.
   */
  moved(atHand?: ExtendedSequenceNumber): void {
    this.#floor = atHand ?? this.#ledger.finishedThrough;
    this.#settle();
  }

  /** Whether something may be stored that is not. */
  get isBehind(): boolean {
    this.#ledger.stored(this.#checkpointer.last);
    return compare(this.#ledger.acknowledgedThrough, this.#checkpointer.last) > 0 || this.#ahead.isBehind;
  }

  /**
   * Stores what is acknowledged and not stored. A failure is reported where it happens, and the next
   * checkpoint covers it.
   */
  store(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.isBehind) return;
      const at = this.#ledger.acknowledgedThrough;
      const store = () => checkpointAlone(this.#checkpointer, at);
      if (await this.#upTo({ at, isOwn: true, asked: at }, store)) this.#ahead.stored();
    });
  }

  async #checkpoint(own: OwnRecords, at: ExtendedSequenceNumber | undefined): Promise<void> {
    const target = this.#target(own, at);
    // Held back by earlier records: what is finished ahead is stored with many others in a while.
    const isHeldBack = target.isOwn && compare(target.at, this.#checkpointer.last) === 0;
    if (!isHeldBack) {
      await this.#upTo(target, () => this.#checkpointer.checkpoint(target.at));
      this.#ahead.stored();
    }
    if (target.isOwn) this.#ledger.acknowledge(own.indexes, target.asked);
  }

  async #transact(
    context: ShardContext,
    own: OwnRecords,
    writes: Parameters<ShardContext["transact"]>[0],
    { at }: TransactOptions = {},
  ): Promise<void> {
    if (this.#isParallel) throw new TypeError(NO_PARALLEL_TRANSACT);
    const target = this.#target(own, typeof at === "string" ? positionAt(at) : at);
    await this.#upTo(target, () => context.transact(writes, { at: target.at }));
    this.#ahead.stored();
    if (target.isOwn) this.#ledger.acknowledge(own.indexes, target.asked);
  }

  async #prepare(
    own: OwnRecords,
    at: ExtendedSequenceNumber | undefined,
    state: Uint8Array | undefined,
  ): Promise<PreparedCheckpoint> {
    const target = this.#target(own, at);
    const prepared = await this.#upTo(target, () => this.#checkpointer.prepare(target.at, state));
    const make = async () => {
      await this.#upTo(target, () => prepared.checkpoint());
      if (target.isOwn) this.#ledger.acknowledge(own.indexes, target.asked);
    };
    return { at: prepared.at, checkpoint: () => this.#inTurn(make) };
  }

  #target(own: OwnRecords, at: ExtendedSequenceNumber | undefined): Target {
    const asked = at === undefined ? own.last : positionOf(at);
    // What is out of range, or no position at all, is refused by the checkpointer.
    if (asked === undefined || compare(asked, own.last) > 0) return { at: at ?? own.last, isOwn: false };
    const { last } = this.#checkpointer;
    const reached = this.#ledger.reach(own.indexes, asked);
    // Earlier records that are unfinished may hold the checkpoint where it is: then nothing is stored.
    const isHeldBack = compare(reached, last) < 0 && (at === undefined || compare(asked, last) >= 0);
    return { at: isHeldBack ? last : reached, isOwn: true, asked };
  }

  async #upTo<T>(target: Target, work: () => Promise<T>): Promise<T> {
    if (target.isOwn) this.#checkpointer.delivering(target.at);
    try {
      return await work();
    } finally {
      this.#settle();
    }
  }

  #settle(): void {
    this.#checkpointer.delivering(this.#floor);
    this.#checkpointer.undeliver(this.#floor);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }
}

/** A checkpoint waits for earlier records; results that are bound to it cannot. */
const NO_PARALLEL_TRANSACT =
  "Cannot transact: expected one call of a shard at a time: got the option concurrency: leave it out, or write " +
  "results so that repeating them does no harm";

/** Where a checkpoint goes. */
type Target =
  | { readonly at: ExtendedSequenceNumber; readonly isOwn: false }
  | {
    readonly at: ExtendedSequenceNumber;
    readonly isOwn: true;
    /** Up to where the call has acknowledged its records. */
    readonly asked: ExtendedSequenceNumber;
  };

/** Undefined when it cannot be compared. A number alone means the first user record of its aggregate. */
function positionOf(at: ExtendedSequenceNumber): ExtendedSequenceNumber | undefined {
  const { sequenceNumber, subSequenceNumber = 0 } = at;
  const isOne = typeof sequenceNumber === "string" && isRecordNumber(sequenceNumber) &&
    Number.isInteger(subSequenceNumber) && subSequenceNumber >= 0;
  return isOne ? { sequenceNumber, subSequenceNumber } : undefined;
}
