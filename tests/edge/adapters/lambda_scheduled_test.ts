import { assertEquals } from "@std/assert";
import { lambdaScheduled, type LambdaSliceOptions } from "../../../src/edge/mod.ts";
import { QUIET_SLICE, ScriptedSlices } from "../../support/scripted_slices.ts";

const context = (ms: number) => ({ getRemainingTimeInMillis: () => ms });

/** What a slice may use, with so much time left. */
async function given(leftMs: number, options?: LambdaSliceOptions) {
  const worker = new ScriptedSlices();
  await lambdaScheduled(worker, options)({}, context(leftMs));
  return worker.given;
}

Deno.test("lambdaScheduled() leaves Lambda a second of the time that it has left", async () => {
  assertEquals(await given(60_000), [{ budgetMs: 59_000 }]);
  assertEquals(await given(60_000, { maxShards: 2, budgetMs: undefined }), [{
    maxShards: 2,
    budgetMs: 59_000,
  }]);
});

Deno.test("lambdaScheduled() never uses more than its own budget, nor more than Lambda has left", async () => {
  assertEquals(await given(60_000, { budgetMs: 20_000 }), [{ budgetMs: 20_000 }]);
  assertEquals(await given(10_000, { budgetMs: 20_000 }), [{ budgetMs: 9000 }]);
});

Deno.test("lambdaScheduled() answers with the slice's summary, which can be written as JSON", async () => {
  const error: { self?: unknown } = {};
  error.self = error;
  const worker = new ScriptedSlices({
    ...QUIET_SLICE,
    failures: [{ step: "lock", text: "throttled", error }],
  });
  const answer = await lambdaScheduled(worker)({}, context(60_000));
  assertEquals(JSON.parse(JSON.stringify(answer)), {
    ...QUIET_SLICE,
    failures: [{ step: "lock", text: "throttled" }],
  });
});
