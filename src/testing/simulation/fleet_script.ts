/**
 * What happens to a world from outside, drawn from its seed: records are put, shards split and merge, workers
 * come and go, services fail. Then all of it stops, and the world must come to order.
 *
 * @module
 */

import { drainUpdate } from "../../store/coordinator_items.ts";
import { WORLD_EPOCH_MS } from "../model/simulated_stream.ts";
import type { Chance } from "../model/chance.ts";
import type { DrainRules } from "./drain_rules.ts";
import { CALL_FAULTS, type Weather } from "./faults.ts";
import { LATE_START_MS } from "./fleet_options.ts";
import type { History } from "./history.ts";
import type { LeaseRules } from "./lease_rules.ts";
import type { SharedTable } from "./shared_table.ts";
import type { Member, SimulatedFleet } from "./simulated_fleet.ts";
import type { SimulatedStreams, StreamsService } from "./simulated_streams.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the script moves. */
export interface ScriptOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly history: History;
  readonly weather: Weather;
  readonly streams: SimulatedStreams;
  readonly kinesis: StreamsService;
  readonly fleet: SimulatedFleet;
  readonly leases: LeaseRules;
  readonly drains: DrainRules;
  readonly table: SharedTable;
  readonly failoverTimeMs: number;
  /** Of how many workers the fleet should be. */
  readonly size: number;
  /** Whether the first records are older than the application. */
  readonly isLate: boolean;
  /** Virtual ms between two puts, from and to. */
  readonly putEveryMs: readonly [number, number];
  /** How long it lasts, in virtual ms. */
  readonly activeMs: number;
}

/** The most open shards of a stream. */
const MAX_OPEN_SHARDS = 8;

/** Sets it going. Nothing of it happens after `activeMs`. */
export function startScript(options: ScriptOptions): void {
  const { chance, time, size, weather, isLate, putEveryMs } = options;
  const ids = Array.from({ length: size }, (_, index) => `w${index + 1}`);
  const startMs = isLate ? LATE_START_MS : 0;
  for (const id of ids) time.after(startMs + chance.between(0, 5000), () => startOne(options, id));
  for (const stream of options.streams.all) repeat(options, putEveryMs, () => stream.put(time.nowMs));
  if (weather.has("reshards")) {
    repeat(options, [20_000, 100_000], () => {
      reshard(options);
      // The end of a shard is where most can go wrong: something often does.
      if (chance.happens(0.5)) time.after(chance.between(0, 6000), () => disturb(options));
      if (chance.happens(0.2)) time.after(chance.between(0, 4000), () => fail(options));
      if (chance.happens(0.3)) storm(options);
      if (chance.happens(0.5)) time.after(chance.between(0, 4000), () => join(options));
    });
  }
  // First leases are made once in the life of an application: much of that must go wrong to be seen at all.
  if (chance.happens(0.5)) time.after(startMs, () => storm(options));
  repeat(options, [5000, 60_000], () => disturb(options));
  repeat(options, [60_000, 240_000], () => fail(options));
  if (weather.has("trims")) repeat(options, [5000, 40_000], () => trim(options));
  if (weather.has("drains")) {
    const own = { ...options, chance: chance.fork("drains") };
    repeat(own, [10_000, 90_000], () => drain(own));
  }
}

/** Ends all faults: everything runs, and enough workers do. */
export function endScript(options: ScriptOptions): void {
  const { weather, fleet, history } = options;
  history.note("script", undefined, "all faults end");
  weather.clear();
  for (const member of fleet.members) member.machine.resume();
  if (fleet.active.length === 0) fleet.start("last");
}

function repeat(options: ScriptOptions, [least, most]: readonly [number, number], happen: () => void): void {
  const { time, chance, activeMs } = options;
  const next = () =>
    time.after(chance.between(least, most), () => {
      if (time.nowMs >= activeMs) return;
      happen();
      next();
    });
  next();
}

function reshard({ chance, streams, kinesis, history, time }: ScriptOptions): void {
  const stream = chance.pick(streams.all);
  const shard = stream === undefined ? undefined : chance.pick(stream.open);
  if (stream === undefined || shard === undefined) return;
  kinesis.aboutToReshard(stream);
  if (chance.happens(0.5) && stream.open.length < MAX_OPEN_SHARDS) {
    history.note("script", shard.leaseKey, "is split");
    stream.split(shard, time.nowMs);
  } else if (stream.merge(shard, time.nowMs)) history.note("script", shard.leaseKey, "is merged");
}

/** Something happens to a worker. */
function disturb(options: ScriptOptions): void {
  const { time, chance, fleet, weather, size } = options;
  const kinds = DISTURBANCES.filter(([fault]) => weather.has(fault)).map(([, kind]) => kind);
  if (kinds.length === 0) return;
  const running = fleet.active.filter(({ machine }) => machine.state === "running");
  const member = chance.pick(running);
  const isShort = fleet.active.length < size;
  if (member === undefined || (isShort && chance.happens(0.6))) return startAny(options);
  const startAgain = () => time.after(chance.between(0, 20_000), () => startOne(options, member.workerId));
  const kind = chance.pick(kinds);
  switch (kind) {
    case "stop":
      return member.stop();
    case "restart":
      member.stop();
      return void startAgain();
    case "kill":
      return fleet.kill(member);
    case "crash":
      fleet.kill(member);
      return void startAgain();
    case "pause":
      return pause(options, member);
    case "namesake":
      // A paused process does not notice what the second one does.
      if (weather.has("pauses") && chance.happens(0.3)) pause(options, member);
      return void time.after(chance.between(0, 10_000), () => startSecond(options, member.workerId));
    case "clock":
      return member.machine.moveWallClock(chance.between(-MOST_CLOCK_ERROR_MS, MOST_CLOCK_ERROR_MS));
  }
}

function pause({ time, chance, history, failoverTimeMs }: ScriptOptions, { machine }: Member): void {
  history.note(machine.name, undefined, "is paused");
  machine.pause();
  // Often just about the failover time: others take the lease as its owner comes back.
  const ms = chance.happens(0.5)
    ? failoverTimeMs * chance.between(0.6, 1.4)
    : chance.happens(0.5)
    ? chance.between(0, 15_000)
    : chance.between(0, 60_000);
  time.after(ms, () => {
    if (machine.state !== "paused") return;
    history.note(machine.name, undefined, "goes on");
    machine.resume();
  });
}

function startAny(options: ScriptOptions): void {
  const { chance, size } = options;
  if (chance.happens(0.3)) startNew(options);
  else startOne(options, `w${1 + chance.below(size)}`);
}

function startNew(options: ScriptOptions): void {
  startOne(options, `new${options.chance.below(1000)}`);
}

/** One worker more than there should be, for whom others give up leases. */
function join(options: ScriptOptions): void {
  const { weather, fleet, size } = options;
  if (!weather.has("deploys") || fleet.active.length > size) return;
  startNew(options);
  if (options.chance.happens(0.3)) storm(options);
}

/** Unless a process of the name runs already: only {@linkcode startSecond} makes that mistake. */
function startOne({ fleet, time, activeMs }: ScriptOptions, workerId: string): void {
  const isRunning = fleet.members.some((member) =>
    member.workerId === workerId && member.supersededMs === undefined
  );
  if (time.nowMs < activeMs && !isRunning) fleet.start(workerId);
}

/** Whether or not a process of the name runs. */
function startSecond({ fleet, time, activeMs, size }: ScriptOptions, workerId: string): void {
  if (time.nowMs < activeMs && fleet.members.length <= 2 * size) fleet.start(workerId);
}

/** A service fails for every process. */
function fail({ time, activeMs, chance, weather, history }: ScriptOptions): void {
  if (time.nowMs >= activeMs || !weather.has("outages")) return;
  const service = chance.happens(0.7) ? "dynamodb" : "kinesis";
  const ms = chance.between(1000, 40_000);
  history.note("script", undefined, `${service} is out for ${Math.round(ms)} ms`);
  weather.startOutage(service, ms);
}

/** Much goes wrong with single calls for a while. */
function storm({ chance, weather, history }: ScriptOptions): void {
  if (!weather.has("network")) return;
  const ms = chance.between(5000, 40_000);
  // Two kinds, since their combinations have not been tested elsewhere.
  const faults = [chance.pick(CALL_FAULTS), chance.pick(CALL_FAULTS)].filter((fault) => fault !== undefined);
  history.note("script", undefined, `many calls are ${faults.join(" and ")} for ${Math.round(ms)} ms`);
  weather.startStorm(faults, 0.3, ms);
}

/** What lies behind a stored checkpoint may be too old at any time. */
function trim({ chance, streams, leases, history }: ScriptOptions): void {
  const shard = chance.pick(streams.shards.filter(({ isGone }) => !isGone));
  const stored = shard === undefined ? undefined : leases.checkpointOf(shard.leaseKey)?.at;
  if (shard === undefined || stored === undefined) return;
  shard.stream.trim(shard, stored);
  history.note("script", shard.leaseKey, shard.isGone ? "is gone" : `is trimmed by ${shard.trimmed} records`);
}

/** An operator drains a worker, or ends that. Such marks stay when the faults end. */
function drain(options: ScriptOptions): void {
  const { chance, fleet, drains } = options;
  const marked = chance.pick(drains.marked);
  if (marked !== undefined && chance.happens(0.5)) return mark(options, marked, false);
  const member = chance.pick(fleet.active);
  if (member !== undefined) mark(options, member.workerId, true);
}

function mark({ table, time, history }: ScriptOptions, workerId: string, isDraining: boolean): void {
  const update = drainUpdate(isDraining ? Math.floor((WORLD_EPOCH_MS + time.nowMs) / 1000) : undefined);
  if (!table.command(workerId, update, { lut: "present" })) return;
  history.note("operator", undefined, `${workerId} is ${isDraining ? "drained" : "not drained any more"}`);
}

const DISTURBANCES = [
  ["deploys", "stop"],
  ["deploys", "restart"],
  ["crashes", "kill"],
  ["crashes", "crash"],
  ["pauses", "pause"],
  ["pauses", "pause"],
  ["pauses", "pause"],
  ["clocks", "clock"],
  ["namesakes", "namesake"],
] as const;

/** The largest error of a wall clock, in either direction; clocks are set from time to time. In ms. */
const MOST_CLOCK_ERROR_MS = 20_000;
