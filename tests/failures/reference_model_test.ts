import { assertEquals } from "@std/assert";
import { BatchRun } from "../../src/failures/batch_run.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";
import { type Happening, reference } from "./reference_model.ts";

interface Item {
  readonly index: number;
  readonly arrivalMs: number;
}

/** What the state machine says and takes, call after call, in the model's words. */
function machine(
  items: readonly Item[],
  rules: ConstructorParameters<typeof BatchRun<Item>>[1],
  call: (items: readonly Item[]) => number,
  nowMs: () => number,
): readonly Happening<Item>[] {
  const happened: Happening<Item>[] = [];
  const run = new BatchRun<Item>(
    { items, failures: 0, calls: 0, error: undefined },
    rules,
    (item) => item.arrivalMs,
  );
  for (let step = run.next(nowMs()); step.type !== "done"; step = run.next(nowMs())) {
    const { items } = step.piece;
    if (step.type === "giveUp") {
      happened.push({ type: "givenUp", items, condition: step.condition as "RecordAgeExceeded" });
      run.finished(items.length);
      continue;
    }
    happened.push({ type: "called", items });
    const done = call(items);
    if (done > 0) happened.push({ type: "processed", items: items.slice(0, done) });
    if (done === items.length) run.finished(done);
    else run.failed(new Error("no"), done);
  }
  return happened;
}

Deno.test("BatchRun calls and gives up exactly as the reference model, whatever fails, how often and when", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(100), { minLength: 1, maxLength: 12 }).map((ms) => ms.toSorted((a, b) => a - b)),
      fc.record({
        attempts: fc.constantFrom(0, 1, 2, 5),
        split: fc.constantFrom("none", "bisect"),
        maxAgeMs: fc.constantFrom(50, 120, Infinity),
      }, { noNullPrototype: true }),
      // What each call does: all, nothing, or some at the beginning; and how long it takes.
      fc.array(fc.tuple(fc.constantFrom("all", "none", "some"), fc.nat(1000), fc.nat(20)), { maxLength: 60 }),
      (arrivals, rules, script) => {
        const items = arrivals.map((arrivalMs, index) => ({ index, arrivalMs }));
        const play = () => {
          let nowMs = 100, calls = 0;
          const call = ({ length }: readonly Item[]) => {
            const [what, where, ms] = script[calls++] ?? ["all", 0, 0];
            nowMs += ms;
            return what === "all" ? length : what === "none" ? 0 : where % length;
          };
          return { call, nowMs: () => nowMs };
        };
        const one = play(), other = play();
        const isTooOld = ({ arrivalMs }: Item) => one.nowMs() - arrivalMs > rules.maxAgeMs;
        const expected = reference(items, rules, one.call, isTooOld);
        assertEquals(machine(items, rules, other.call, other.nowMs), expected);
        const final = expected.flatMap(({ type, items }) => type === "called" ? [] : items);
        assertEquals(final.map(({ index }) => index), items.map(({ index }) => index), "each once, in order");
      },
    ),
    seeded(),
  );
});
