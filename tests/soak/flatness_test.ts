import { assertEquals } from "@std/assert";
import { growthOf, median, type MemorySample } from "./flatness.ts";

const samples = (rssMiB: (n: number) => number): MemorySample[] =>
  Array.from({ length: 100 }, (_, n) => ({ rssMiB: rssMiB(n), heapMiB: 20, shards: 6 }));

Deno.test("growthOf() sees steady growth, in resident memory and heap apart", () => {
  // From the middle of the samples 40 to 54 to that of 85 to 99.
  assertEquals(growthOf(samples((n) => 100 + n)), { rssMiB: 45, heapMiB: 0 });
  assertEquals(growthOf(samples((n) => 100 - n)), { rssMiB: -45, heapMiB: 0 });
});

Deno.test("growthOf() passes over the way to a warm process, and over single peaks", () => {
  assertEquals(growthOf(samples((n) => Math.min(100, 3 * n))).rssMiB, 0);
  assertEquals(growthOf(samples((n) => n % 10 === 9 ? 500 : 100)).rssMiB, 0);
});

Deno.test("growthOf() does not judge too few samples, and median() none", () => {
  assertEquals(growthOf(samples(() => 1).slice(0, 3)), { rssMiB: NaN, heapMiB: NaN });
  assertEquals([median([3, 1, 2]), median([4, 1])], [2, 2.5]);
});
