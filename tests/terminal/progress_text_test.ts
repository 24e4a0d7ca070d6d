/** @module */

import { assertEquals } from "@std/assert";
import { progressBar, progressSentence, type WorkState } from "../../src/terminal/progress_text.ts";

const STATE: WorkState = {
  what: "Reading leases",
  unit: "lease",
  done: 10_000,
  total: 20_000,
  perSecond: 2000,
};

Deno.test("progressBar() has a bar, the rate and the time that is left", () => {
  assertEquals(
    progressBar(STATE, 80),
    "Reading leases [##########---------] 10,000 of 20,000 leases, 2,000/s, 5 s left",
  );
});

Deno.test("progressBar() leaves the bar out of 40 columns", () => {
  assertEquals(progressBar(STATE, 40), "Reading leases  10,000 of 20,000 lease…");
});

Deno.test("progressBar() has no bar while the total is not known", () => {
  const state = { ...STATE, done: 1, total: undefined, perSecond: 0.5 };
  assertEquals(progressBar(state, 100), "Reading leases  1 lease, 0.5/s");
});

Deno.test("progressBar() of more than was expected is full", () => {
  const state = { ...STATE, done: 30, total: 20 };
  assertEquals(
    progressBar(state, 200),
    `Reading leases [${"#".repeat(30)}] 30 of 20 leases, 2,000/s`,
  );
});

Deno.test("progressSentence() says hours where there are many minutes, and no time at a standstill", () => {
  const hours = { ...STATE, total: 100_000_000 };
  assertEquals(
    progressSentence(hours),
    "Reading leases: 10,000 of 100,000,000 leases, 2,000/s, 14 h left",
  );
  assertEquals(
    progressSentence({ ...STATE, perSecond: 0 }),
    "Reading leases: 10,000 of 20,000 leases",
  );
});
