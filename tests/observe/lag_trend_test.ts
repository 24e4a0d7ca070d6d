import { assertEquals } from "@std/assert";
import { lagTrend } from "../../src/observe/lag_trend.ts";

const MINUTE = 60_000;
const minutes = (count: number, lag: (minute: number) => number | undefined) =>
  Array.from({ length: count }, (_, minute) => lag(minute));

Deno.test("lagTrend() tells how fast a lag grows or shrinks, whatever the minute under way has", () => {
  for (const slope of [1, 0.5, 0, -0.5, -30]) {
    for (const count of [11, 15, 21, 60]) {
      const figures = [...minutes(count - 1, (minute) => 1e9 + slope * minute * MINUTE), 0];
      assertEquals(Math.round(1e6 * (lagTrend(figures) ?? NaN)) / 1e6 + 0, slope);
    }
  }
});

Deno.test("lagTrend() takes the saw of a reader that keeps pace for no trend, from the first word on", () => {
  for (let tooth = 1; tooth <= 5; tooth++) {
    for (let from = 0; from < tooth; from++) {
      for (let count = 11; count <= 40; count++) {
        const figures = minutes(count, (minute) => 3_600_000 + ((minute + from) % tooth) * MINUTE);
        assertEquals(lagTrend(figures), 0);
      }
    }
  }
});

Deno.test("lagTrend() sees that a reader which caught up has come to a stop, within half an hour", () => {
  const figures = minutes(
    61,
    (minute) => minute < 30 ? (600 - minute * 5) * MINUTE : (450 + minute - 30) * MINUTE,
  );
  assertEquals(lagTrend(figures.slice(0, 31)), -5);
  assertEquals(lagTrend(figures.slice(0, 52)), 1);
});

Deno.test("lagTrend() says nothing of few minutes, and of stretches of which nothing is known", () => {
  assertEquals(lagTrend([]), undefined);
  assertEquals(lagTrend(minutes(10, () => 5)), undefined);
  assertEquals(lagTrend(minutes(21, (minute) => minute < 10 ? 5 : undefined)), undefined);
  assertEquals(lagTrend(minutes(21, (minute) => minute % 3 === 0 ? 5 : undefined)), 0);
});

Deno.test("lagTrend() lets no lag grow faster than time passes", () => {
  assertEquals(lagTrend(minutes(21, (minute) => minute * 50 * MINUTE)), 1);
});
