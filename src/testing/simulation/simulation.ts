/**
 * Runs a whole fleet of real workers in virtual time, from one seed, and checks after each step what must
 * always hold.
 *
 * @module
 */

import type { RecordProcessor } from "../../consumer/record_processor.ts";
import type { WorkerEvent } from "../../events.ts";
import { refuseUnknownNames } from "../../nearest_name.ts";
import type { TransactWrite } from "../../transact/transact_write.ts";
import { Chance } from "../model/chance.ts";
import { ALL_FAULTS, type Fault } from "./faults.ts";
import { DEFAULT_FLEET_OPTIONS, type FleetOptions, variedOptions } from "./fleet_options.ts";
import type { Violation } from "./history.ts";
import type { SimulatedMachine } from "./simulated_fleet.ts";
import { drawnTicks } from "./ticker.ts";
import { World } from "./world.ts";

/** What to run. Only the seed must be given. */
export interface SimulationOptions {
  /** A whole number. Equal options with equal seeds run equally, step by step. */
  readonly seed: number;
  /**
   * For how many virtual minutes things go wrong, before the world must come to order.
   *
   * @default {8} with `"varied"` options from the seed: 0.5 to 8
   */
  readonly minutes?: number | undefined;
  /**
   * How many workers the fleet should have; crashes and deploys make it fewer at times.
   *
   * @default from the seed: 1 to 4
   */
  readonly workers?: number | undefined;
  /**
   * How many shards the stream begins with.
   *
   * @default from the seed: 1 to 4
   */
  readonly shards?: number | undefined;
  /**
   * How many streams the workers read; each begins with `shards`.
   *
   * @default {1}, or with `"varied"` options from the seed
   */
  readonly streams?: number | undefined;
  /**
   * What may go wrong; `[]` for fair weather.
   *
   * @default {ALL_FAULTS}
   */
  readonly faults?: readonly Fault[] | undefined;
  /**
   * Makes the processor under test, as a worker's `processor` does; gets the process that it runs in, for its
   * clock. All processors of all workers are made here: what they share stands for a database.
   *
   * It may wait for `machine.clock.sleep`, for its context, and for promises that settle by themselves.
   * Anything else (real timers, `fetch`, Web Crypto, files) takes no virtual time and ends at a moment that
   * no seed decides.
   *
   * @default one that is slow, fails, and checkpoints as it likes
   */
  readonly processor?: ((shardId: string, machine: SimulatedMachine) => RecordProcessor) | undefined;
  /**
   * What a record holds: the `step`th record of its partition key, from 1. Records of a key come in this
   * order.
   *
   * @default `<partition key>:<step>` in UTF-8
   */
  readonly payload?: ((partitionKey: string, step: number) => Uint8Array | string) | undefined;
  /**
   * Options of all workers, or `"varied"` to have them drawn from the seed as well.
   *
   * @default {{ initialPositionInStream: "TRIM_HORIZON" }}
   */
  readonly options?: FleetOptions | "varied" | undefined;
  /**
   * Whether the workers run in slices of an `EdgeWorker`, which a platform's ticks set going: of random
   * length, lost and doubled, overlapping, in processes that remember nothing. The failover time is then
   * 60,000 ms, and polling the way of reading.
   *
   * @default {false} with `"varied"` options: for each fifth seed, those that leave 4 when divided by 5
   */
  readonly ticks?: boolean | undefined;
  /**
   * Receives the writes of each `ShardContext.transact`, at the moment at which they are applied: what it
   * keeps stands for the tables. Their conditions are not looked at.
   */
  readonly onTransact?: ((leaseKey: string, writes: readonly TransactWrite[]) => void) | undefined;
  /** Receives each event of each worker. */
  readonly onEvent?: ((workerId: string, event: WorkerEvent) => void) | undefined;
}

/** What came of it. */
export interface SimulationResult {
  /** The seed of the simulation. */
  readonly seed: number;
  /** The first rule that was broken; undefined: none was. */
  readonly violation: Violation | undefined;
  /** Equal for equal runs. */
  readonly fingerprint: string;
  /** How many things happened. */
  readonly steps: number;
  /** How much virtual time passed, in ms. */
  readonly virtualMs: number;
  /** Virtual hours that all workers together have lived. */
  readonly workerHours: number;
  /**
   * User records put, all of which were processed unless a rule was broken (or lie before the initial
   * position).
   */
  readonly records: number;
  /**
   * How long it took to come to order once the faults had ended, in virtual ms; undefined when it did not.
   */
  readonly settledMs: number | undefined;
}

/** Which part of the varied worlds has error policies, lanes and filters. */
const LANES = 0.35;
/** Which part of them has an operator who drains workers. */
const DRAINS = 0.3;
/** Virtual ms between two puts, from and to. */
const PUT_EVERY_MS = [50, 1500] as const;

/**
 * Runs one world to its end, or until a rule is broken.
 *
 * @throws {TypeError} or {@linkcode RangeError} when an option cannot be used.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, faults, workers, shards, processor, onTransact, onEvent } = options;
  const { payload = (key, step) => `${key}:${step}` } = options;
  check(options);
  const chance = new Chance(`seed ${seed}`);
  const isVaried = options.options === "varied";
  const isTicking = options.ticks ?? (isVaried && seed % 5 === 4);
  // Beginnings and ends are where most goes wrong: short worlds have more of them.
  const minutes = options.minutes ?? (isVaried ? chance.fork("minutes").pick([0.5, 1, 1, 2, 4, 8]) ?? 8 : 8);
  const world = new World({
    chance,
    activeMs: minutes * 60_000,
    workers,
    shards,
    streams: options.streams ?? (isVaried && chance.fork("streams").happens(0.2) ? 2 : 1),
    faults: faults ?? (isVaried ? withDrains(someFaults(chance), seed) : ALL_FAULTS),
    fleet: isTicking ? ticking(fleetOptions(options, chance)) : fleetOptions(options, chance),
    ticks: isTicking ? drawnTicks(chance.fork("ticks")) : undefined,
    // A source of its own: worlds without lanes stay as they were.
    drawsLanes: isVaried && !isTicking && processor === undefined &&
      new Chance(`lanes ${seed}`).happens(LANES),
    putEveryMs: PUT_EVERY_MS,
    payload(key, step) {
      const made = payload(key, step);
      return typeof made === "string" ? new TextEncoder().encode(made) : made;
    },
    processor,
    onTransact: (leaseKey, writes) => onTransact?.(leaseKey, writes as readonly TransactWrite[]),
    onEvent,
  });
  const settledMs = await world.run();
  const { time, history, fleet, streams } = world;
  return {
    seed,
    violation: history.violation,
    fingerprint: history.fingerprint,
    steps: time.steps,
    virtualMs: time.nowMs,
    workerHours: fleet.livedMs / 3_600_000,
    records: streams.total,
    settledMs,
  };
}

/**
 * Half of the worlds have all faults; in the others some are away, which lets those that are left go on for
 * longer.
 */
function someFaults(chance: Chance): readonly Fault[] {
  const faults = ALL_FAULTS.filter((fault) => fault !== "drains");
  if (chance.happens(0.5)) return faults;
  return faults.filter(() => chance.happens(0.6));
}

/** Of chance of their own, as lanes: half of them with clocks that are right, where more is sure. */
function withDrains(faults: readonly Fault[], seed: number): readonly Fault[] {
  const chance = new Chance(`drains ${seed}`);
  if (!chance.happens(DRAINS)) return faults;
  return chance.happens(0.5) ? [...faults, "drains"] : [
    ...faults.filter((fault) => fault !== "clocks"),
    "drains",
  ];
}

/** The names that there are: one that is missing here does not compile. */
const OPTIONS: Readonly<Record<keyof SimulationOptions, true>> = {
  seed: true,
  minutes: true,
  workers: true,
  shards: true,
  streams: true,
  faults: true,
  processor: true,
  payload: true,
  options: true,
  ticks: true,
  onTransact: true,
  onEvent: true,
};

function fleetOptions({ options }: SimulationOptions, chance: Chance): FleetOptions {
  if (options === "varied") return variedOptions(chance.fork("options"));
  return { ...DEFAULT_FLEET_OPTIONS, ...options };
}

/** Leases must outlive the time between two ticks and a slice; a subscription needs longer slices. */
function ticking(options: FleetOptions): FleetOptions {
  return { ...options, failoverTimeMs: 60_000, retrievalMode: "POLLING" };
}

function check(given: SimulationOptions): void {
  const { seed, minutes = 1, workers = 1, shards = 1, streams = 1, faults = [] } = given;
  const cannot = "Cannot simulate";
  refuseUnknownNames(Object.keys(given), Object.keys(OPTIONS), { action: cannot });
  if (!Number.isSafeInteger(seed)) {
    throw new TypeError(`${cannot}: expected seed to be a whole number: got ${seed}`);
  }
  if (!(minutes > 0 && minutes < Infinity)) {
    throw new RangeError(`${cannot}: minutes must be > 0: got ${minutes}`);
  }
  for (const [name, value] of [["workers", workers], ["shards", shards], ["streams", streams]] as const) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new RangeError(`${cannot}: ${name} must be an integer >= 1: got ${value}`);
  }
  const unknown = faults.find((fault) => !ALL_FAULTS.includes(fault));
  if (unknown === undefined) return;
  throw new TypeError(
    `${cannot}: expected faults of ${ALL_FAULTS.join(", ")}: got ${JSON.stringify(unknown)}`,
  );
}
