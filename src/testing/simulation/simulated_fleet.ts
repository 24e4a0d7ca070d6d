/**
 * The workers of a world: real ones, each in a process of its own, started, stopped, killed and paused.
 *
 * @module
 */

import type { WorkerEvent, WorkerEventListener } from "../../events.ts";
import { errorText } from "../../errors.ts";
import { MemoryCoordinatorStore } from "../../store/memory_coordinator_store.ts";
import type { RecordProcessor } from "../../consumer/record_processor.ts";
import { Totals } from "../../observe/totals.ts";
import type { Clock } from "../../system.ts";
import type { EdgeOptions } from "../../edge/slice_options.ts";
import type { WorkerOptions } from "../../options/options.ts";
import { KinesisWorker } from "../../worker/worker.ts";
import type { Chance } from "../model/chance.ts";
import type { DeliveryRules } from "./delivery_rules.ts";
import { Link, type Weather } from "./faults.ts";
import { fickleProcessor } from "./fickle_processor.ts";
import type { FleetOptions } from "./fleet_options.ts";
import type { History } from "./history.ts";
import { laneProcessor, type LaneProcessorOptions } from "./lane_processor.ts";
import type { LaneRules } from "./lane_rules.ts";
import type { LeaseRules } from "./lease_rules.ts";
import type { SharedTable } from "./shared_table.ts";
import { SimulatedLeaseStore } from "./simulated_lease_store.ts";
import { WORLD_EPOCH_MS } from "../model/simulated_stream.ts";
import type { StreamsService } from "./simulated_streams.ts";
import type { TickRules } from "./tick_rules.ts";
import { Ticker, type Ticks } from "./ticker.ts";
import { VirtualProcess } from "./virtual_process.ts";
import type { VirtualTime } from "./virtual_time.ts";
import { watchedLanes, watchedOptions } from "./watched_lanes.ts";
import { watchedProcessor } from "./watched_processor.ts";

/** The process that a processor runs in. */
export interface SimulatedMachine {
  /** The worker's name. */
  readonly workerId: string;
  /**
   * The only clock in virtual time; waiting for anything else lets the world continue without the processor.
   */
  readonly clock: Clock;
  /** Chance from the seed: uniform in [0, 1). */
  readonly random: () => number;
  /**
   * Blocks the process for this many ms, as a long computation does: nothing else runs in it. Await it
   * immediately.
   */
  readonly block: (ms: number) => Promise<void>;
}

/** Where workers live. */
export interface SimulatedFleetOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly history: History;
  readonly weather: Weather;
  readonly table: SharedTable;
  readonly kinesis: StreamsService;
  /** The options of the workers about streams. */
  readonly streams: Pick<WorkerOptions, "streamName" | "streams">;
  readonly rules: DeliveryRules;
  /** Which part of the scans and queries shows the past. */
  readonly staleReads: number;
  readonly options: FleetOptions;
  /** Where records finish in another order than theirs, or not at all: who watches that. */
  readonly lanes:
    | {
      readonly rules: LaneRules;
      readonly leases: LeaseRules;
      /** How the simulation's own processor ends its calls; undefined: as the one without lanes. */
      readonly processor: LaneProcessorOptions | undefined;
    }
    | undefined;
  /** Undefined: the simulation's own. */
  readonly processor: ((shardId: string, machine: SimulatedMachine) => RecordProcessor) | undefined;
  readonly onEvent: ((workerId: string, event: WorkerEvent) => void) | undefined;
  /** Undefined: each worker runs until it is stopped. */
  readonly ticking: { readonly ticks: Ticks; readonly rules: TickRules } | undefined;
}

/** A running worker. */
export interface Member {
  readonly workerId: string;
  /** Of a worker that runs in ticks: the process of the last one. */
  readonly machine: VirtualProcess;
  /** Undefined for a worker that runs until it is stopped. */
  readonly ticker: Ticker | undefined;
  readonly startedMs: number;
  /** What its events add up to, by its own clock: what its health is judged by. */
  readonly totals: Totals;
  /** Asks it to stop in order. */
  readonly stop: () => void;
  /** When it was asked. */
  stoppingMs: number | undefined;
  /** When it said that a newer process of its name has superseded it. */
  supersededMs: number | undefined;
}

/** See the module. */
export class SimulatedFleet {
  readonly #options: SimulatedFleetOptions;
  readonly #members = new Set<Member>();
  readonly #generations = new Map<string, number>();
  /** When a process of a tick was superseded; its worker goes on in the next one. */
  readonly #supersededSlices = new Map<string, number>();
  #pastMs = 0;

  constructor(options: SimulatedFleetOptions) {
    this.#options = options;
  }

  /** Those that run or are paused, stopping ones included. */
  get members(): readonly Member[] {
    return [...this.#members];
  }

  /** The workers that should work: not stopping and not superseded. */
  get active(): readonly Member[] {
    return this.members.filter((member) =>
      member.stoppingMs === undefined && member.supersededMs === undefined
    );
  }

  /** The ids of those of them that are not paused. */
  get running(): ReadonlySet<string> {
    const running = this.active.filter(({ machine }) => machine.state === "running");
    return new Set(running.map(({ workerId }) => workerId));
  }

  /** When a process was superseded; undefined while it was not, and once it is over. */
  supersededMs(machine: string): number | undefined {
    return this.#supersededSlices.get(machine) ??
      this.members.find((member) => member.machine.name === machine)?.supersededMs;
  }

  /** Virtual ms that all workers together have lived. */
  get livedMs(): number {
    const { nowMs } = this.#options.time;
    return this.members.reduce((sum, { startedMs }) => sum + nowMs - startedMs, this.#pastMs);
  }

  /** Starts a worker. Another process may run under the same id. */
  start(workerId: string): void {
    const { ticking, history, time } = this.#options;
    if (ticking !== undefined) return this.#startTicks(workerId, ticking);
    const { link, machine } = this.#process(workerId, false);
    const stopping = new AbortController();
    const member: Member = {
      workerId,
      machine,
      ticker: undefined,
      startedMs: time.nowMs,
      totals: new Totals(machine.clock),
      stop: () => {
        member.stoppingMs ??= time.nowMs;
        history.note(machine.name, undefined, "is to stop");
        machine.hear(() => stopping.abort(new Error("the script stops it")));
      },
      stoppingMs: undefined,
      supersededMs: undefined,
    };
    this.#members.add(member);
    history.note(machine.name, undefined, "starts");
    const worker = new KinesisWorker(this.#workerOptions(workerId, link, (event) => {
      if (event.type === "superseded") member.supersededMs = this.#options.time.nowMs;
      member.totals.listener(event);
    }));
    worker.run(stopping.signal).then(
      () => this.#ended(member, "has stopped"),
      (error) => this.#ended(member, `has failed: ${errorText(error)}`),
    );
  }

  #startTicks(workerId: string, { ticks, rules }: NonNullable<SimulatedFleetOptions["ticking"]>): void {
    const { time, history, weather, chance } = this.#options;
    const first = this.#process(workerId, true);
    let link: Link | undefined = first.link;
    const ticker: Ticker = new Ticker({
      ticks,
      time,
      chance: chance.fork(`ticks of ${first.machine.name}`),
      rules,
      isFoul: () => weather.has("deploys"),
      newProcess: () => {
        const next = link ?? this.#process(workerId, true).link;
        link = undefined;
        return next;
      },
      options: (link) =>
        this.#workerOptions(workerId, link, (event) => {
          if (event.type !== "superseded") return;
          ticker.spend(link.machine.name);
          this.#supersededSlices.set(link.machine.name, time.nowMs);
        }),
      onEnd: () => this.#ended(member, "has stopped"),
    });
    const member: Member = {
      workerId,
      get machine() {
        return ticker.machine;
      },
      ticker,
      startedMs: time.nowMs,
      totals: new Totals(first.machine.clock),
      stop: () => {
        member.stoppingMs ??= time.nowMs;
        history.note(workerId, undefined, "is to stop");
        ticker.stop();
      },
      stoppingMs: undefined,
      supersededMs: undefined,
    };
    this.#members.add(member);
    history.note(workerId, undefined, "ticks");
  }

  #process(
    workerId: string,
    standsStill: boolean,
  ): { readonly machine: VirtualProcess; readonly link: Link } {
    const { time, chance, weather } = this.#options;
    const generation = (this.#generations.get(workerId) ?? 0) + 1;
    this.#generations.set(workerId, generation);
    const own = chance.fork(`${workerId}#${generation}`);
    const machine = new VirtualProcess({
      name: `${workerId}#${generation}`,
      time,
      chance: own.fork("process"),
      epochMs: WORLD_EPOCH_MS + (weather.has("clocks") ? own.between(-3000, 3000) : 0),
      standsStill,
    });
    return { machine, link: new Link(machine, weather, own.fork("link")) };
  }

  kill(member: Member): void {
    member.ticker?.kill();
    member.machine.kill();
    this.#ended(member, "is killed");
  }

  #ended(member: Member, how: string): void {
    const { history, rules, time } = this.#options;
    history.note(member.machine.name, undefined, how);
    // A worker that has stopped must not call its processors any more; the call that it was in is over.
    member.machine.kill();
    rules.forget(member.machine.name);
    this.#options.lanes?.rules.forget(member.machine.name);
    if (this.#members.delete(member)) this.#pastMs += time.nowMs - member.startedMs;
  }

  #workerOptions(
    workerId: string,
    link: Link,
    listener: WorkerEventListener,
  ): Omit<EdgeOptions, "leases"> {
    const { table, kinesis, streams, rules, staleReads, options, onEvent } = this.#options;
    const { lanes, processor = () => ownProcessor(link, lanes?.processor) } = this.#options;
    const items = table.over(link, { staleReads });
    const { name: machine, system } = link.machine;
    const block = (ms: number) => link.machine.block(ms);
    const surroundings = { workerId, clock: system.clock, random: system.random, block };
    const isSkipping = (options.onProcessError ?? "skip") === "skip";
    const isPartial = options.errors?.partial ?? false;
    const watched = (processor: RecordProcessor) =>
      lanes === undefined
        ? watchedProcessor(processor, { machine, rules, isSkipping })
        : watchedLanes(processor, { machine, rules, lanes: lanes.rules, leases: lanes.leases, isPartial });
    return {
      ...(lanes === undefined ? options : watchedOptions(options, lanes.rules, machine)),
      ...streams,
      applicationName: "simulated",
      workerIdentifier: workerId,
      system,
      kinesis: kinesis.over(link),
      kinesisConsumers: kinesis.consumersOver(link),
      leaseStore: new SimulatedLeaseStore(items),
      coordinatorStore: new MemoryCoordinatorStore(items),
      processor: (shardId) => watched(processor(shardId, surroundings)),
      log: false,
      onEvent: (event) => {
        this.#note(machine, event);
        listener(event);
        onEvent?.(workerId, event);
      },
    };
  }

  #note(machine: string, event: WorkerEvent): void {
    const { history } = this.#options;
    switch (event.type) {
      // The rules report these themselves.
      case "callbackStarted":
      case "callbackEnded":
      case "leaseRenewed":
      case "eventLoopTurned":
      case "passEnded":
      case "streamDescribed":
      case "leasesDiscovered":
      case "coverageAudited":
      case "fleetAudited":
      case "leaderSeen":
        return;
      case "faultBegan":
      case "faultEnded":
        return history.note(machine, event.leaseKey, `${event.type} ${event.code}`);
      default: {
        const leaseKey = "leaseKey" in event ? event.leaseKey : undefined;
        const why = "reason" in event ? ` ${event.reason}` : "text" in event ? ` ${event.text}` : "";
        const error = "error" in event && event.error !== undefined ? `: ${errorText(event.error)}` : "";
        history.note(machine, leaseKey, `${event.type}${why}${error}`, ROUTINE.has(event.type));
      }
    }
  }
}

function ownProcessor(link: Link, lanes: LaneProcessorOptions | undefined): RecordProcessor {
  return lanes === undefined ? fickleProcessor(link) : laneProcessor(link, lanes);
}

/** Events that come all the time. */
const ROUTINE: ReadonlySet<WorkerEvent["type"]> = new Set([
  "assignmentPass",
  "pageFetched",
  "passFailed",
  "passRecovered",
]);
