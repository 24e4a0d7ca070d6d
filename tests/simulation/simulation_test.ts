/**
 * Fleets of real workers in virtual time, with options drawn from the seed too. `SEED=` runs one seed alone; `deno task sim
 * --seeds 1000` runs many more.
 *
 * @module
 */

import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { simulate, violationText } from "../../src/testing/mod.ts";
import { seeded } from "../support/seed.ts";

/**
 * Seeds that break a rule when what the simulation once found is not mended, by the mutant that takes the mending back. Any change
 * of the world or of a worker may turn such a seed into another story: `deno task sim:mutants --only …` finds a new one.
 */
const REGRESSIONS: readonly (readonly [seed: number, what: string])[] = [
  [106, "end-in-the-last-checkpoint"],
  [8, "checkpoint-goes-back"],
  [12, "assign-without-the-counter"],
  [483, "note-children-without-counter"],
  [16, "begin-under-an-expired-lease"],
  [95, "given-leases-are-a-sign-of-life"],
  [2003, "a-deleted-lease-counts-as-held"],
  [682, "a tip that was opened long after its time had been asked for"],
];

/**
 * The seeds of one run: from the first on for about so long, in ms, and no more than have been seen to pass. They are the same in
 * each run, so that a change is never refused for what it did not touch. A step of `.ci/run` runs a hundred, and
 * `deno task sim --seed random` looks further.
 */
const budgetMs = 5000, maxSeeds = 5000;

for (const [seed, what] of REGRESSIONS) {
  Deno.test(`simulate() breaks no rule with seed ${seed}, which finds "${what}"`, () => keepsRules({ seed }));
}

Deno.test("simulate() breaks no rule, seed after seed", async () => {
  const { seed: first } = seeded();
  const isOneAlone = /^\d+$/.test(Deno.env.get("SEED") ?? "");
  if (isOneAlone) return await keepsRules({ seed: first });
  const untilMs = performance.now() + budgetMs;
  let seed = first;
  for (; performance.now() < untilMs && seed < first + maxSeeds; seed++) await keepsRules({ seed });
  console.log(`simulated ${seed - first} seeds from ${first} on`);
});

Deno.test("simulate() replays a seed exactly, and another seed differs", async () => {
  for (const options of [undefined, "varied"] as const) {
    const run = (seed: number) => simulate({ seed, minutes: 2, options });
    const [once, again, other] = [await run(7), await run(7), await run(8)];
    assertEquals(again, once);
    assertNotEquals(other.fingerprint, once.fingerprint);
  }
});

async function keepsRules({ seed }: { readonly seed: number }): Promise<void> {
  const result = await simulate({ seed, options: "varied" });
  const again = `Repeat with: deno task sim --seeds 1 --seed ${seed}`;
  if (result.violation !== undefined) throw new Error(`${violationText(result)}\n${again}`);
  assertGreater(result.records, 0);
}
