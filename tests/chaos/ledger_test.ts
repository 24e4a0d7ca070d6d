import { assertEquals } from "@std/assert";
import { type ChaosLine, sumsOf } from "./ledger.ts";

const processed = (hold: string, atMs: number, ...texts: string[]): ChaosLine => ({
  hold,
  what: "processed",
  atMs,
  texts,
});
const checkpointed = (hold: string, atMs: number): ChaosLine => ({ hold, what: "checkpointed", atMs });
const ended = (hold: string, atMs: number): ChaosLine => ({ hold, what: "ended", atMs });

Deno.test("sumsOf() counts what was put and never processed as lost", () => {
  const sums = sumsOf(new Set(["a", "b"]), [processed("1", 1, "a")]);
  assertEquals([sums.records, sums.lost, sums.lostTexts, sums.unknown], [2, 1, ["b"], 0]);
});

Deno.test("sumsOf() counts what was processed and never put as unknown", () => {
  assertEquals(sumsOf(new Set(["a"]), [processed("1", 1, "a", "b")]).unknown, 1);
});

Deno.test("sumsOf() forgives a repeat after a hold that did not end in order", () => {
  const sums = sumsOf(new Set(["a"]), [processed("1", 1, "a"), processed("2", 5, "a"), ended("2", 6)]);
  assertEquals([sums.repeated, sums.duplicatesAfterOrderlyEnds, sums.duplicatesAfterCheckpoints], [1, 0, 0]);
  assertEquals(sums.orderlyEnds, 1);
});

Deno.test("sumsOf() finds a record that comes again after its hold ended in order, also out of order of the lines", () => {
  const lines = [processed("2", 5, "a"), processed("1", 1, "a"), ended("1", 2)];
  const sums = sumsOf(new Set(["a"]), lines);
  assertEquals([sums.duplicatesAfterOrderlyEnds, sums.duplicatesAfterCheckpoints], [1, 1]);
});

Deno.test("sumsOf() finds a record that comes again after a checkpoint behind it, and spares those after it", () => {
  const lines = [
    processed("1", 1, "a"),
    checkpointed("1", 2),
    processed("1", 3, "b"),
    processed("2", 9, "a", "b"),
  ];
  const sums = sumsOf(new Set(["a", "b"]), lines);
  assertEquals([sums.repeated, sums.duplicatesAfterOrderlyEnds, sums.duplicatesAfterCheckpoints], [2, 0, 1]);
});

Deno.test("sumsOf() counts a batch that one hold retries as processed once", () => {
  const sums = sumsOf(new Set(["a"]), [processed("1", 1, "a"), processed("1", 2, "a"), ended("1", 3)]);
  assertEquals([sums.repeated, sums.duplicatesAfterOrderlyEnds], [0, 0]);
});
