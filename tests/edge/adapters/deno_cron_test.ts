import { assertEquals, assertRejects } from "@std/assert";
import { denoCron } from "../../../src/edge/mod.ts";
import { ScriptedSlices } from "../../support/scripted_slices.ts";

Deno.test("denoCron() runs one slice per tick, and lets Deno see an error", async () => {
  const { signal } = new AbortController();
  const worker = new ScriptedSlices();
  const tick = denoCron(worker, { budgetMs: 50_000, signal });
  assertEquals([await tick(), await tick()], [undefined, undefined]);
  assertEquals(worker.given, [{ budgetMs: 50_000, signal }, { budgetMs: 50_000, signal }]);
  await assertRejects(
    denoCron(new ScriptedSlices(new TypeError("wrong")), { budgetMs: 1 }),
    TypeError,
    "wrong",
  );
});
