/**
 * A worker: takes part in a fleet that reads one stream, or many, together. Runs a processor for each shard
 * whose lease it holds. This file sets the order of the steps. `team.ts` puts the parts together, and each
 * part has a file of its own.
 *
 * @module
 */

import { signedKinesisConsumers } from "../aws/kinesis_consumers.ts";
import { errorRule } from "../options/policy_text.ts";
import { TaskGroup } from "../async/task_group.ts";
import { type WorkerBatches, workerBatches } from "../consumer/batch_loop.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { CpuSource } from "../cpu_source.ts";
import { Attention } from "../fleet/attention.ts";
import { lookAtOwnLeases } from "../fleet/identity.ts";
import { Streams } from "../fleet/streams.ts";
import type { TableFormat } from "../lease/table_format.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import { settingsOf } from "../options/settings.ts";
import { ByteBudget } from "../retrieval/byte_budget.ts";
import { aborted, settlesWithin } from "../async/waiting.ts";
import { randomUuid, realSystem, type System, withFetch } from "../system.ts";
import { showTurns } from "./event_loop_turns.ts";
import type { Deliveries } from "./deliveries.ts";
import { loadDeliveries, loadTransact } from "./loaded_deliveries.ts";
import { type EventOutlet, eventOutlet } from "./event_outlet.ts";
import { leaveFleet, leaveStep } from "./leaving.ts";
import { startLoops } from "./loops.ts";
import { partsOf, type WorkerParts } from "./parts.ts";
import { type ShardReading, shardReading } from "./shard_reading.ts";
import { tableStreamsReader } from "./table_streams.ts";
import { aloud, startUp, untilDone } from "./start_up.ts";
import { type Team, teamOf, type TeamOptions } from "./team.ts";
import { ForeignWatch, refuseOvertaking, storesTransactions } from "./sole_processing.ts";

/** What a team takes that is made by a run. */
type RunningParts = Pick<
  TeamOptions,
  "format" | "processor" | "consumers" | "reading" | "budget" | "startDelivery" | "onTableGone"
>;

/** One worker of a fleet. Runs once. */
export class KinesisWorker {
  /** Names this worker in the lease table. */
  readonly workerIdentifier: string;
  readonly #settings: WorkerSettings;
  readonly #processor: RecordProcessorFactory | undefined;
  readonly #cpuUtilization: CpuSource | undefined;
  readonly #system: System;
  readonly #outlet: EventOutlet;
  readonly #emit: EventOutlet["emit"];
  readonly #parts: WorkerParts;
  readonly #streams: Streams;
  #hasRun = false;

  /**
   * Checks the options; starts nothing.
   *
   * @throws {TypeError} when an option is missing or of the wrong kind, {@linkcode RangeError} when a number
   * is out of range.
   */
  constructor(options: WorkerOptions) {
    this.#settings = settingsOf(withLoopRule(options));
    this.#processor = options.processor;
    this.#cpuUtilization = options.cpuUtilization;
    this.#system = withFetch(options.system ?? realSystem, options.fetch);
    this.workerIdentifier = this.#settings.workerIdentifier ?? randomUuid(this.#system.random);
    this.#outlet = eventOutlet(options, this.#settings.watching, this.#system.clock);
    this.#emit = this.#outlet.emit;
    this.#parts = partsOf(
      options,
      this.#settings,
      { system: this.#system, emit: this.#emit, tableStreams: tableStreamsReader(this.#settings) },
      signedKinesisConsumers,
    );
    this.#streams = new Streams({
      finding: this.#settings.finding,
      kinesis: this.#parts.kinesis,
      clock: this.#system.clock,
      emit: this.#emit,
    });
  }

  /**
   * Consumes until the signal aborts.
   *
   * @param signal Aborting it is the orderly stop: processors get `shutdownRequested`, leases move to other
   * workers, and the promise resolves.
   * @throws {@linkcode LeaseTableError}, {@linkcode AwsServiceError} or {@linkcode CredentialsError} when the
   * worker could not start. A lease table that has been missing for a minute ends the worker too. So does a
   * second run, and a run without the option `processor`, with a TypeError.
   */
  async run(signal: AbortSignal = new AbortController().signal): Promise<void> {
    if (this.#processor === undefined) {
      throw new TypeError(
        "Cannot run worker: expected the option processor to be a function that makes a RecordProcessor: got " +
          "undefined: give one, e.g. eachRecord(), or loop over worker.batches()",
      );
    }
    await this.#runWith(this.#processor, signal);
  }

  /**
   * Consumes in a loop, instead of a processor. Each turn has a batch of one shard, of which `done()` stores
   * the checkpoint. The worker starts with the loop, and stops in order when the loop is left.
   *
   * ```ts
   * import { KinesisWorker } from "@kclite/kclite";
   *
   * async function consume(worker: KinesisWorker, signal: AbortSignal): Promise<void> {
   *   for await (const batch of worker.batches(signal)) {
   *     for (const record of batch.records) console.log(batch.context.shardId, record.text());
   *     await batch.done();
   *   }
   * }
   * ```
   *
   * Shards take turns; a shard has one batch at most in the loop. A batch that is not done before the next
   * turn has failed, and comes again as `errors` or `onProcessError` say, whose default is `"retry"` here.
   * After an error in the loop's body, or a `break`, another worker gets the batch, or this one's next run.
   *
   * @param signal Aborting it stops the worker in order. The loop ends when the worker has stopped.
   * @throws {TypeError} when the option `processor` is given; `next()` throws what `run()` throws.
   */
  batches(signal?: AbortSignal): WorkerBatches {
    if (this.#processor !== undefined) {
      throw new TypeError(
        "Cannot loop over batches: expected no option processor: got one: remove it, or run()",
      );
    }
    return workerBatches((processor, stop) => this.#runWith(processor, stop), signal);
  }

  async #runWith(processor: RecordProcessorFactory, signal: AbortSignal): Promise<void> {
    if (this.#hasRun) throw new TypeError("Cannot run worker: it has run before: make a new KinesisWorker");
    this.#hasRun = true;
    const watch = new AbortController();
    const watching = this.#outlet.watchFaults(watch.signal);
    try {
      await this.#run(processor, signal);
    } finally {
      watch.abort();
      await watching;
    }
  }

  async #run(processor: RecordProcessorFactory, signal: AbortSignal): Promise<void> {
    this.#emitStarting();
    try {
      if (storesTransactions(processor)) refuseOvertaking(this.#settings);
      const deliveries = await loadDeliveries(this.#settings, this.workerIdentifier);
      const format = await this.#startUp(signal);
      await this.#consume({ format, processor, deliveries }, signal);
      this.#emit({ type: "workerStopped", error: undefined });
    } catch (error) {
      const isStop = signal.aborted && error === signal.reason;
      this.#emit({ type: "workerStopped", error: isStop ? undefined : error });
      if (!isStop) throw error;
    }
  }

  #emitStarting(): void {
    const { applicationName, finding: { streams }, table: { tableName } } = this.#settings;
    this.#emit({
      type: "workerStarting",
      applicationName,
      streamName: streams.mode === "one" ? streams.stream.streamName : undefined,
      tableName,
      workerId: this.workerIdentifier,
    });
    this.#emit({ type: "errorRule", ...errorRule(this.#settings) });
  }

  #startUp(signal: AbortSignal): Promise<TableFormat> {
    const { starting, table, finding } = this.#settings;
    return startUp({
      starting,
      table,
      wanted: finding.streams,
      workerId: this.workerIdentifier,
      streams: this.#streams,
      leaseStore: this.#parts.leaseStore,
      coordinatorStore: this.#parts.coordinatorStore,
      system: this.#system,
      emit: this.#emit,
    }, signal);
  }

  /** From the first report in the table to the last lease that is handed over. */
  async #consume(
    { format, processor, deliveries }: Pick<TeamOptions, "format" | "processor"> & {
      readonly deliveries: Deliveries;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#system;
    const emit = this.#emit;
    const failure = new AbortController();
    const running = AbortSignal.any([signal, failure.signal]);
    const fail = (error: unknown) => failure.abort(error);
    const duties = new TaskGroup(fail);
    const consumers = new TaskGroup(fail);
    const { reading, budget } = this.#reading();
    const startDelivery = deliveries({ budget, parts: this.#parts, system: this.#system });
    const made = { format, processor, consumers, reading, budget, startDelivery, onTableGone: fail };
    const team = this.#team(made);
    const { identity: { superseded }, keeper } = team;
    const foreign = storesTransactions(processor) ? this.#foreignWatch(team, format) : undefined;

    if (foreign !== undefined) await untilDone(this.#tries, (signal) => foreign.look(signal), running);
    await this.#claimName(team, running);
    emit({ type: "workerReady", workerId: this.workerIdentifier });
    const over = new AbortController();
    const turns = showTurns(clock, emit, over.signal);
    // A superseded worker does nothing any more, but its process stays up until it is stopped.
    const working = AbortSignal.any([running, superseded]);
    startLoops(team, { settings: this.#settings, streams: this.#streams, clock, emit, duties }, working);
    if (foreign !== undefined) duties.run(() => foreign.watch(working));
    await aborted(running);

    emit({ type: "workerStopping", heldLeases: keeper.held.length });
    await duties.done();
    // The process that has the name now has what there is to give away.
    if (!superseded.aborted) await leaveFleet(team, { clock, emit });
    keeper.drain("the worker is stopping");
    await this.#drained(team, consumers);
    await leaveStep({ clock, emit }, (limited) => keeper.passOn(limited));
    // What is shared by name is in use by the process that has the name now.
    if (!superseded.aborted) await leaveStep({ clock, emit }, (limited) => reading.close(limited));
    over.abort();
    await turns;
    if (failure.signal.aborted) throw failure.signal.reason;
  }

  /** How the shards are read, and the memory that they share. */
  #reading(): { readonly reading: ShardReading; readonly budget: ByteBudget } {
    const { reading } = this.#settings;
    const budget = new ByteBudget(reading.maxBufferedBytes);
    const shared = { parts: this.#parts, reading, budget, system: this.#system, emit: this.#emit };
    return { reading: shardReading(shared), budget };
  }

  #team(made: RunningParts): Team {
    return teamOf({
      workerId: this.workerIdentifier,
      format: made.format,
      settings: this.#settings,
      parts: this.#parts,
      streams: this.#streams,
      processor: made.processor,
      cpuUtilization: this.#cpuUtilization,
      reading: made.reading,
      budget: made.budget,
      startDelivery: made.startDelivery,
      loadTransact,
      consumers: made.consumers,
      onTableGone: made.onTableGone,
      attention: (options) => new Attention(options),
      system: this.#system,
      emit: this.#emit,
    });
  }

  /** How often what belongs to a start is tried. */
  get #tries(): Parameters<typeof untilDone>[0] {
    return { starting: this.#settings.starting, system: this.#system, emit: this.#emit };
  }

  #foreignWatch({ leaseStore }: Team, format: TableFormat): ForeignWatch {
    const { tableName } = this.#settings.table;
    const { coordinatorStore } = this.#parts, { clock } = this.#system;
    return new ForeignWatch({ leaseStore, coordinatorStore, format, tableName, clock, emit: this.#emit });
  }

  /**
   * Makes this process the newest of its worker's name, and reports to the fleet that it lives. Tried as
   * often as a start.
   */
  async #claimName({ leaseStore, member }: Team, signal: AbortSignal): Promise<void> {
    const { table, workerIdentifier } = this.#settings;
    // No other process has a randomly drawn name.
    const isGiven = workerIdentifier !== undefined;
    const tries = this.#tries;
    const claim = async (signal: AbortSignal) => {
      if (isGiven) await lookAtOwnLeases(workerIdentifier, leaseStore, signal);
      await member.report(signal);
    };
    const first = `this worker's first report in lease table "${table.tableName}"`;
    await aloud(tries, first, () => untilDone(tries, claim, signal));
  }

  /**
   * Waits for the consumers. Leases that are still held after the grace time are handed over, whatever their
   * processors are doing.
   */
  async #drained({ keeper }: Team, consumers: TaskGroup): Promise<void> {
    const { shutdownGraceMs } = this.#settings.stopping;
    const isOver = await settlesWithin(consumers.done(), shutdownGraceMs, this.#system.clock);
    if (!isOver) await keeper.abandon();
  }
}

/** A batch that the body of a loop has not done comes again, unless another rule is chosen. */
function withLoopRule(options: WorkerOptions): WorkerOptions {
  // Refused where all options are.
  if (typeof options !== "object" || options === null || Array.isArray(options)) return options;
  const { processor, errors, onProcessError } = options;
  const isLoop = (processor ?? errors ?? onProcessError) === undefined;
  return isLoop ? { ...options, onProcessError: "retry" } : options;
}
