/**
 * A worker: takes part in a fleet that reads one stream, or many, together, and runs a processor for each shard whose lease it
 * holds. This file puts the parts together and says what happens in which order; what each part does is its own.
 *
 * @module
 */

import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import { consumeShard } from "../consumer/shard_consumer.ts";
import { StreaksByLease } from "../consumer/streaks.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { TableFormat } from "../lease/table_format.ts";
import { ByteBudget } from "../retrieval/byte_budget.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { CpuSource } from "../cpu_source.ts";
import { randomUuid, realSystem, type System } from "../system.ts";
import { aborted, settlesWithin, withinTime } from "../async/waiting.ts";
import { Bell } from "../async/bell.ts";
import { type EventOutlet, eventOutlet } from "./event_outlet.ts";
import { showTurns } from "./event_loop_turns.ts";
import { FleetMember } from "../fleet/fleet_member.ts";
import { Identity, lookAtOwnLeases } from "../fleet/identity.ts";
import type { LeaseHold } from "./lease_hold.ts";
import { LeaseCleaner } from "./lease_cleaner.ts";
import { LeaseKeeper } from "./lease_keeper.ts";
import { loop, type LoopOptions, type PassResult } from "../async/loop.ts";
import { MarkedLeaseStore } from "../fleet/marked_lease_store.ts";
import type { WorkerOptions } from "../options/options.ts";
import { partsOf, type WorkerParts } from "./parts.ts";
import { type ShardReading, shardReading } from "./shard_reading.ts";
import { type LeaseSyncer, ShardSyncer } from "../fleet/shard_syncer.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import { settingsOf } from "../options/settings.ts";
import { aloud, startUp, untilDone } from "./start_up.ts";
import { originOfStream, Streams } from "../fleet/streams.ts";
import { StreamsSyncer } from "../fleet/streams_syncer.ts";
import { TaskGroup } from "../async/task_group.ts";

/** A stopping worker spends at most so long on each goodbye to the table, in ms. */
const FAREWELL_MS = 2000;

/** One worker of a fleet. Runs once. */
export class KinesisWorker {
  /** Names this worker in the lease table. */
  readonly workerIdentifier: string;
  readonly #processor: RecordProcessorFactory;
  readonly #cpuUtilization: CpuSource | undefined;
  readonly #settings: WorkerSettings;
  readonly #system: System;
  readonly #parts: WorkerParts;
  readonly #streams: Streams;
  readonly #streaks = new StreaksByLease();
  readonly #outlet: EventOutlet;
  readonly #emit: EventOutlet["emit"];
  #hasRun = false;

  /**
   * Checks the options; starts nothing.
   *
   * @throws {TypeError} when an option is missing or of the wrong kind, {@linkcode RangeError} when a number is out of range.
   */
  constructor(options: WorkerOptions) {
    this.#settings = settingsOf(options);
    this.#processor = options.processor;
    this.#cpuUtilization = options.cpuUtilization;
    this.#system = options.system ?? realSystem;
    this.workerIdentifier = this.#settings.workerIdentifier ?? randomUuid(this.#system.random);
    this.#outlet = eventOutlet(options, this.#settings.watching, this.#system.clock);
    this.#emit = this.#outlet.emit;
    this.#parts = partsOf(options, this.#settings, { system: this.#system, emit: this.#emit });
    this.#streams = new Streams({
      finding: this.#settings.finding,
      kinesis: this.#parts.kinesis,
      clock: this.#system.clock,
      emit: this.#emit,
    });
  }

  /**
   * Consumes until told to stop.
   *
   * @param signal Aborting it is the orderly stop: processors get `shutdownRequested`, leases move to other workers, and
   * the promise resolves.
   * @throws when the worker could not start: {@linkcode LeaseTableError}, {@linkcode AwsServiceError},
   * {@linkcode CredentialsError}; or when it was run before.
   */
  async run(signal: AbortSignal = new AbortController().signal): Promise<void> {
    if (this.#hasRun) throw new TypeError("Cannot run worker: it has run before: make a new KinesisWorker");
    this.#hasRun = true;
    const watch = new AbortController();
    const watching = this.#outlet.watchFaults(watch.signal);
    try {
      await this.#run(signal);
    } finally {
      watch.abort();
      await watching;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { applicationName, finding: { streams }, table, starting, delivery } = this.#settings;
    const workerId = this.workerIdentifier;
    this.#emit({
      type: "workerStarting",
      applicationName,
      streamName: streams.mode === "one" ? streams.stream.streamName : undefined,
      tableName: table.tableName,
      workerId,
    });
    this.#emit({ type: "errorRule", rule: delivery.onProcessError, isChosen: delivery.isErrorRuleChosen });
    try {
      const format = await startUp({
        starting,
        table,
        wanted: streams,
        workerId,
        streams: this.#streams,
        leaseStore: this.#parts.leaseStore,
        coordinatorStore: this.#parts.coordinatorStore,
        system: this.#system,
        emit: this.#emit,
      }, signal);
      await this.#consume(format, signal);
      this.#emit({ type: "workerStopped", error: undefined });
    } catch (error) {
      const isStop = signal.aborted && error === signal.reason;
      this.#emit({ type: "workerStopped", error: isStop ? undefined : error });
      if (!isStop) throw error;
    }
  }

  /** From the first look at the table to the last goodbye. */
  async #consume(format: TableFormat, signal: AbortSignal): Promise<void> {
    const { clock } = this.#system;
    const failure = new AbortController();
    const running = AbortSignal.any([signal, failure.signal]);
    const fail = (error: unknown) => failure.abort(error);
    const duties = new TaskGroup(fail);
    const consumers = new TaskGroup(fail);
    const budget = new ByteBudget(this.#settings.reading.maxBufferedBytes);
    const reading = shardReading({
      parts: this.#parts,
      reading: this.#settings.reading,
      budget,
      system: this.#system,
      emit: this.#emit,
    });
    const team = this.#team(format, consumers, { reading, budget });

    const starting = { starting: this.#settings.starting, system: this.#system, emit: this.#emit };
    const first = `this worker's first report in lease table "${this.#settings.table.tableName}"`;
    await aloud(
      starting,
      first,
      () => untilDone(starting, (signal) => this.#claimName(team, signal), running),
    );
    this.#emit({ type: "workerReady", workerId: this.workerIdentifier });
    const over = new AbortController();
    const turns = showTurns(clock, this.#emit, over.signal);
    // A worker that is superseded does nothing any more, but stays up until it is told to stop.
    this.#startLoops(team, duties, AbortSignal.any([running, team.identity.superseded]));
    await aborted(running);

    this.#emit({ type: "workerStopping", heldLeases: team.keeper.held.length });
    await duties.done();
    // Whoever has the name now has what there is to give away.
    if (!team.identity.superseded.aborted) await this.#sayGoodbye(team);
    team.keeper.drain("the worker is stopping");
    if (!await settlesWithin(consumers.done(), this.#settings.stopping.shutdownGraceMs, clock)) {
      await team.keeper.abandon();
    }
    await this.#tryFarewell((limited) => team.keeper.passOn(limited));
    // What is shared by name is in use by the process that has the name now.
    if (!team.identity.superseded.aborted) await this.#tryFarewell((limited) => reading.close(limited));
    over.abort();
    await turns;
    if (failure.signal.aborted) throw failure.signal.reason;
  }

  /** Makes this process the newest of its worker's name, and tells the fleet that it lives. */
  async #claimName({ leaseStore, member }: Team, signal: AbortSignal): Promise<void> {
    // A name that was drawn is nobody else's.
    const isGiven = this.#settings.workerIdentifier !== undefined;
    if (isGiven) await lookAtOwnLeases(this.workerIdentifier, leaseStore, signal);
    await member.report(signal);
  }

  /** The parts that know one another. */
  #team(format: TableFormat, consumers: TaskGroup, shared: SharedReading): Team {
    const { coordinatorStore, kinesis } = this.#parts;
    const identity = new Identity({
      workerId: this.workerIdentifier,
      system: this.#system,
      emit: this.#emit,
    });
    const leaseStore = new MarkedLeaseStore(this.#parts.leaseStore, identity);
    const common = {
      identity,
      workerId: this.workerIdentifier,
      emit: this.#emit,
      system: this.#system,
      clock: this.#system.clock,
    };
    const discovery = new Bell();
    const shardEnds = new Bell();
    const onShardEnd = () => {
      shardEnds.ring();
      member.assignSoon(); // the children's leases wait to be assigned
    };
    let heirs: ReadonlyMap<string, string> = new Map();

    const { table, finding, leading, assignment, leasing, cleaning } = this.#settings;
    const member = new FleetMember({
      ...common,
      table,
      mode: finding.streams.mode,
      leading,
      assignment,
      format,
      leaseStore,
      coordinatorStore,
      leaseSyncer: this.#leaseSyncer(leaseStore),
      cpuUtilization: this.#cpuUtilization,
      heldLeases: () => keeper.held.map((hold) => hold.lease),
      onOwnLease: () => discovery.ring(),
    });
    const keeper = new LeaseKeeper({
      ...common,
      leasing,
      store: leaseStore,
      tasks: consumers,
      successorOf: (lease) => heirs.get(lease.leaseKey),
      consume: (hold) => this.#consumeShard(hold, { ...shared, leaseStore, shardEnds, onShardEnd }),
    });
    return {
      identity,
      leaseStore,
      member,
      keeper,
      cleaner: new LeaseCleaner({
        ...common,
        streams: this.#streams,
        kinesis,
        leaseStore,
        isCompletedKept: !cleaning.cleanupLeasesUponShardCompletion,
      }),
      discovery,
      bequeath: (chosen) => void (heirs = chosen),
    };
  }

  #leaseSyncer(leaseStore: LeaseStore): LeaseSyncer {
    const { kinesis } = this.#parts;
    const { clock } = this.#system;
    const streams = this.#streams;
    const { syncing } = this.#settings;
    const shared = { syncing, kinesis, leaseStore, clock, emit: this.#emit };
    const [stream] = streams.tracked;
    if (this.#settings.finding.streams.mode === "one" && stream !== undefined) {
      return new ShardSyncer({ ...shared, stream });
    }
    return new StreamsSyncer({ ...shared, streams });
  }

  #startLoops(team: Team, tasks: TaskGroup, signal: AbortSignal): void {
    const { clock } = this.#system;
    const emit = this.#emit;
    const { leasing: { leaseDiscoveryIntervalMs }, syncing: { newStreamCheckIntervalMs } } = this.#settings;
    const { identity, member, keeper } = team;
    const run = (
      options: Omit<LoopOptions, "clock" | "emit">,
      work: (signal: AbortSignal) => Promise<PassResult>,
    ) => runOn(options.pass, () => loop({ clock, emit, ...options }, work, signal));
    /** A loop that ends before it is told to would be missed by nobody for a while: the worker ends with it. */
    const runOn = (name: string, task: () => Promise<void>) =>
      tasks.run(async () => {
        await task();
        if (!signal.aborted) throw new Error(`The loop "${name}" of the worker has ended by itself`);
      });

    runOn("fleet", async () => {
      await member.run(signal);
      if (!identity.superseded.aborted) return;
      await this.#tryFarewell((limited) => member.release("a newer process has this worker's name", limited));
    });
    if (this.#settings.finding.streams.mode === "many") {
      run({ pass: "streams", intervalMs: newStreamCheckIntervalMs }, async (signal) => {
        if (!await this.#streams.refresh(signal)) return;
        member.assignSoon();
        this.#streaks.keep((leaseKey) => this.#streams.isTracked(leaseKey));
      });
    }
    run(
      { pass: "discovery", intervalMs: leaseDiscoveryIntervalMs, bell: team.discovery },
      (signal) => keeper.discover(signal),
    );
    run(
      { pass: "cleanup", intervalMs: this.#settings.cleaning.leaseCleanupIntervalMs },
      (signal) => team.cleaner.cleanUp(keeper.held, signal),
    );
  }

  /** Makes sure that nothing more is assigned to us, and chooses who gets what we have. */
  async #sayGoodbye(team: Team): Promise<void> {
    await this.#tryFarewell((limited) => team.member.withdraw(limited));
    await this.#tryFarewell(async (limited) => team.bequeath(await team.member.successors(limited)));
    await this.#tryFarewell((limited) => team.member.release("the worker is stopping", limited));
  }

  /** A goodbye that fails, or takes too long, is no reason not to go: everything it would do happens by itself in time. */
  async #tryFarewell(farewell: (limited: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await withinTime({ clock: this.#system.clock, ms: FAREWELL_MS, signal: undefined }, farewell);
    } catch (error) {
      this.#emit({ type: "passFailed", pass: "farewell", error });
    }
  }

  /** One shard, with all that its consumer takes from this worker. */
  async #consumeShard(hold: LeaseHold, around: ShardSurroundings): Promise<void> {
    const stream = await this.#streams.of(hold.lease, hold.lost);
    if (stream === undefined) return; // held, so that nobody reads it, until it is cleaned up or the worker stops
    const { reference, initialPosition, streamIdentifier } = stream;
    await consumeShard({
      delivery: this.#settings.delivery,
      held: hold,
      streaks: this.#streaks.of(hold.lease),
      stream: { ...reference, streamIdentifier },
      origin: originOfStream(stream),
      initialPosition,
      processor: this.#processor,
      retrieval: around.reading.of(stream),
      system: this.#system,
      emit: this.#emit,
      budget: around.budget,
      leaseStore: around.leaseStore,
      shardEnds: around.shardEnds,
    });
    if (!isShardEnd(hold.lease.checkpoint)) return;
    this.#streaks.forget(hold.leaseKey);
    around.onShardEnd();
  }
}

/** How the shards of a worker are read, and the memory that they share. */
interface SharedReading {
  readonly reading: ShardReading;
  readonly budget: ByteBudget;
}

/** What the shards of a worker share besides: how they hear that one of them has ended, and tell it. */
interface ShardSurroundings extends SharedReading {
  readonly leaseStore: LeaseStore;
  readonly shardEnds: Bell;
  readonly onShardEnd: () => void;
}

/** The parts of a running worker. */
interface Team {
  readonly identity: Identity;
  /** The table as this process uses it. */
  readonly leaseStore: LeaseStore;
  readonly member: FleetMember;
  readonly keeper: LeaseKeeper;
  readonly cleaner: LeaseCleaner;
  readonly discovery: Bell;
  /** Says who gets which lease when it is handed over. */
  readonly bequeath: (heirs: ReadonlyMap<string, string>) => void;
}
