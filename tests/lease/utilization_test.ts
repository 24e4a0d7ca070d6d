import { assertEquals } from "@std/assert";
import { liveWorkers } from "../../src/lease/live_workers.ts";
import {
  closeInterval,
  EMPTY_LOG,
  MAX_AVERAGES,
  type UtilizationLog,
  utilizationMetrics,
  withFailure,
  withMeasurement,
} from "../../src/lease/utilization.ts";

/** An interval with these measurements; null is a failed one. */
function interval(log: UtilizationLog, percents: readonly (number | null | undefined)[]): UtilizationLog {
  return closeInterval(
    percents.reduce<UtilizationLog>(
      (log, percent) => percent === null ? withFailure(log) : withMeasurement(log, percent),
      log,
    ),
  );
}

Deno.test("closeInterval() averages what was measured, to 6 decimals, and begins anew", () => {
  const first = interval(EMPTY_LOG, [10, 10, 11]);
  assertEquals(first, { ...EMPTY_LOG, averages: [10.333333] });
  assertEquals(interval(first, [0.0000005]).averages, [10.333333, 0.000001]);
});

Deno.test("closeInterval() keeps the newest ten averages, oldest first", () => {
  let log = EMPTY_LOG;
  for (let percent = 0; percent < MAX_AVERAGES + 2; percent++) log = interval(log, [percent]);
  assertEquals(log.averages, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

Deno.test("closeInterval() notes a failed interval; one good measurement makes it a good one", () => {
  const log = interval(EMPTY_LOG, [null, 40, undefined]);
  assertEquals(log.averages, [40]);
  assertEquals(interval(log, [null, null, undefined]).averages, [40, -1]);
});

Deno.test("closeInterval() takes a source that has never worked for none", () => {
  assertEquals(interval(EMPTY_LOG, [null, null]).averages, []);
});

Deno.test("closeInterval() leaves the averages alone when nothing was tried, and ends them when nothing can be told", () => {
  const log = interval(EMPTY_LOG, [40]);
  assertEquals(closeInterval(log).averages, [40]);
  assertEquals(interval(log, [undefined]).averages, []);
});

Deno.test("withMeasurement() keeps to 0 to 100 and takes what is no number for a failure", () => {
  assertEquals(interval(EMPTY_LOG, [-5]).averages, [0]);
  assertEquals(interval(EMPTY_LOG, [104.2]).averages, [100]);
  assertEquals(interval(interval(EMPTY_LOG, [1]), [NaN, Infinity]).averages, [1, -1]);
});

Deno.test("utilizationMetrics() tells CPU under the name C with range [100], and nothing where there is nothing", () => {
  assertEquals(utilizationMetrics(EMPTY_LOG), { stats: {}, operatingRange: {} });
  assertEquals(utilizationMetrics(interval(EMPTY_LOG, [40])), {
    stats: { C: [40] },
    operatingRange: { C: [100] },
  });
});

Deno.test("utilizationMetrics() of a failed interval keep a leader from giving leases", () => {
  const workers = (log: UtilizationLog) =>
    liveWorkers([{
      workerId: "a",
      lastUpdateEpochS: 1000,
      ...utilizationMetrics(log),
      supportCode: 1,
      supportEpochS: 1000,
    }], () => 0).length;
  const good = interval(EMPTY_LOG, [40]);
  assertEquals([workers(EMPTY_LOG), workers(good), workers(interval(good, [null]))], [1, 1, 0]);
});
