/**
 * The workers of a world: real ones, each in a process of its own, started, stopped, killed and paused.
 *
 * @module
 */

import type { WorkerEvent } from "../events.ts";
import { errorText } from "../errors.ts";
import { MemoryCoordinatorStore } from "../store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../store/memory_lease_store.ts";
import { MemoryTable } from "../store/memory_table.ts";
import { KinesisWorker } from "../worker/worker.ts";
import type { Chance } from "./chance.ts";
import { checkingProcessor } from "./checking_processor.ts";
import type { DeliveryRules } from "./delivery_rules.ts";
import { Link, type Weather } from "./faults.ts";
import type { History } from "./history.ts";
import type { SharedTable } from "./shared_table.ts";
import type { KinesisService } from "./simulated_kinesis.ts";
import { VirtualProcess } from "./virtual_process.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** Failover time of all workers, in ms: the default. */
export const failoverTimeMs = 10_000;
/** How long an owner may drain, in ms: the default. */
export const handoffTimeoutMs = 30_000;

/** Where workers live. */
export interface FleetOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly history: History;
  readonly weather: Weather;
  readonly table: SharedTable;
  readonly kinesis: KinesisService;
  readonly rules: DeliveryRules;
  /** Which part of the scans shows the past. */
  readonly staleScans: number;
}

/** A running worker. */
export interface Member {
  readonly workerId: string;
  readonly machine: VirtualProcess;
  readonly startedMs: number;
  /** Asks it to stop in order. */
  readonly stop: () => void;
  /** When it was asked. */
  stoppingMs: number | undefined;
}

/** See the module. */
export class SimulatedFleet {
  readonly #options: FleetOptions;
  readonly #members = new Set<Member>();
  readonly #generations = new Map<string, number>();
  #pastMs = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Those that run or are paused, stopping ones included. */
  get members(): readonly Member[] {
    return [...this.#members];
  }

  /** Virtual ms that all workers together have lived. */
  get livedMs(): number {
    const { nowMs } = this.#options.time;
    return this.members.reduce((sum, { startedMs }) => sum + nowMs - startedMs, this.#pastMs);
  }

  /** Starts a worker. At most one process may have the id at a time. */
  start(workerId: string): void {
    const { time, chance, history, weather } = this.#options;
    const generation = (this.#generations.get(workerId) ?? 0) + 1;
    this.#generations.set(workerId, generation);
    const own = chance.fork(`${workerId}#${generation}`);
    const machine = new VirtualProcess({
      name: `${workerId}#${generation}`,
      time,
      chance: own.fork("process"),
      epochMs: Date.UTC(2026, 0, 30, 12) + own.between(-3000, 3000),
    });
    const link = new Link(machine, weather, own.fork("link"));
    const stopping = new AbortController();
    const member: Member = {
      workerId,
      machine,
      startedMs: time.nowMs,
      stop: () => {
        member.stoppingMs ??= time.nowMs;
        history.note(machine.name, undefined, "is to stop");
        machine.hear(() => stopping.abort(new Error("the script stops it")));
      },
      stoppingMs: undefined,
    };
    this.#members.add(member);
    history.note(machine.name, undefined, "starts");
    this.#worker(workerId, link).run(stopping.signal).then(
      () => this.#ended(member, "has stopped"),
      (error) => this.#ended(member, `has failed: ${errorText(error)}`),
    );
  }

  kill(member: Member): void {
    member.machine.kill();
    this.#ended(member, "is killed");
  }

  #ended(member: Member, how: string): void {
    const { history, rules, time } = this.#options;
    history.note(member.machine.name, undefined, how);
    // One that has stopped must not call its processors any more; what it was inside of is over.
    member.machine.kill();
    rules.forget(member.machine.name);
    if (this.#members.delete(member)) this.#pastMs += time.nowMs - member.startedMs;
  }

  #worker(workerIdentifier: string, link: Link): KinesisWorker {
    const { table, kinesis, rules, staleScans } = this.#options;
    const items = table.over(link, { staleScans });
    return new KinesisWorker({
      applicationName: "simulated",
      streamName: "words",
      region: "us-east-1",
      workerIdentifier,
      failoverTimeMs,
      gracefulLeaseHandoffTimeoutMs: handoffTimeoutMs,
      initialPositionInStream: "TRIM_HORIZON",
      onProcessError: "retry",
      leaseCleanupIntervalMs: 20_000,
      system: link.machine.system,
      kinesis: kinesis.over(link),
      leaseStore: new MemoryLeaseStore(new MemoryTable("leases"), items),
      coordinatorStore: new MemoryCoordinatorStore(items),
      processor: () => checkingProcessor({ link, rules }),
      onEvent: (event) => this.#note(link.machine.name, event),
    });
  }

  #note(machine: string, event: WorkerEvent): void {
    const { history } = this.#options;
    switch (event.type) {
      // The rules tell of these themselves.
      case "callbackStarted":
      case "callbackEnded":
      case "leaseRenewed":
        return;
      default: {
        const leaseKey = "leaseKey" in event ? event.leaseKey : undefined;
        const why = "reason" in event ? ` ${event.reason}` : "text" in event ? ` ${event.text}` : "";
        const error = "error" in event && event.error !== undefined ? `: ${errorText(event.error)}` : "";
        history.note(machine, leaseKey, `${event.type}${why}${error}`);
      }
    }
  }
}
