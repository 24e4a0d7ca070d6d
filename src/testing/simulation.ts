/**
 * Runs a whole fleet of real workers in virtual time, from one seed, and checks after each step what must always hold.
 *
 * @module
 */

import { isShardEnd } from "../stream/sequence_number.ts";
import { Chance } from "./chance.ts";
import { DeliveryRules } from "./delivery_rules.ts";
import { type FaultRates, Weather } from "./faults.ts";
import { endScript, startScript } from "./fleet_script.ts";
import { History, type Violation } from "./history.ts";
import { LeaseRules } from "./lease_rules.ts";
import { SharedTable } from "./shared_table.ts";
import { failoverTimeMs, handoffTimeoutMs, SimulatedFleet } from "./simulated_fleet.ts";
import { KinesisService } from "./simulated_kinesis.ts";
import { SimulatedStream } from "./simulated_stream.ts";
import { VirtualTime } from "./virtual_time.ts";

/** What to run. */
export interface SimulationOptions {
  readonly seed: number;
  /**
   * For how many virtual minutes things go wrong, before the world must come to order.
   *
   * @default {8}
   */
  readonly minutes?: number | undefined;
}

/** What came of it. */
export interface SimulationResult {
  readonly seed: number;
  /** The first rule that was broken; undefined: none was. */
  readonly violation: Violation | undefined;
  /** Equal for equal runs. */
  readonly fingerprint: string;
  /** How many things happened. */
  readonly steps: number;
  readonly virtualMs: number;
  /** Virtual hours that all workers together have lived. */
  readonly workerHours: number;
  /** User records put, all of which were processed unless a rule was broken. */
  readonly records: number;
  /** How long it took to come to order once the faults had ended, in virtual ms; undefined when it did not. */
  readonly settledMs: number | undefined;
}

/**
 * Once all faults have ended, everything must be processed and each shard be read within so many ms: two leases that
 * run out (the leader's and a shard's), back-offs of up to 30 s each in a row, and some generations of shards.
 */
const orderMs = 180_000;
/** A handoff that is pending must be over so long after the faults have ended. */
const handoffMs = 2 * (handoffTimeoutMs + failoverTimeMs);
/** A worker that is told to stop must have stopped within so many ms: some farewells of 2 s each, and the batch at hand. */
const stopMs = 20_000;

/** So many things may happen at one moment; a process that was paused for a minute has missed some hundreds. */
const maxStepsAtOnce = 10_000;

/** Runs one. */
export async function simulate({ seed, minutes = 8 }: SimulationOptions): Promise<SimulationResult> {
  const world = new World(seed, minutes * 60_000);
  const settledMs = await world.run();
  const { time, history, fleet, stream } = world;
  return {
    seed,
    violation: history.violation,
    fingerprint: history.fingerprint,
    steps: time.steps,
    virtualMs: time.nowMs,
    workerHours: fleet.livedMs / 3_600_000,
    records: stream.total,
    settledMs,
  };
}

class World {
  readonly time: VirtualTime = new VirtualTime();
  readonly history: History = new History(this.time);
  readonly stream: SimulatedStream;
  readonly fleet: SimulatedFleet;
  readonly #activeMs: number;
  readonly #leases: LeaseRules;
  readonly #deliveries: DeliveryRules;
  readonly #end: () => void;
  #phase: "faults" | "order" | "stop" | "over" = "faults";
  #settledMs: number | undefined;
  #moved = { atMs: 0, step: 0 };

  constructor(seed: number, activeMs: number) {
    const { time, history } = this;
    const chance = new Chance(`seed ${seed}`);
    const stream = this.stream = new SimulatedStream(chance.fork("stream"), 1 + chance.below(4));
    const weather = new Weather(time, ratesOf(chance.fork("weather")));
    const rules = this.#deliveries = new DeliveryRules({
      time,
      history,
      stream,
      failoverTimeMs,
      leases: () => this.#leases,
    });
    const leases = this.#leases = new LeaseRules({
      time,
      history,
      stream,
      failoverTimeMs,
      handoffTimeoutMs,
      processedOf: (shardId) => rules.processedOf(shardId),
      workerOf: (machine) => machine.replace(/#\d+$/, ""),
    });
    const table = new SharedTable(time, leases);
    const kinesis = new KinesisService(stream, time);
    const staleScans = chance.between(0, 0.3);
    const shared = { time, history, weather, kinesis };
    const fleet = this.fleet = new SimulatedFleet({
      ...shared,
      chance: chance.fork("fleet"),
      table,
      rules,
      staleScans,
    });
    const script = { ...shared, chance: chance.fork("script"), stream, fleet, activeMs };
    this.#activeMs = activeMs;
    this.#end = () => endScript(script);
    startScript(script);
  }

  /** @returns after how many ms the world had come to order. */
  async run(): Promise<number | undefined> {
    this.time.after(this.#activeMs, () => {
      this.#end();
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
    else if (steps - this.#moved.step > maxStepsAtOnce) {
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
        this.#checkHandoffs(passedMs);
        const missing = this.#missing();
        if (missing === undefined) {
          this.#settledMs = passedMs;
          this.#phase = "stop";
          for (const member of this.fleet.members) member.stop();
        } else if (passedMs > orderMs) {
          this.history.violated("orderReturns", missing.leaseKey, missing.what);
        }
        return;
      }
      case "stop":
        if (this.fleet.members.length === 0) this.#phase = "over";
        for (const { stoppingMs = 0, machine } of this.fleet.members) {
          if (this.time.nowMs - stoppingMs <= stopMs) continue;
          this.history.violated("stopsInTime", undefined, `${machine.name} still runs`);
        }
    }
  }

  #checkHandoffs(passedMs: number): void {
    for (const { leaseKey } of this.#leases.leases) {
      const sinceMs = this.#leases.handoffSinceMs(leaseKey);
      if (sinceMs === undefined || Math.min(passedMs, this.time.nowMs - sinceMs) <= handoffMs) continue;
      this.history.violated("handoffsEnd", leaseKey, `it has been pending since ${sinceMs} ms`);
    }
  }

  /** What is not in order yet. */
  #missing(): { readonly leaseKey: string | undefined; readonly what: string } | undefined {
    const running = new Set(this.fleet.members.map(({ workerId }) => workerId));
    for (const { shardId, endingSequenceNumber } of this.stream.shards.values()) {
      if (endingSequenceNumber !== undefined) {
        if (!this.#leases.hasEnded(shardId)) return { leaseKey: shardId, what: "SHARD_END is not stored" };
        continue;
      }
      const lease = this.#leases.leaseOf(shardId);
      if (lease === undefined) return { leaseKey: shardId, what: "it has no lease" };
      if (isShardEnd(lease.checkpoint) || !running.has(lease.leaseOwner ?? "")) {
        return { leaseKey: shardId, what: `nobody reads it: its owner is ${lease.leaseOwner ?? "none"}` };
      }
    }
    const { count } = this.#deliveries, { total } = this.stream;
    if (count === total) return undefined;
    const behind = [...this.stream.shards.values()].find(({ shardId, positions }) =>
      this.#deliveries.processedOf(shardId) < positions.length
    );
    return { leaseKey: behind?.shardId, what: `${count} of ${total} records were processed` };
  }
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
