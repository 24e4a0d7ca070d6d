import { assert, assertEquals } from "@std/assert";
import { type FleetLoad, type ScaleAnswer, scaleOf } from "../../src/health/scale.ts";
import { Totals } from "../../src/observe/totals.ts";
import { sample, SAMPLE_EVENTS } from "../observe/sample_events.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A worker with one shard, whose lag of the last 20 minutes is given. */
function worker(lag: (minute: number) => number = () => 0): Totals {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  totals.listener(SAMPLE_EVENTS.workerStarting);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  for (let minute = 0; minute <= 20; minute++) {
    totals.listener(sample("batchProcessed", { millisBehindLatest: lag(minute), ms: 0 }));
    if (minute < 20) clock.jump(MINUTE);
  }
  return totals;
}

type Worker = FleetLoad["workers"][number];

function reporting(cpuPercent: number | undefined, changes: Partial<Worker> = {}): Worker {
  const usual = { state: "reports", leases: 4, cpuLimitPercent: 80, drainingSinceEpochS: undefined } as const;
  return { ...usual, cpuPercent, ...changes };
}

/** A fleet of workers, with so many unfinished shards. */
function load(workers: readonly Worker[], shards: number, lagMs?: number, ageMs = 5000): FleetLoad {
  const leases = Array.from({ length: shards }, (_, i) => ({ leaseKey: `shard-${i}`, lagMs }));
  return { workers, leases, ageMs };
}

function wanted(totals: Totals, fleet: FleetLoad): number | undefined {
  return scaleOf(totals.snapshot(), fleet)?.workersWanted;
}

Deno.test("scaleOf() adds the CPU that workers use of what they may use", () => {
  const cpu = (...percents: number[]) =>
    wanted(worker(), load(percents.map((percent) => reporting(percent)), 40));
  assertEquals(cpu(90, 90, 90), 4);
  assertEquals(cpu(80, 80), 2);
  assertEquals(cpu(160, 160), 4);
  assertEquals(cpu(60, 60, 60), 3, "two would be over 70 % of their limits");
  assertEquals(cpu(30, 30, 30), 2);
  assertEquals(cpu(1, 1, 1, 1), 1);
  assertEquals(cpu(0, 0, 0), 1);
});

Deno.test("scaleOf() asks for a worker before those that report a limit of 100 % have nothing left", () => {
  const ask = (percent: number, cpuLimitPercent: number) =>
    wanted(worker(), load([1, 2, 3].map(() => reporting(percent, { cpuLimitPercent })), 40));
  assertEquals([ask(80, 100), ask(81, 100), ask(100, 100)], [3, 4, 4]);
  assertEquals([ask(50, 50), ask(51, 50)], [3, 4]);
});

Deno.test("scaleOf() says all that it comes from", () => {
  const answer = scaleOf(
    worker(() => 2500).snapshot(),
    load([reporting(60), reporting(90)], 8, 40_000, 7000),
  );
  assertEquals(answer, {
    workersWanted: 2,
    lagSeconds: 40,
    workers: 2,
    unfinishedShards: 8,
    workersByCpu: 2,
    workersByLag: 2,
    fleetAgeSeconds: 7,
  });
});

Deno.test("scaleOf() does not flap: a fleet that has what was wanted wants it still", () => {
  for (let sum = 0.05; sum < 20; sum += 0.05) {
    for (let workers = 1; workers <= 20; workers++) {
      let now = workers;
      const seen: number[] = [];
      for (let step = 0; step < 8; step++) {
        const each = (sum * 80) / now;
        now = wanted(worker(), load(Array.from({ length: now }, () => reporting(each)), 100)) ?? NaN;
        seen.push(now);
      }
      assertEquals(new Set(seen.slice(-3)).size, 1, `${workers} workers with ${sum}: ${seen}`);
    }
    sum += 0.35;
  }
});

Deno.test("scaleOf() asks for workers while a shard is behind and would catch up too late", () => {
  const busy = [reporting(50), reporting(50)];
  const ask = (lag: (minute: number) => number) => wanted(worker(lag), load(busy, 12));
  assertEquals(ask(() => 2 * MINUTE), 2, "not behind");
  assertEquals(ask(() => 10 * MINUTE), 4, "keeps pace, and never catches up");
  assertEquals(ask((minute) => HOUR + minute * MINUTE), 4, "nothing is processed: no more than twice");
  assertEquals(ask((minute) => HOUR - minute * MINUTE / 2), 4, "100 minutes at this pace");
  assertEquals(ask((minute) => HOUR - minute * 2.5 * MINUTE), 2, "4 minutes at this pace");
  const target = (ms: number) =>
    scaleOf(worker(() => 20 * MINUTE).snapshot(), load(busy, 12), ms)?.workersWanted;
  assertEquals([target(15 * MINUTE), target(100 * MINUTE), target(101 * MINUTE)], [4, 3, 2]);
});

Deno.test("scaleOf() counts what other workers report of their lag", () => {
  const busy = [reporting(50), reporting(50)];
  assertEquals(wanted(worker(), load(busy, 12, 30 * MINUTE)), 4);
  assertEquals(scaleOf(worker().snapshot(), load(busy, 12, 30 * MINUTE))?.lagSeconds, 1800);
});

Deno.test("scaleOf() gives no worker up while a shard is behind a little, or while no lag is known", () => {
  const idle = [reporting(5), reporting(5), reporting(5)];
  assertEquals(wanted(worker(() => 89_000), load(idle, 12)), 1);
  assertEquals(wanted(worker(() => 91_000), load(idle, 12)), 3);
  assertEquals(wanted(new Totals(new FakeClock()), load(idle, 12)), 3);
});

Deno.test("scaleOf() never asks for more than the unfinished shards, and for one at least", () => {
  const hot = [reporting(200), reporting(200), reporting(200)];
  assertEquals(wanted(worker(), load(hot, 4)), 4);
  assertEquals(wanted(worker(), load(hot, 2)), 2);
  assertEquals(wanted(worker(), load([], 0)), 1);
  assertEquals(wanted(worker(() => HOUR), load([], 0)), 1);
});

Deno.test("scaleOf() takes workers that are silent or leave for none, and those without a figure as the others", () => {
  const fleet = load([
    reporting(100),
    reporting(undefined),
    reporting(undefined, { state: "noReport" }),
    reporting(undefined, { state: "noReport", leases: 0 }),
    reporting(100, { state: "silent" }),
    reporting(100, { drainingSinceEpochS: 5 }),
  ], 20);
  const answer = scaleOf(worker().snapshot(), fleet);
  assertEquals([answer?.workers, answer?.workersByCpu, answer?.workersWanted], [3, 4, 4]);
});

Deno.test("scaleOf() takes a figure that is none for unknown", () => {
  for (const wrong of [NaN, Infinity, -1]) {
    const answer = scaleOf(
      worker().snapshot(),
      load([reporting(wrong), reporting(90, { cpuLimitPercent: wrong === -1 ? 0 : wrong })], 9, wrong),
    );
    assert(answer !== undefined);
    const { workersByCpu: _, ...others } = answer;
    for (const value of Object.values(others)) assert(Number.isSafeInteger(value), JSON.stringify(answer));
  }
});

Deno.test("scaleOf() without a look at the table knows the fleet of a leader, and nothing of another's", () => {
  const totals = worker(() => 10 * MINUTE);
  assertEquals(scaleOf(totals.snapshot(), undefined), undefined);
  totals.listener(SAMPLE_EVENTS.leadershipGained);
  assertEquals(scaleOf(totals.snapshot(), undefined), undefined);
  totals.listener(sample("assignmentPass", { leases: 9, workers: 3 }));
  const answer: Partial<ScaleAnswer> = scaleOf(totals.snapshot(), undefined) ?? {};
  assertEquals([answer.workersWanted, answer.workers, answer.workersByCpu], [5, 3, null]);
});

Deno.test("scaleOf() says nothing of a look that is old", () => {
  const fleet = (ageMs: number) => load([reporting(50)], 4, undefined, ageMs);
  assert(scaleOf(worker().snapshot(), fleet(300_000)) !== undefined);
  assertEquals(scaleOf(worker().snapshot(), fleet(300_001)), undefined);
});
