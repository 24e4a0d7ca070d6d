/**
 * A world: time, a stream, a lease table and a fleet, put together from one seed, run to its end, and watched
 * on the way.
 *
 * @module
 */

import type { WorkerEvent } from "../../events.ts";
import type { RecordProcessor } from "../../consumer/record_processor.ts";
import { METRICS_REPORT_INTERVAL_S } from "../../lease/live_workers.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";
import type { WorkerOptions } from "../../options/options.ts";
import { settingsOf } from "../../options/settings.ts";
import { Chance } from "../model/chance.ts";
import { DeliveryRules } from "./delivery_rules.ts";
import { DrainRules } from "./drain_rules.ts";
import { type Fault, type FaultRates, Weather } from "./faults.ts";
import type { FleetOptions } from "./fleet_options.ts";
import { drawnLanes } from "./lane_options.ts";
import { LaneRules } from "./lane_rules.ts";
import { endScript, type ScriptOptions, startScript } from "./fleet_script.ts";
import { formerLeases } from "./former_leases.ts";
import { HealthRules, noticeMs } from "./health_rules.ts";
import { History } from "./history.ts";
import { leaseIn, LeaseRules } from "./lease_rules.ts";
import { Progress } from "./processed_records.ts";
import { ReadingRules } from "./reading_rules.ts";
import { ReportRules } from "./report_rules.ts";
import { SharedTable, type TableWatcher } from "./shared_table.ts";
import { SimulatedFleet, type SimulatedMachine } from "./simulated_fleet.ts";
import { type SimulatedStreams, simulatedStreams, StreamsService } from "./simulated_streams.ts";
import { TickRules } from "./tick_rules.ts";
import type { Ticks } from "./ticker.ts";
import { VirtualTime } from "./virtual_time.ts";
import { haveLanes, lanesOf } from "./watched_lanes.ts";

/** What a world is made of. Undefined values are drawn from the seed. */
export interface WorldOptions {
  readonly chance: Chance;
  readonly activeMs: number;
  readonly workers: number | undefined;
  readonly shards: number | undefined;
  readonly streams: number;
  readonly faults: readonly Fault[];
  readonly fleet: FleetOptions;
  /** Undefined: workers run until they are stopped. */
  readonly ticks: Ticks | undefined;
  /** Whether error policies, lanes and filters are drawn from the seed. */
  readonly drawsLanes?: boolean | undefined;
  readonly putEveryMs: readonly [number, number];
  readonly payload: (key: string, step: number) => Uint8Array;
  readonly processor: ((shardId: string, machine: SimulatedMachine) => RecordProcessor) | undefined;
  readonly onTransact: ((leaseKey: string, writes: readonly object[]) => void) | undefined;
  readonly onEvent: ((workerId: string, event: WorkerEvent) => void) | undefined;
}

/** How long a stopping worker may take, in ms: some steps of 2 s each, and the batch at hand. */
const STOP_MS = 20_000;
/**
 * How many things may happen at one moment; a process that was paused for a minute has missed some hundreds.
 */
const MAX_STEPS_AT_ONCE = 10_000;

/** See the module. */
export class World {
  readonly time: VirtualTime = new VirtualTime();
  readonly history: History = new History(this.time);
  readonly streams: SimulatedStreams;
  readonly fleet: SimulatedFleet;
  readonly #activeMs: number;
  /**
   * After this many ms without faults, everything must be processed and each shard be read. That is two
   * leases that expire (the leader's and a shard's) and back-offs of up to 30 s each in a row. Added are a
   * subscription that is silent for a minute, and some generations of shards.
   */
  readonly #orderMs: number;
  /**
   * A pending handoff must be over this many ms after the faults have ended. That is its own time, plus a
   * worker's time until its next report. Before that report there may be no worker that a leader could give a
   * lease to.
   */
  readonly #handoffMs: number;
  readonly #leases: LeaseRules;
  readonly #reports: ReportRules;
  readonly #drains: DrainRules;
  readonly #health: HealthRules;
  /** Whether all faults that workers report are over once all is in order. */
  readonly #isHealthDue: boolean;
  readonly #progress: Progress;
  readonly #lanes: LaneRules | undefined;
  readonly #script: ScriptOptions;
  readonly #ticks: Ticks | undefined;
  readonly #chance: Chance;
  #phase: "faults" | "order" | "stop" | "over" = "faults";
  #settledMs: number | undefined;
  #inOrderMs: number | undefined;
  #moved = { atMs: 0, step: 0 };

  constructor(options: WorldOptions) {
    const { time, history } = this;
    const { chance, activeMs, faults } = options;
    const drawn = options.drawsLanes ? drawnLanes(chance.fork("lanes"), () => weather) : undefined;
    const fleetOptions = withLanes(options.fleet, drawn?.options);
    const settings = settingsOf({
      ...fleetOptions,
      applicationName: "simulated",
      streamName: "simulated",
      processor: () => ({ processRecords() {}, shardEnded() {} }),
    });
    const { failoverTimeMs, handoffTimeoutMs, gracefulHandoff: isHandoffGraceful } = settings.assignment;
    const { finding: { initialPosition }, reading: { maxBufferedBytes } } = settings;
    this.#chance = chance;
    this.#handoffMs = 2 * (handoffTimeoutMs + failoverTimeMs) + METRICS_REPORT_INTERVAL_S * 1000;
    const shardCount = options.shards ?? 1 + chance.below(4);
    const { payload } = options;
    const streams = this.streams = simulatedStreams({ chance, count: options.streams, shardCount, payload });
    const progress = this.#progress = new Progress(streams, initialPosition);
    const workerOf = (machine: string) => machine.replace(/#\d+$/, "");
    const watch = {
      ...{ time, history, streams, failoverTimeMs, handoffTimeoutMs, isHandoffGraceful, progress },
      workerOf,
      supersededMs: (machine: string) => this.fleet.supersededMs(machine),
    };
    const leases = this.#leases = new LeaseRules({
      ...watch,
      isGone: (workerId) =>
        this.#phase === "order" && !this.fleet.members.some((member) => member.workerId === workerId),
    });
    const reports = this.#reports = new ReportRules({
      time,
      history,
      workerOf,
      // A superseded worker does not report any more.
      startedMs: (workerId) =>
        this.fleet.members.find((member) => member.workerId === workerId && member.supersededMs === undefined)
          ?.startedMs,
    });
    const drains = this.#drains = new DrainRules({
      ...{ time, history, failoverTimeMs, leaseIn },
      isFair: !faults.includes("clocks") && fleetOptions.maxLeasesForWorker === undefined,
      running: () => this.fleet.running,
    });
    const ticks = this.#ticks = options.ticks;
    const ticking = ticks && {
      ticks,
      rules: new TickRules({ time, history, isHeld: ticks.leases === "hold" }),
    };
    const mustStore = drawn?.processor.isAuto ?? false;
    const { attempts = 0, park } = settings.failures?.errors ?? {};
    const limits = { ...lanesOf(fleetOptions), park: park && { attempts, ...park } };
    const hasLanes = haveLanes(fleetOptions);
    const reading = new ReadingRules({ time, history, maxBufferedBytes, hasLanes });
    const lanes = this.#lanes = hasLanes
      ? new LaneRules({ time, history, streams, progress, reading, mustStore, ...limits })
      : undefined;
    const watcher: TableWatcher = {
      sent: (by, key, update) => leases.sent(by, key, update),
      applied(write) {
        leases.applied(write);
        reports.applied(write);
        drains.applied(write);
        ticking?.rules.applied(write);
        const lease = leases.leaseOf(write.key);
        if (lease !== undefined) lanes?.written(write.by, lease);
      },
      transacted: options.onTransact,
    };
    const rules = new DeliveryRules({ ...watch, reading, leases: () => leases });
    const weather = new Weather({
      time,
      faults,
      rates: ratesOf(chance.fork("weather")),
      patienceMs: Math.max(500, failoverTimeMs / 4),
    });
    const rare = chance.fork("rare faults");
    const isRefused = weather.has("refusals") && rare.happens(0.04);
    // At LATEST it cannot be known in the end which records former leases have hidden, and which were never
    // to be read.
    const hasFormerLeases = weather.has("formerLeases") && rare.happens(isRefused ? 0.5 : 0.08) &&
      streams.all.length === 1 && initialPosition !== "LATEST";
    const { leaseAuditIntervalMs } = settings.leadership;
    const refusedMs = isRefused ? noticeMs({ failoverTimeMs, leaseAuditIntervalMs }) + 30_000 : 0;
    const listableFromMs = isRefused ? activeMs + refusedMs : 0;
    weather.refuseListings(listableFromMs);
    const health = this.#health = new HealthRules({
      time,
      history,
      streams,
      leases,
      failoverTimeMs,
      leaseAuditIntervalMs,
      listableFromMs,
    });
    // Whoever ticks has no health of its own: each slice says how it went.
    this.#isHealthDue = !hasFormerLeases && ticks === undefined;
    this.#orderMs = 120_000 + 6 * failoverTimeMs + refusedMs + (hasFormerLeases ? health.noticeMs : 0);
    const table = new SharedTable(time, watcher);
    const knowsFilters = chance.happens(0.7);
    const kinesis = new StreamsService({ streams, time, rules: reading, knowsFilters });
    const shared = { time, history, weather, kinesis };
    const fleet = this.fleet = new SimulatedFleet({
      ...shared,
      chance: chance.fork("fleet"),
      table,
      streams: this.#told(),
      rules,
      staleReads: chance.between(0, 0.3),
      options: fleetOptions,
      lanes: lanes === undefined ? undefined : { rules: lanes, leases, processor: drawn?.processor },
      processor: options.processor,
      onEvent: options.onEvent,
      ticking,
    });
    if (hasFormerLeases) { for (const item of formerLeases(streams.all)) table.begin(item); }
    this.#activeMs = activeMs;
    this.#script = {
      ...shared,
      chance: chance.fork("script"),
      streams,
      fleet,
      leases,
      drains,
      table,
      failoverTimeMs,
      size: options.workers ?? 1 + chance.below(4),
      isLate: initialPosition !== "TRIM_HORIZON",
      putEveryMs: options.putEveryMs,
      activeMs,
    };
  }

  /**
   * The options of workers about streams. If there are many, the list lacks one from time to time: a worker
   * of another release.
   */
  #told(): Pick<WorkerOptions, "streamName" | "streams"> {
    const names = this.streams.all.map(({ streamName }) => streamName);
    const [streamName] = names;
    if (names.length === 1) return { streamName };
    const chance = this.#chance.fork("listed streams");
    return {
      streams: () => {
        const isShort = this.#phase === "faults" && chance.happens(0.2);
        const missing = isShort ? chance.below(names.length) : undefined;
        return names.filter((_, index) => index !== missing);
      },
    };
  }

  /** @returns after how many ms the world had come to order. */
  async run(): Promise<number | undefined> {
    startScript(this.#script);
    this.time.after(this.#activeMs, () => {
      endScript(this.#script);
      this.#phase = "order";
    });
    this.#tick();
    await this.time.run(() => {
      this.#checkProgress();
      return this.history.violation === undefined && this.#phase !== "over";
    });
    return this.#settledMs;
  }

  #checkProgress(): void {
    const { nowMs, steps } = this.time;
    if (nowMs !== this.#moved.atMs) this.#moved = { atMs: nowMs, step: steps };
    else if (steps - this.#moved.step > MAX_STEPS_AT_ONCE) {
      this.history.violated("timeGoesOn", undefined, "something goes round and round without waiting");
    }
  }

  /** Looks at the whole each second, once the faults have ended. */
  #tick(): void {
    this.time.after(1000, () => {
      this.#look();
      this.#tick();
    });
  }

  #look(): void {
    const passedMs = this.time.nowMs - this.#activeMs;
    switch (this.#phase) {
      case "faults":
      case "over":
        return;
      case "order": {
        // The last worker may have used up the attempts of its start while the faults lasted; a supervisor
        // starts another. The same holds if the remaining workers have been superseded by others that are
        // over by now.
        if (this.fleet.active.length === 0) this.fleet.start("last");
        this.#checkHandoffs(passedMs);
        if (this.#ticks === undefined) this.#health.look(this.fleet.members);
        const missing = this.#missing();
        if (missing === undefined) {
          this.#settledMs ??= passedMs;
          if (this.#areFaultsOver(this.#inOrderMs ??= passedMs, passedMs)) {
            this.#phase = "stop";
            for (const member of this.fleet.members) member.stop();
          }
        } else if (passedMs > this.#orderMs) {
          this.history.violated("orderReturns", missing.leaseKey, missing.what);
        }
        return;
      }
      case "stop":
        if (this.fleet.members.length === 0) this.#phase = "over";
        for (const { stoppingMs = 0, machine } of this.fleet.members) {
          if (this.time.nowMs - stoppingMs <= STOP_MS) continue;
          this.history.violated("stopsInTime", undefined, `${machine.name} still runs`);
        }
    }
  }

  /**
   * Whether all workers are healthy again. Workers that are leaving do not count, and neither do those with a
   * name that another worker has.
   */
  #areFaultsOver(inOrderMs: number, passedMs: number): boolean {
    if (!this.#isHealthDue) return true;
    const faulty = this.fleet.members.find((member) =>
      member.stoppingMs === undefined && member.supersededMs === undefined && !this.#health.isHealthy(member)
    );
    if (faulty === undefined) return true;
    if (passedMs - inOrderMs <= this.#health.noticeMs) return false;
    const faults = this.#health.faultsOf(faulty.totals).join("; ");
    this.history.violated(
      "faultsEnd",
      undefined,
      `all is in order, and ${faulty.machine.name} says: ${faults}`,
    );
    return false;
  }

  #checkHandoffs(passedMs: number): void {
    for (const { leaseKey } of this.#leases.leases) {
      const sinceMs = this.#leases.handoffSinceMs(leaseKey);
      if (sinceMs === undefined || Math.min(passedMs, this.time.nowMs - sinceMs) <= this.#handoffMs) continue;
      this.history.violated("handoffsEnd", leaseKey, `it has been pending since ${sinceMs} ms`);
    }
  }

  /** What is not in order yet. */
  #missing(): { readonly leaseKey: string | undefined; readonly what: string } | undefined {
    const running = new Set(this.fleet.active.map(({ workerId }) => workerId));
    for (const { leaseKey, endingSequenceNumber, steps } of this.streams.shards) {
      const lease = this.#leases.leaseOf(leaseKey);
      const isOver = endingSequenceNumber !== undefined;
      if (isOver && !this.#leases.hasEnded(leaseKey) && !this.#progress.isExempt(leaseKey)) {
        return { leaseKey, what: "SHARD_END is not stored" };
      }
      const owner = lease?.leaseOwner;
      const isFree = this.#ticks?.leases === "relay" && owner === undefined; // between two slices
      const isRead = isFree || running.has(owner ?? "");
      if (!isOver && (lease === undefined || isShardEnd(lease.checkpoint) || !isRead)) {
        return { leaseKey, what: lease === undefined ? "it has no lease" : `nobody reads it: ${owner}` };
      }
      const processed = this.#progress.processedOf(leaseKey);
      if (processed < steps.length) {
        return { leaseKey, what: `${processed} of ${steps.length} records were processed` };
      }
      const stored = this.#lanes?.mustStore ? this.#lanes.storedOf(lease) : steps.length;
      if (!isOver && stored < steps.length) {
        return { leaseKey, what: `the checkpoint stands at ${stored} of ${steps.length} records` };
      }
    }
    const undrained = this.#ticks === undefined ? this.#drains.undrained(running) : undefined;
    if (undrained !== undefined) {
      const { leaseKey, leaseOwner } = undrained;
      return { leaseKey, what: `${leaseOwner} is drained, and another worker could have it` };
    }
    const [left] = this.#reports.leftBehind;
    // A leader of one slice has not watched a worker for long enough to say that it is gone.
    if (left !== undefined && this.#ticks === undefined) {
      return { leaseKey: undefined, what: `${left} is gone, and its item is still there` };
    }
    return undefined;
  }
}

/** An error policy takes the place of `onProcessError`. */
function withLanes(fleet: FleetOptions, lanes: FleetOptions | undefined): FleetOptions {
  if (lanes === undefined) return fleet;
  const { onProcessError: _, ...rest } = fleet;
  return { ...rest, ...lanes };
}

/** From fair weather to foul. */
function ratesOf(chance: Chance): FaultRates {
  const foulness = chance.next();
  const rate = (most: number) => foulness * chance.between(0, most);
  return {
    throttled: rate(0.08),
    refused: rate(0.05),
    answerLost: rate(0.06),
    slow: rate(0.06),
    late: rate(0.04),
    doubled: rate(0.06),
  };
}
