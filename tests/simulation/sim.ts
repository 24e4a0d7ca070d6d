/**
 * Runs simulated fleets, one for each seed, and tells the seeds that broke a rule, where, and what went before. The last line is
 * one of JSON.
 *
 *     deno task sim --seeds 100 [--seed 1] [--minutes 8] [--first] [--verbose] [--smoke]
 *
 * `--seed` is the first of the seeds, or `random`; `--first` ends at the first violation; `--verbose` tells of each seed how
 * many steps it took, after how many ms of virtual time it came to order, and its fingerprint;
 * `--smoke` is short for two seeds.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { simulate, violationText } from "../../src/testing/mod.ts";
import { seedOf } from "../support/seed.ts";

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string", default: "20" },
      seed: { type: "string", default: "1" },
      minutes: { type: "string" },
      first: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      smoke: { type: "boolean", default: false },
    },
  });
  const isRandom = values.seed === "random";
  const first = isRandom ? seedOf("random") : wholeNumber("seed", values.seed);
  const count = values.smoke ? 2 : wholeNumber("seeds", values.seeds);
  if (count === 0) throw new RangeError("Cannot simulate: expected at least one seed: got --seeds 0");
  if (isRandom) console.log(`seeds from ${first} on`);
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  const startedMs = performance.now();
  let seeds = 0, violations = 0, workerHours = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await simulate({ seed, minutes, options: "varied" });
    if (values.verbose) console.log(seed, result.steps, result.settledMs, result.fingerprint);
    seeds++;
    workerHours += result.workerHours;
    if (result.violation === undefined) continue;
    violations++;
    console.log(violationText(result));
    const longer = minutes === undefined ? "" : ` --minutes ${minutes}`;
    console.log(`    Again: deno task sim --seeds 1 --seed ${seed}${longer}`);
    if (values.first) break;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const workerHoursPerSecond = Math.round(100 * workerHours / seconds) / 100;
  console.log(JSON.stringify({ seeds, violations, workerHoursPerSecond }));
  return violations === 0 ? 0 : 1;
}

function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new TypeError(`Cannot simulate: expected a whole number for --${name}: got ${JSON.stringify(text)}`);
}
