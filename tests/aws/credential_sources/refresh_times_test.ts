import fc from "../../support/fast_check.ts";
import { assert, assertEquals } from "@std/assert";
import {
  refreshPauseMs,
  type RefreshRule,
  refreshTimes,
} from "../../../src/aws/credential_sources/refresh_times.ts";
import { seeded } from "../../support/seed.ts";
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

Deno.test("refreshTimes() lie after now for each rule, whatever the clock says", () => {
  const times = fc.integer({ min: -4e12, max: 8e12 });
  fc.assert(
    fc.property(
      fc.constantFrom<RefreshRule[]>("role", "container", "instance", "given"),
      times,
      fc.oneof(times, fc.integer({ min: -7_200_000, max: 7_200_000 }), fc.constantFrom(Infinity, undefined)),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (rule, nowEpochMs, end, chance) => {
        // Half of the ends lie near now, where the rules differ.
        const expiresEpochMs = end !== undefined && Math.abs(end) <= 7_200_000 ? nowEpochMs + end : end;
        const { advisoryEpochMs, mandatoryEpochMs } = refreshTimes({
          rule,
          nowEpochMs,
          expiresEpochMs,
          chance,
        });
        assert(advisoryEpochMs > nowEpochMs, `advisory ${advisoryEpochMs}`);
        assert(mandatoryEpochMs >= advisoryEpochMs, `mandatory ${mandatoryEpochMs}`);
      },
    ),
    seeded(),
  );
});
