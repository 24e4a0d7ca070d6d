import { assertEquals } from "@std/assert";
import {
  refreshPauseMs,
  type RefreshRule,
  refreshTimes,
} from "../../../src/aws/credential_sources/refresh_times.ts";
import cases from "../../cases/refresh_times.json" with { type: "json" };

const NOW = Date.UTC(2026, 0, 30);

for (const { rule, leftMin, chance, advisoryMin, mandatoryMin, comment } of cases) {
  Deno.test(`refreshTimes() for ${rule} with ${leftMin} min left: ${comment}`, () => {
    const atMs = (minutes: number | null) => minutes === null ? Infinity : NOW + minutes * 60_000;
    const times = refreshTimes({
      rule: rule as RefreshRule,
      nowEpochMs: NOW,
      expiresEpochMs: leftMin === null ? undefined : atMs(leftMin),
      chance,
    });
    assertEquals(times, { advisoryEpochMs: atMs(advisoryMin), mandatoryEpochMs: atMs(mandatoryMin) });
  });
}

Deno.test("refreshPauseMs() doubles from 0.1 s up to 10 s", () => {
  assertEquals([1, 2, 3, 8, 1000].map(refreshPauseMs), [100, 200, 400, 10_000, 10_000]);
});
