/**
 * Keeps the mutants up to date with the source, and shows that the program that runs them can find a bug, miss one, and fail.
 * Running all of them takes minutes and is a task of its own.
 *
 * @module
 */

import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { copyRepository } from "../support/repository_copy.ts";
import { type Mutant, MUTANTS } from "./mutant_list.ts";
import { ALL_MUTANTS, main, type MutantRun, mutated, runMutants } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);

for (const mutant of ALL_MUTANTS) {
  Deno.test(`mutant ${mutant.name} can be made of ${mutant.file}`, async () => {
    const source = await Deno.readTextFile(new URL(mutant.file, ROOT));
    const bad = mutated(source, mutant);
    assertEquals(bad === source, false);
    assertGreater(mutant.why.length, 0);
    if (mutant.test !== undefined) await Deno.stat(new URL(mutant.test, ROOT));
  });
}

Deno.test("every mutant has a name of its own", () => {
  assertEquals(new Set(ALL_MUTANTS.map(({ name }) => name)).size, ALL_MUTANTS.length);
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

Deno.test("runMutants() runs a mutant with the test file that it names, and counts it among the others", async () => {
  const file = "src/async/bell.ts", test = "tests/async/bell_test.ts";
  const found = {
    name: "found",
    file,
    find: "wake of this.#waiting",
    replace: "wake of []",
    why: "a test",
    test,
  };
  const unseen = { ...found, name: "unseen", find: "One bell.", replace: "A bell." };
  const noCode = { ...found, name: "no-code", replace: "wake of [" };
  const { code, text } = await ran({ mutants: [found, unseen, noCode] });
  assertEquals(code, 2);
  assertMatch(text, /^✓ found: "Bell\.[^\n]+"$/m);
  assertStringIncludes(text, "✗ unseen: NOT CAUGHT in tests/async/bell_test.ts");
  assertMatch(text, /^✗ no-code: COULD NOT BE RUN: error: /m);
  assertStringIncludes(text, `{"mutants":3,"caught":1,"survived":1,"notRun":1}`);
});

Deno.test("runMutants() throws when the test file of a mutant does not pass without it", async () => {
  const failing = async (folder: string) => {
    await copyRepository(folder);
    await Deno.writeTextFile(
      `${folder}/tests/one_test.ts`,
      `Deno.test("one", () => { throw new Error("no"); });`,
    );
  };
  const mutant = { ...ofTheProgram("any", "Runs simulated fleets", "Runs"), test: "tests/one_test.ts" };
  const reason = await ran({ mutants: [mutant], copy: failing }).catch(String);
  assertEquals(`${reason}`, `Error: Cannot run mutants: the source without any bug must pass: "one"`);
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
