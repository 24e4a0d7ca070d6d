/**
 * Fleets of real workers in virtual time. `SEED=` runs one seed alone; `deno task sim --seeds 1000` runs many more.
 *
 * @module
 */

import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { simulate, violationText } from "../../src/testing/mod.ts";

/** Seeds that broke a rule once, and what it was. */
const REGRESSIONS: readonly (readonly [seed: number, what: string])[] = [
  [10, "a worker that stopped at the end of a shard stored SHARD_END before the children had leases"],
  [1, "the retry of a batch took back a checkpoint whose answer had been lost"],
  [29, "a leader took a lease for expired whose owner had come back after the scan"],
];

/** About so long the seeds of one run take, in ms. */
const budgetMs = 12_000;

for (const [seed, what] of REGRESSIONS) {
  Deno.test(`simulate() breaks no rule with seed ${seed}, where ${what}`, () => keepsRules(seed));
}

Deno.test("simulate() breaks no rule, whatever the seed", async () => {
  const given = Deno.env.get("SEED");
  if (given !== undefined) return await keepsRules(Number(given));
  const first = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const untilMs = performance.now() + budgetMs;
  let seed = first;
  for (; performance.now() < untilMs; seed++) await keepsRules(seed);
  assertGreater(seed, first);
});

Deno.test("simulate() replays a seed exactly, and another seed differs", async () => {
  const [once, again, other] = [
    await simulate({ seed: 7, minutes: 5 }),
    await simulate({ seed: 7, minutes: 5 }),
    await simulate({ seed: 8, minutes: 5 }),
  ];
  assertEquals(again, once);
  assertNotEquals(other.fingerprint, once.fingerprint);
});

async function keepsRules(seed: number): Promise<void> {
  const result = await simulate({ seed });
  if (result.violation !== undefined) throw new Error(`${violationText(result)}\nRepeat with SEED=${seed}`);
  assertGreater(result.records, 0);
}
