/** What Deno downloads before it starts a program of this repository: `bench/first_start.ts` measures it. */

import { assertEquals } from "@std/assert";
import { packagesOf } from "../../bench/first_start.ts";

const LIBRARY = ["aws4fetch"];

for (
  const [module, packages] of Object.entries({
    "mod.ts": LIBRARY,
    "src/testing/mod.ts": LIBRARY,
    "src/health/mod.ts": ["aws4fetch", "hono"],
    "cli.ts": [...LIBRARY, "hono"],
    "examples/words/demo.ts": [...LIBRARY, "hono"],
  })
) {
  Deno.test(`${module} makes Deno download ${packages.join(", ")} and nothing else`, async () => {
    assertEquals(await packagesOf(module), packages);
  });
}

Deno.test("packagesOf() names what a module imports, and what that needs", async () => {
  assertEquals(await packagesOf("tests/support/fast_check.ts"), ["fast-check", "pure-rand"]);
});
