/**
 * Keeps the mutants up to date with the source, and shows that the program that runs them can find a bug, miss one, and fail.
 * Running all of them takes minutes and is a task of its own.
 *
 * @module
 */

import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { copyRepository } from "../support/repository_copy.ts";
import { type Mutant, MUTANTS } from "./mutant_list.ts";
import { main, type MutantRun, mutated, runMutants } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);

for (const mutant of MUTANTS) {
  Deno.test(`mutant ${mutant.name} can be made of ${mutant.file}`, async () => {
    const source = await Deno.readTextFile(new URL(mutant.file, ROOT));
    const bad = mutated(source, mutant);
    assertEquals(bad === source, false);
    assertGreater(mutant.why.length, 0);
  });
}

Deno.test("every mutant has a name of its own", () => {
  assertEquals(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

/** Runs the program's `main()` and keeps what it printed. */
async function printed(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const lines: string[] = [];
  const code = await main(args, (line) => lines.push(line));
  return { code, text: lines.join("\n") };
}

/** Runs mutants of this test's own. */
async function ran(run: Partial<MutantRun>): Promise<{ readonly code: number; readonly text: string }> {
  const lines: string[] = [];
  const code = await runMutants({ mutants: [], seeds: 1, print: (line) => lines.push(line), ...run });
  return { code, text: lines.join("\n") };
}

/** A change of the simulator's own program. */
function ofTheProgram(name: string, find: string, replace: string): Mutant {
  return { name, file: "tests/simulation/sim.ts", find, replace, why: "a test" };
}

Deno.test("mutants.ts really runs a mutant in a copy of the repository, and the simulation catches it", async () => {
  const { code, text } = await printed(["--smoke"]);
  assertMatch(
    text,
    /^✓ renew-without-counter: \w+ after \d+ seeds\n\{"mutants":1,"caught":1,"survived":0,"notRun":0\}$/,
  );
  assertEquals(code, 0);
});

Deno.test("runMutants() ends with 1 for a mutant that survives, and with 2 for one that cannot be run", async () => {
  const harmless = ofTheProgram("harmless", "Runs simulated fleets", "Runs fleets");
  const broken = ofTheProgram("broken", `from "../support/seed.ts"`, `from "../support/gone.ts"`);
  const outOfDate = ofTheProgram("out-of-date", "a text that is not there", "");

  assertEquals(await ran({ mutants: [harmless] }), {
    code: 1,
    text: `✗ harmless: NOT CAUGHT in 1 seeds\n{"mutants":1,"caught":0,"survived":1,"notRun":0}`,
  });
  const { code, text } = await ran({ mutants: [broken, outOfDate] });
  assertEquals(code, 2);
  assertMatch(text, /✗ broken: COULD NOT BE RUN: error: Module not found .*gone\.ts/);
  assertStringIncludes(text, `✗ out-of-date: COULD NOT BE RUN: Error: Cannot make mutant "out-of-date"`);
  assertStringIncludes(text, `{"mutants":2,"caught":0,"survived":0,"notRun":2}`);
});

Deno.test("runMutants() throws when the source without a bug cannot be run: no mutant has been tried then", async () => {
  const lacking = async (folder: string) => {
    await copyRepository(folder);
    await Deno.remove(`${folder}/tests/support`, { recursive: true });
  };
  const reason = await ran({ mutants: MUTANTS.slice(0, 1), copy: lacking }).catch(String);
  assertMatch(
    `${reason}`,
    /^Error: Cannot run mutants: the source without any bug must pass: COULD NOT BE RUN: error: Module not found/,
  );
});

Deno.test("mutants.ts ends with 2 for arguments that would run nothing", async () => {
  for (const args of [["--only", "no-such-mutant"], ["--seeds", "0"], ["--seeds", "many"], ["--sed", "1"]]) {
    const { code, text } = await printed(args);
    assertEquals(code, 2, text);
    assertGreater(text.length, 0);
  }
});
