/**
 * The life of one fleet, and what it measures: a cold start, a minute of rest, as many workers again, a tenth of them
 * killed, a tenth told to stop.
 *
 * @module
 */

import type { Cost, Purpose } from "./scale_bill.ts";
import { type PassMs, passMs } from "./scale_pass.ts";
import { noCounts, type ScaleMember, ScaleWorld, type ScaleWorldOptions } from "./scale_world.ts";

/** What to run. */
export interface ScaleRunOptions extends ScaleWorldOptions {
  readonly workers: number;
  /** Virtual ms within which all workers of a batch start. */
  readonly startWithinMs: number;
  /** For how long requests are counted at rest, in virtual ms. */
  readonly steadyMs: number;
}

/** What one change of the fleet was like. Seconds are virtual; undefined: not within the limit. */
export interface PhaseFigures {
  /** Until a live worker read every shard. */
  readonly readS: number | undefined;
  /** Until besides no worker had two shards more than another. */
  readonly balancedS: number | undefined;
  /** The longest that a shard was not read that had been before. */
  readonly longestGapS: number;
  /** Leases gained by workers. */
  readonly gained: number;
  /** How often a worker became leader. */
  readonly leaders: number;
  /** Passes, starts and renewals that failed, leases and leadership lost. */
  readonly troubles: number;
  /** In the busiest second: read and write units. */
  readonly peakReadUnits: number;
  readonly peakWriteUnits: number;
}

/** What a fleet at rest asks of DynamoDB, per second. */
export interface SteadyFigures {
  readonly requests: Readonly<Record<string, number>>;
  readonly leaderRequests: number;
  readonly workerRequests: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly requestsPerLeaseHour: number;
}

/** Everything about one size. */
export interface ScaleFigures {
  readonly workers: number;
  readonly shards: number;
  readonly cold: PhaseFigures;
  readonly steady: SteadyFigures;
  readonly doubled: PhaseFigures;
  readonly killed: PhaseFigures;
  readonly stopped: PhaseFigures;
  readonly passMs: PassMs | undefined;
  /** Real seconds for all of it, and the memory of all workers and their world together at its end. */
  readonly realS: number;
  readonly rssMiB: number;
}

const limitMs = 600_000;
const restMs = 15_000;

/** Runs it. */
export async function scaleRun(
  options: ScaleRunOptions,
  { withPass }: { readonly withPass: boolean },
): Promise<ScaleFigures> {
  const { workers, shards, startWithinMs, steadyMs } = options;
  const startedMs = performance.now();
  const world = new ScaleWorld(options);
  const grow = (count: number) => {
    const size = world.members.size + count;
    world.start(count, startWithinMs);
    return () => world.members.size === size;
  };

  const cold = await phase(world, grow(workers));
  await world.pass(restMs);
  const steady = await rest(world, { shards, steadyMs });
  const items = [...world.table.items.values()];
  const doubled = await phase(world, grow(workers));
  await world.pass(restMs);
  const killed = await phase(world, shrink(world, (member) => world.kill(member)));
  await world.pass(restMs);
  const stopped = await phase(world, shrink(world, (member) => member.stop()));
  world.close();
  return {
    workers,
    shards,
    cold,
    steady,
    doubled,
    killed,
    stopped,
    passMs: withPass ? passMs(items) : undefined,
    realS: round((performance.now() - startedMs) / 1000),
    rssMiB: Math.round(Deno.memoryUsage().rss / 1024 / 1024),
  };
}

/** A tenth of the fleet, the leader first. @returns whether they are gone. */
function shrink(world: ScaleWorld, end: (member: ScaleMember) => void): () => boolean {
  const members = [...world.members.values()].toSorted((a, b) =>
    Number(b.workerId === world.leader) - Number(a.workerId === world.leader)
  );
  const ending = members.slice(0, Math.ceil(members.length / 10));
  for (const member of ending) end(member);
  return () => ending.every(({ workerId }) => !world.members.has(workerId));
}

async function phase(world: ScaleWorld, isUnderWay: () => boolean): Promise<PhaseFigures> {
  const counts = world.counts = noCounts();
  const peaks = world.bill.watchPeaks(() => world.time.nowMs);
  const readMs = await world.until(() => isUnderWay() && world.isAllRead, limitMs);
  const moreMs = await world.until(() => world.isBalanced, limitMs);
  const seconds = (ms: number | undefined) => ms === undefined ? undefined : round(ms / 1000);
  return {
    readS: seconds(readMs),
    balancedS: readMs === undefined || moreMs === undefined ? undefined : seconds(readMs + moreMs),
    longestGapS: round(counts.longestGapMs / 1000),
    gained: counts.gained,
    leaders: counts.leaders,
    troubles: counts.troubles,
    peakReadUnits: Math.round(peaks.readUnits),
    peakWriteUnits: Math.round(peaks.writeUnits),
  };
}

async function rest(
  world: ScaleWorld,
  { shards, steadyMs }: { readonly shards: number; readonly steadyMs: number },
): Promise<SteadyFigures> {
  world.bill.clear();
  await world.pass(steadyMs);
  const seconds = steadyMs / 1000;
  const all = world.bill.costs(), leader = world.bill.costs(world.leader);
  const total = requestsOf(all), led = requestsOf(leader);
  const sum = (unit: "readUnits" | "writeUnits") =>
    round([...all.values()].reduce((units, cost) => units + cost[unit], 0) / seconds);
  const others = Math.max(1, world.members.size - 1);
  return {
    requests: Object.fromEntries(
      [...all].map(([purpose, cost]) => [purpose, round(cost.requests / seconds)]),
    ),
    leaderRequests: round(led / seconds),
    workerRequests: round((total - led) / others / seconds),
    readUnits: sum("readUnits"),
    writeUnits: sum("writeUnits"),
    requestsPerLeaseHour: Math.round(total / seconds * 3600 / shards),
  };
}

function requestsOf(costs: ReadonlyMap<Purpose, Cost>): number {
  return [...costs.values()].reduce((sum, { requests }) => sum + requests, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
