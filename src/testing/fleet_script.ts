/**
 * What happens to a world from outside, drawn from its seed: records are put, shards split and merge, workers come and go,
 * services fail. Then all of it stops, and the world must come to order.
 *
 * @module
 */

import type { Chance } from "./chance.ts";
import type { Weather } from "./faults.ts";
import type { History } from "./history.ts";
import { failoverTimeMs, type Member, type SimulatedFleet } from "./simulated_fleet.ts";
import type { KinesisService } from "./simulated_kinesis.ts";
import type { SimulatedStream } from "./simulated_stream.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the script moves. */
export interface ScriptOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly history: History;
  readonly weather: Weather;
  readonly stream: SimulatedStream;
  readonly kinesis: KinesisService;
  readonly fleet: SimulatedFleet;
  /** How long it goes on, in virtual ms. */
  readonly activeMs: number;
}

/** A stream has at most so many open shards. */
const maxOpenShards = 8;

/** Sets it going. Nothing of it happens after `activeMs`. */
export function startScript(options: ScriptOptions): void {
  const { chance, fleet } = options;
  const size = 1 + chance.below(4);
  const ids = Array.from({ length: size }, (_, index) => `w${index + 1}`);
  for (const id of ids) options.time.after(chance.between(0, 5000), () => fleet.start(id));
  repeat(options, [50, 1500], () => options.stream.put(options.time.nowMs));
  repeat(options, [20_000, 100_000], () => {
    reshard(options);
    // The end of a shard is where most can go wrong: something often does.
    if (chance.happens(0.5)) options.time.after(chance.between(0, 6000), () => disturb(options, size));
    if (chance.happens(0.2)) options.time.after(chance.between(0, 4000), () => fail(options));
  });
  repeat(options, [5000, 60_000], () => disturb(options, size));
  repeat(options, [60_000, 240_000], () => fail(options));
}

/** Ends all faults: everything runs, and enough workers do. */
export function endScript({ weather, fleet, history }: ScriptOptions): void {
  history.note("script", undefined, "all faults end");
  weather.clear();
  for (const member of fleet.members) member.machine.resume();
  if (fleet.members.every(({ stoppingMs }) => stoppingMs !== undefined)) fleet.start("last");
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

function reshard({ chance, stream, kinesis, history }: ScriptOptions): void {
  const shard = chance.pick(stream.open);
  if (shard === undefined) return;
  kinesis.aboutToReshard();
  if (chance.happens(0.5) && stream.open.length < maxOpenShards) {
    history.note("script", shard.shardId, "is split");
    stream.split(shard);
  } else if (stream.merge(shard)) history.note("script", shard.shardId, "is merged");
}

/** Something happens to a worker. */
function disturb(options: ScriptOptions, size: number): void {
  if (options.time.nowMs >= options.activeMs) return;
  const { time, chance, fleet } = options;
  const running = fleet.members.filter(({ stoppingMs, machine }) =>
    stoppingMs === undefined && machine.state === "running"
  );
  const member = chance.pick(running);
  const isShort = fleet.members.length < size;
  if (member === undefined || (isShort && chance.happens(0.6))) return startAny(options, size);
  const startAgain = () => time.after(chance.between(0, 20_000), () => startOne(options, member.workerId));
  switch (chance.pick(["stop", "restart", "kill", "crash", "pause", "pause", "pause", "clock"] as const)) {
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
    case "clock":
      return member.machine.moveWallClock(chance.between(-20_000, 20_000));
  }
}

function pause({ time, chance, history }: ScriptOptions, { machine }: Member): void {
  history.note(machine.name, undefined, "is paused");
  machine.pause();
  // Often just about the failover time: others take the lease as its owner comes back.
  const ms = chance.happens(0.5)
    ? failoverTimeMs + chance.between(-4000, 4000)
    : chance.happens(0.5)
    ? chance.between(0, 15_000)
    : chance.between(0, 60_000);
  time.after(ms, () => {
    if (machine.state !== "paused") return;
    history.note(machine.name, undefined, "goes on");
    machine.resume();
  });
}

function startAny(options: ScriptOptions, size: number): void {
  const { chance } = options;
  startOne(options, chance.happens(0.3) ? `new${chance.below(1000)}` : `w${1 + chance.below(size)}`);
}

/** Two processes never run under one id at a time: that is a user's mistake that no lease table can make good. */
function startOne({ fleet, time, activeMs }: ScriptOptions, workerId: string): void {
  if (time.nowMs >= activeMs || fleet.members.some((member) => member.workerId === workerId)) return;
  fleet.start(workerId);
}

/** A service fails for everybody. */
function fail({ time, activeMs, chance, weather, history }: ScriptOptions): void {
  if (time.nowMs >= activeMs) return;
  const service = chance.happens(0.7) ? "dynamodb" : "kinesis";
  const ms = chance.between(1000, 40_000);
  history.note("script", undefined, `${service} is out for ${Math.round(ms)} ms`);
  weather.startOutage(service, ms);
}
