import { assertEquals } from "@std/assert";
import { RecordDecodeError, StoreMovedError, StoreUnavailableError } from "../../src/errors.ts";
import { BatchRun } from "../../src/failures/batch_run.ts";

const RULES = { attempts: 1, split: "bisect", maxAgeMs: Infinity } as const;

for (const error of [new StoreUnavailableError("down"), new StoreMovedError("moved")]) {
  Deno.test(`BatchRun counts no attempt, and splits nothing, for a ${error.name}`, () => {
    const run = new BatchRun({ items: [1, 2, 3], failures: 0, calls: 0, error: undefined }, RULES, () => 0);
    for (let call = 1; call <= 20; call++) {
      assertEquals(run.failed(error), { outcome: "retrying", inARow: call });
      const step = run.next(0);
      assertEquals(step.type === "call" && step.piece.items, [1, 2, 3]);
    }
  });
}

Deno.test("BatchRun counts an attempt for any other error after a store was down", () => {
  const run = new BatchRun({ items: [1], failures: 0, calls: 0, error: undefined }, RULES, () => 0);
  run.failed(new StoreUnavailableError("down"));
  run.failed(new RecordDecodeError("no"));
  assertEquals(run.failed(new Error("no")).outcome, "givenUp");
  assertEquals(run.next(0).type, "giveUp");
});
