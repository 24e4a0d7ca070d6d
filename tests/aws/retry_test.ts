import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import {
  backoffMs,
  classify,
  DEFAULT_RETRY_POLICY,
  retryDelayMs,
  type Verdict,
} from "../../src/aws/retry.ts";
import cases from "../cases/retry.json" with { type: "json" };
import { seeded } from "../support/seed.ts";

for (const { code, status, verdict, comment } of cases) {
  Deno.test(`classify() calls ${code} with ${status ?? "no status"} ${verdict}: ${comment}`, () => {
    assertEquals(classify({ code, status: status ?? undefined }), verdict as Verdict);
  });
}

Deno.test("backoffMs() doubles from its base, stops at the cap, and is spread from 0 by chance", () => {
  const at = (attempt: number, chance: number) => backoffMs({ attempt, baseMs: 100, maxMs: 1000, chance });
  assertEquals([1, 2, 3, 4, 5, 6].map((attempt) => at(attempt, 0.999999)), [99, 199, 399, 799, 999, 999]);
  assertEquals(at(3, 0), 0);
  assertEquals(at(3, 0.5), 200);
});

Deno.test("backoffMs() is never negative nor past the cap", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 0, max: 60_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, baseMs, maxMs, chance) => {
        const ms = backoffMs({ attempt, baseMs, maxMs, chance });
        return ms >= 0 && ms <= maxMs && Number.isInteger(ms);
      },
    ),
    seeded(),
  );
});

Deno.test("retryDelayMs() gives transient and throttled failures their own number of attempts", () => {
  const policy = { ...DEFAULT_RETRY_POLICY, attempts: 2, throttledAttempts: 3 };
  const ends = (verdict: Verdict) =>
    [1, 2, 3, 4].map((attempt) => retryDelayMs({ policy, verdict, attempt, chance: 0.5 }) === undefined);
  assertEquals(ends("transient"), [false, true, true, true]);
  assertEquals(ends("throttled"), [false, false, true, true]);
  for (const verdict of ["clockSkew", "credentials", "final"] as const) {
    assertEquals(ends(verdict), [true, true, true, true]);
  }
});

Deno.test("retryDelayMs() pauses longer after a throttled attempt than after a fault", () => {
  const question = { policy: DEFAULT_RETRY_POLICY, attempt: 1, chance: 0.999999 };
  assertEquals([
    retryDelayMs({ ...question, verdict: "transient" }),
    retryDelayMs({ ...question, verdict: "throttled" }),
  ], [49, 499]);
});
