/** A shard's future from two sights of its lag. */

import { assertEquals } from "@std/assert";
import { type ForecastInput, forecastOf } from "../../src/observe/forecast.ts";

const HOUR_MS = 3_600_000;

function forecast(before: number | undefined, now: number, more: Partial<ForecastInput> = {}) {
  return forecastOf({
    before: before === undefined ? undefined : { behindMs: before, atMs: 0 },
    now: { behindMs: now, atMs: 10_000 },
    oldestUnreadAgeMs: now === 0 ? undefined : now,
    retentionMs: 24 * HOUR_MS,
    ...more,
  });
}

Deno.test("forecastOf() divides what is behind by the pace at which it becomes less", () => {
  const { slope, catchUpMs, lossInMs, isLossCertain } = forecast(100_000, 80_000);
  assertEquals([slope, catchUpMs, lossInMs, isLossCertain], [-2, 40_000, undefined, false]);
  assertEquals(forecast(50_000, 50_000).catchUpMs, undefined);
  assertEquals(forecast(50_000, 0).catchUpMs, 0);
});

Deno.test("forecastOf() says when records are trimmed, and when at the present pace", () => {
  const halfPace = forecast(20 * HOUR_MS - 5000, 20 * HOUR_MS);
  assertEquals([halfPace.slope, halfPace.trimmedInMs, halfPace.lossInMs], [0.5, 4 * HOUR_MS, 8 * HOUR_MS]);
  assertEquals(halfPace.isLossCertain, true);
  // Jitter is no trend, and one sight has none.
  assertEquals(forecast(50_000, 50_100).isLossCertain, false);
  const once = forecast(undefined, 20 * HOUR_MS);
  assertEquals([once.slope, once.trimmedInMs, once.isLossCertain], [undefined, 4 * HOUR_MS, false]);
});

Deno.test("forecastOf() counts records as lost once they are as old as the stream keeps them", () => {
  const late = forecast(undefined, 24 * HOUR_MS);
  assertEquals([late.trimmedInMs, late.lossInMs, late.isLossCertain], [0, 0, true]);
  // Even a reader that catches up has lost these.
  assertEquals(forecast(26 * HOUR_MS, 25 * HOUR_MS).isLossCertain, true);
});

Deno.test("forecastOf() says nothing of a stream whose retention period is not known, and of one that is read", () => {
  const unknown = forecast(1000, 9000, { retentionMs: undefined });
  assertEquals([unknown.trimmedInMs, unknown.lossInMs, unknown.isLossCertain], [undefined, undefined, false]);
  assertEquals(forecast(0, 0).trimmedInMs, undefined);
  assertEquals(forecast(1000, 2000, { before: { behindMs: 1000, atMs: 10_000 } }).slope, undefined);
});

Deno.test("forecastOf() takes the jitter of a healthy reader for no trend, and a reader at the tip for no danger", () => {
  for (const [before, now] of [[630, 2500], [2500, 630], [40_000, 41_900], [41_900, 40_000]] as const) {
    const { slope, catchUpMs, isLossCertain } = forecast(before, now);
    assertEquals([slope, catchUpMs, isLossCertain], [0, undefined, false]);
  }
  assertEquals([forecast(1000, 9900).slope, forecast(1000, 9900).isLossCertain], [0.89, false]);
  assertEquals(forecast(8000, 10_100).isLossCertain, true);
});
