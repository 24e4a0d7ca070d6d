/**
 * Drives the delivery of one shard by a policy: takes slices, starts calls where records and lanes allow, and
 * acts on what comes of them. What is decided stands in `batch_run.ts`, `lanes.ts` and `ledger.ts`.
 *
 * A batch that pauses, or waits for a sink, takes no place among the calls that may run. It only holds back
 * its own lanes. What is held in memory is bounded, so a failing batch holds the shard in the end.
 *
 * @module
 */

import { Bell } from "../async/bell.ts";
import { Semaphore, TaskGroup } from "../async/task_group.ts";
import type { DeliveryOptions, Recipient, SliceOutcome } from "../consumer/delivery.ts";
import type { DeliveryEnd, RecordsDelivery } from "../consumer/records_delivery.ts";
import type { Slice } from "../consumer/slices.ts";
import { isOfClass, ProcessorRestartError } from "../errors.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { ShardAttempts } from "./attempts.ts";
import type { Answer } from "./answers.ts";
import { lenient, takeIn } from "./intake.ts";
import { CALLS_CHECKPOINT_MS, FILTER_CHECKPOINT_MS, OwnCheckpoints } from "./own_checkpoints.ts";
import type { Piece, Step } from "./batch_run.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { ErrorSettings, FailureSettings } from "./failure_options.ts";
import { FinishedAhead } from "./finished_ahead.ts";
import { failedCall, positionOf } from "./failed_call.ts";
import { type GivenUp, giveUp, type PolicySurroundings, standStill } from "./giving_up.ts";
import { type Entry, Ledger } from "./ledger.ts";
import { batchOf, callEmpty, callProcessor } from "./processor_call.ts";
import { type Failure, Pauses } from "./pauses.ts";
import { type Run, Runs } from "./runs.ts";
import { Warnings } from "./warnings.ts";

/** Letters of a shard that are stored at a time. How often a waiting delivery looks, in ms. Ours. */
const SINKS_AT_ONCE = 10, IDLE_MS = 60_000;

/** What a delivery by policy is made of. */
export interface PolicyDeliveryOptions {
  readonly surroundings: PolicySurroundings;
  readonly recipient: Recipient;
  readonly delivery: DeliveryOptions;
  readonly settings: FailureSettings;
  readonly attempts: ShardAttempts;
  /** Never the same number twice: a call may outlive its delivery. */
  readonly nextCall: () => number;
  /** Aborts when the shard is to be left. */
  readonly leave: AbortSignal;
}

/** See the module. */
export class PolicyDelivery implements RecordsDelivery {
  readonly #options: PolicyDeliveryOptions;
  readonly #settings: FailureSettings;
  readonly #ledger: Ledger;
  readonly #runs: Runs;
  readonly #checkpoints: Checkpoints;
  readonly #ahead: FinishedAhead;
  readonly #tasks: TaskGroup;
  readonly #own: OwnCheckpoints;
  readonly #warnings: Warnings;
  readonly #pauses: Pauses;
  readonly #sinks = new Semaphore(SINKS_AT_ONCE);
  readonly #isWanted: ((record: KinesisRecord) => boolean) | undefined;
  readonly #moved = new Bell();
  readonly #ended = new AbortController();
  /** Ends pauses and sinks, but no call. */
  readonly #over = new AbortController();
  readonly #about: { readonly leaseKey: string; readonly shardId: string };
  /** Whether a call may run beside others, or beside records that wait for a new try. */
  readonly #isParallel: boolean;
  readonly #isAuto: boolean;
  #calls = 0;
  #end: DeliveryEnd | undefined;
  /** No call begins any more: the shard is stopped, or its processor must be replaced. */
  #isHalted = false;
  /** Nothing more comes for now: windows are not waited for. */
  #isCut = false;
  /** The processor must be replaced once what was given up is stored. */
  #restart: { readonly error: unknown } | undefined;
  #isStopped = false;
  /** The last record of the call that runs alone. */
  #atHand: ExtendedSequenceNumber | undefined;
  #shardEnd: { readonly index: number; readonly page: RecordsPage } | undefined;
  readonly #onLeave = () => {
    this.#over.abort();
    this.#moved.ring();
  };

  constructor(options: PolicyDeliveryOptions) {
    const { recipient: { checkpointer, processor }, delivery: { held, system, emit }, settings } = options;
    this.#options = options;
    this.#settings = settings;
    this.#ledger = new Ledger(checkpointer.last, options.surroundings.budget);
    this.#runs = new Runs(settings, options.attempts);
    this.#ahead = new FinishedAhead(options.delivery, this.#ledger, checkpointer.last, processor);
    this.#isParallel = settings.concurrency.perShard > 1 || settings.concurrency.order !== "shard";
    this.#checkpoints = new Checkpoints(this.#ledger, checkpointer, this.#ahead, this.#isParallel);
    this.#tasks = new TaskGroup((error) => this.#endWith({ type: "restart", error }));
    this.#about = { leaseKey: held.leaseKey, shardId: held.shardId };
    this.#warnings = new Warnings(held.leaseKey, emit);
    this.#isAuto = processor.checkpoints === "auto";
    const shared = { tasks: this.#tasks, over: this.#over.signal, warnings: this.#warnings };
    this.#pauses = new Pauses({ ...shared, system, delay: settings.errors.delay });
    const { clock } = system, checkpoints = this.#checkpoints;
    this.#own = new OwnCheckpoints({ ...shared, checkpoints, clock, lost: held.lost });
    const { isWanted } = options.surroundings;
    this.#isWanted = isWanted === undefined
      ? undefined
      : lenient(isWanted, (error) =>
        this.#warnings.once("The option filter failed, and such records are delivered", error));
    options.leave.addEventListener("abort", this.#onLeave, { once: true });
    if (options.leave.aborted) this.#onLeave();
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  async deliver(page: RecordsPage, slice: Slice): Promise<SliceOutcome> {
    if (this.#left() === undefined) this.#add(page, slice);
    if (this.#ledger.unfinished === 0) {
      const { millisBehindLatest } = page;
      this.#options.delivery.held.progress.note({ records: 0, millisBehindLatest, ms: 0 });
    }
    const { callProcessRecordsEvenForEmptyRecordList: isCalled } = this.#options.delivery.delivery;
    if (isCalled && slice.records.length === 0 && page.end === undefined) this.#callEmpty(page);
    this.#own.soon(FILTER_CHECKPOINT_MS, this.#over.signal);
    return await this.#until(() => this.#ledger.hasRoom && !this.#runs.isParkFull);
  }

  async finish(): Promise<SliceOutcome> {
    const outcome = await this.#until(() => this.#calls + this.#ledger.unfinished + this.#runs.running === 0);
    if (outcome.type === "next") await this.#own.now();
    return outcome;
  }

  async leave(): Promise<void> {
    this.#onLeave();
    this.#options.leave.removeEventListener("abort", this.#onLeave);
    await this.#tasks.done();
    await this.#own.now();
    this.#ledger.clear();
  }

  /** Waits until it is true, or the delivery ends. Meanwhile no more records come. */
  async #until(isTrue: () => boolean): Promise<SliceOutcome> {
    const { clock } = this.#options.delivery.system;
    this.#pump();
    while (this.#left() === undefined && !isTrue()) {
      this.#isCut = true;
      this.#pump();
      await this.#moved.wait(clock, IDLE_MS, this.#over.signal);
    }
    this.#isCut = false;
    return this.#left() ?? { type: "next" };
  }

  #left(): DeliveryEnd | undefined {
    if (this.#options.leave.aborted) return { type: "left" };
    return this.#end ?? (this.#over.signal.aborted ? { type: "left" } : undefined);
  }

  #add(page: RecordsPage, slice: Slice): void {
    const { attempts, delivery: { system: { clock } } } = this.#options;
    const shared = { ledger: this.#ledger, runs: this.#runs, ahead: this.#ahead };
    const index = takeIn(
      { ...shared, attempts, isWanted: this.#isWanted, nowMs: clock.monotonicMs() },
      page,
      slice,
    );
    if (slice.isLast && page.end !== undefined && index !== undefined) this.#shardEnd = { index, page };
    this.#checkpoints.moved(this.#atHand);
  }

  /** Starts what may start. */
  #pump(): void {
    const { clock } = this.#options.delivery.system;
    while (
      !this.#over.signal.aborted && !this.#isHalted && this.#calls < this.#settings.concurrency.perShard
    ) {
      const run = this.#runs.next(clock.monotonicMs(), this.#isCut, this.#ahead.isFull);
      if (run === undefined) break;
      this.#continue(run);
    }
    this.#waitForWindow();
  }

  /** Wakes when the oldest record has waited for long enough. */
  #waitForWindow(): void {
    const { clock } = this.#options.delivery.system;
    const mayStart = !this.#over.signal.aborted && !this.#isHalted &&
      this.#calls < this.#settings.concurrency.perShard &&
      (this.#runs.running === 0 || !this.#ahead.isFull);
    const dueMs = mayStart ? this.#runs.dueMs(clock.monotonicMs(), this.#isCut) : undefined;
    this.#pauses.wakeIn(dueMs, () => this.#pump());
  }

  /** The next step of a batch. */
  #continue(run: Run): void {
    if (this.#over.signal.aborted) return;
    const { park } = this.#settings.errors;
    const step = run.batch.next(this.#options.delivery.system.clock.epochMs());
    switch (step.type) {
      case "done":
        this.#runs.done(run);
        this.#moved.ring();
        return this.#pump();
      case "giveUp":
        if (park !== undefined && step.condition === "RetryAttemptsExhausted") {
          return this.#park(run, step.piece);
        }
        this.#tasks.run(() => this.#giveUp(run, step));
        return;
      case "call":
        if (this.#isHalted) return;
        if (this.#calls >= this.#settings.concurrency.perShard) return this.#runs.ready(run);
        this.#calls++;
        this.#tasks.run(() => this.#call(run, step.piece));
        return;
    }
  }

  async #call(run: Run, piece: Piece<Entry>): Promise<void> {
    const { held, system: { clock } } = this.#options.delivery;
    const over = this.#ahead.calling(piece.items);
    let failure: Failure | undefined;
    try {
      await held.ensureHeld();
      if (this.#over.signal.aborted) return;
      const before = run.batch.pieces;
      failure = await this.#called(run, piece);
      this.#runs.remember(run, before);
    } finally {
      this.#calls--;
      over();
      this.#moved.ring();
    }
    if (failure !== undefined && run.batch.next(clock.epochMs()).type === "call") {
      this.#pump();
      return await this.#retry(run, failure);
    }
    this.#continue(run);
    this.#pump();
  }

  /** The next step of a batch after a pause. */
  async #retry(run: Run, failure: Failure): Promise<void> {
    if (!await this.#pauses.beforeRetry(failure)) return;
    this.#continue(run);
    this.#pump();
  }

  /** The keys of records that were tried often enough wait aside; what else the batch has goes on. */
  #park(run: Run, piece: Piece<Entry>): void {
    if (this.#restart !== undefined) return this.#endWith({ type: "restart", error: this.#restart.error });
    const failure = { inARow: Math.max(1, piece.failures), error: piece.error };
    for (const parked of this.#runs.park(run, piece)) this.#tasks.run(() => this.#retry(parked, failure));
    this.#continue(run);
    this.#pump();
  }

  /** @returns the failure, if it was one. */
  async #called(run: Run, piece: Piece<Entry>): Promise<Failure | undefined> {
    const { recipient, delivery, nextCall, settings: { errors } } = this.#options, warnings = this.#warnings;
    const { items } = piece;
    const last = positionOf(items.at(-1)?.record ?? this.#ledger.received);
    const own = { indexes: new Set(items.map(({ index }) => index)), last };
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    const batch = batchOf(items, this.#shardEnd);
    delivery.held.countBytes(bytes);
    if (!this.#isParallel) this.#checkpoints.moved(this.#atHand = last);
    const options = { recipient, delivery, errors, checkpoints: this.#checkpoints, warnings };
    const { answer, ms, isLeftBehind } = await callProcessor(options, batch, own, nextCall());
    this.#atHand = undefined;
    if (answer.type === "failure") {
      const { error } = answer, failure = this.#failedCall(run, items, answer);
      if (isLeftBehind || isOfClass(error, ProcessorRestartError)) this.#replace(run, error);
      return failure;
    }
    const done = answer.type === "left" ? answer.from : items.length;
    run.batch.finished(done);
    this.#finish(items.slice(0, done), this.#isAuto);
    if (answer.type === "left") return undefined;
    const { records: { length: records }, millisBehindLatest } = batch;
    const processed = { records, bytes, last, millisBehindLatest, ms };
    delivery.emit({ type: "batchProcessed", ...this.#about, ...processed });
    delivery.held.progress.note(processed);
    this.#own.soon(this.#isParallel ? CALLS_CHECKPOINT_MS : 0, this.#over.signal);
    return undefined;
  }

  #failedCall(
    run: Run,
    items: readonly Entry[],
    answer: Extract<Answer, { readonly type: "failure" }>,
  ): Failure {
    const { error } = answer;
    const { done, inARow, isContradictory, event } = failedCall(run, items, answer, {
      isCheckpointed: (entry) => this.#ledger.isAcknowledged(entry),
      errors: this.#settings.errors,
      about: this.#about,
    });
    if (isContradictory) {
      this.#warnings.once(
        "The processor has checkpointed what its answer calls failed: it is tried again",
        error,
      );
    }
    // A partial answer acknowledges what comes before: its processor has nothing else to checkpoint by.
    this.#finish(items.slice(0, done), true);
    if (done > 0) this.#own.soon(0, this.#over.signal);
    if (event !== undefined) this.#options.delivery.emit(event);
    return { inARow, error };
  }

  /** A fresh processor goes on, once what this failure gives up is stored. */
  #replace(run: Run, error: unknown): void {
    this.#isHalted = true;
    const { type } = run.batch.next(this.#options.delivery.system.clock.epochMs());
    if (type === "giveUp") this.#restart = { error };
    else this.#endWith({ type: "restart", error });
  }

  async #giveUp(
    run: Run,
    { piece, condition }: Extract<Step<Entry>, { readonly type: "giveUp" }>,
  ): Promise<void> {
    const { onExhausted } = this.#settings.errors;
    const { items, calls: attempts, error } = piece;
    const records = items.map(({ record }) => record);
    const isGivenUp = onExhausted === "stop"
      ? await this.#stop(run, records, error)
      : await this.#store({ records, condition, attempts, error }, onExhausted);
    if (!isGivenUp) return;
    const before = run.batch.pieces;
    run.batch.finished(items.length);
    this.#runs.remember(run, before);
    this.#options.attempts.giveUp(records);
    this.#finish(items, true);
    this.#own.soon(0, this.#over.signal);
    if (this.#restart !== undefined) {
      await this.#own.now();
      this.#endWith({ type: "restart", error: this.#restart.error });
    }
    this.#continue(run);
    this.#pump();
  }

  #store(given: GivenUp, onExhausted: Exclude<ErrorSettings["onExhausted"], "stop">): Promise<boolean> {
    const { surroundings, recipient: { context: stream }, delivery } = this.#options;
    const options = { surroundings, stream, delivery };
    return this.#sinks.run(() => giveUp(given, onExhausted, options, this.#over.signal));
  }

  /** The attempts start over when the shard is tried again. */
  async #stop(run: Run, records: readonly KinesisRecord[], error: unknown): Promise<false> {
    if (this.#isStopped) return false;
    this.#isHalted = this.#isStopped = true;
    const { attempts, delivery } = this.#options;
    for (const { items: [item] } of run.batch.pieces) if (item !== undefined) attempts.forget(item.record);
    if (await standStill(records, error, delivery, this.#over.signal)) this.#endWith({ type: "givenUp" });
    return false;
  }

  /** A processor may want to be called for empty reads too. */
  #callEmpty({ millisBehindLatest }: RecordsPage): void {
    if (this.#left() !== undefined || this.#isHalted || this.#calls > 0 || this.#runs.running > 0) return;
    const { recipient, delivery } = this.#options;
    this.#calls++;
    this.#tasks.run(async () => {
      try {
        const restart = await callEmpty({ recipient, delivery }, millisBehindLatest);
        if (restart !== undefined) this.#endWith(restart);
      } finally {
        this.#calls--;
        this.#moved.ring();
      }
      this.#pump();
    });
  }

  #finish(items: readonly Entry[], isAcknowledged: boolean): void {
    this.#ledger.finish(items, isAcknowledged);
    this.#checkpoints.moved(this.#atHand);
    this.#options.delivery.streaks.reached(this.#ledger.finishedThrough);
    this.#moved.ring();
  }

  #endWith(end: DeliveryEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#over.abort();
    this.#ended.abort(end);
    this.#moved.ring();
  }
}
