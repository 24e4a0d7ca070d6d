/**
 * Keeps the mutants up to date with the source: running them takes minutes and is a task of its own.
 *
 * @module
 */

import { assertEquals, assertGreater } from "@std/assert";
import { MUTANTS } from "./mutant_list.ts";
import { mutated } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);

for (const mutant of MUTANTS) {
  Deno.test(`mutant ${mutant.name} can be made of ${mutant.file}`, async () => {
    const source = await Deno.readTextFile(new URL(mutant.file, ROOT));
    const bad = mutated(source, mutant);
    assertEquals(bad === source, false);
    assertGreater(mutant.why.length, 0);
  });
}
