import { assertEquals } from "@std/assert";
import { observeReports, reportAge } from "../../src/lease/reports.ts";
import { metricsOf } from "./fixtures.ts";

/** Ages of worker "w", whose reports bear these times, as seen by a clock that shows `epochS` at monotonic ms 0. */
function agesOf(
  reports: readonly (readonly [atMs: number, lastUpdateEpochS: number])[],
  epochS: number,
): number[] {
  let sightings: ReturnType<typeof observeReports> = new Map();
  return reports.map(([atMs, lastUpdateEpochS]) => {
    sightings = observeReports(sightings, [metricsOf("w", lastUpdateEpochS)], atMs);
    const now = { epochS: epochS + atMs / 1000, ms: atMs };
    return reportAge(sightings, now)({ workerId: "w", lastUpdateEpochS });
  });
}

Deno.test("reportAge() goes by the wall clocks at first sight", () => {
  assertEquals(agesOf([[0, 970]], 1000), [30]);
});

Deno.test("reportAge() lets no report be younger than its first sight, whatever the clocks say", () => {
  const isAheadOfUs = 1020;
  assertEquals(agesOf([[0, isAheadOfUs], [15_000, isAheadOfUs], [60_000, isAheadOfUs]], 1000), [0, 15, 60]);
});

Deno.test("reportAge() counts from the sight of a change, however wrong the clock of the writer is", () => {
  assertEquals(agesOf([[0, 5], [10_000, 35], [25_000, 35]], 1000), [995, 0, 15]);
});

Deno.test("observeReports() forgets who is not listed, and takes the newer of two items", () => {
  const first = observeReports(new Map(), [metricsOf("gone", 1), metricsOf("w", 7), metricsOf("w", 3)], 5);
  assertEquals([...first.keys()], ["gone", "w"]);
  const next = observeReports(
    first,
    [metricsOf("w", 3), metricsOf("w", 7), metricsOf("timeless", undefined)],
    9,
  );
  assertEquals([...next], [["w", { lastUpdateEpochS: 7, sinceMs: 5, hasMoved: false }]]);
});

Deno.test("reportAge() of the older of two items goes by the wall clocks", () => {
  const sightings = observeReports(new Map(), [metricsOf("w", 990), metricsOf("w", 995)], 0);
  const ageOf = reportAge(sightings, { epochS: 1000, ms: 20_000 });
  assertEquals([
    ageOf({ workerId: "w", lastUpdateEpochS: 990 }),
    ageOf({ workerId: "w", lastUpdateEpochS: 995 }),
  ], [
    10,
    20,
  ]);
});
