/** How the bench makes figures of its turns. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  cpuPerMillion,
  cpuRatio,
  lineOf,
  markdownTable,
  median,
  rowOf,
  summaryOf,
  tableOf,
  withBlock,
  writtenBlock,
} from "../../bench/figures.ts";
import type { MeasuredTurn } from "../../bench/turn.ts";

/** A turn of a million records, so that its CPU seconds are those per million. */
function turn(userSeconds: number, systemSeconds: number, changes: Partial<MeasuredTurn> = {}): MeasuredTurn {
  return { count: 1e6, seconds: 2, userSeconds, systemSeconds, peakRssMiB: 100, ...changes };
}

Deno.test("median() is the middle one, or the mean of the two in the middle, in whatever order", () => {
  assertEquals([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])], [2, 2.5, 7]);
  assertEquals(median([]), NaN);
});

Deno.test("cpuPerMillion() counts the time in the program and in the kernel, for the records that were read", () => {
  assertEquals(cpuPerMillion(turn(1, 0.5, { count: 500_000 })), 3);
});

Deno.test("cpuRatio() compares within a round: a round in which the machine was slow for both changes nothing", () => {
  const floor = [turn(1, 0), turn(10, 0), turn(1, 0)];
  assertEquals(cpuRatio([turn(2, 0), turn(20, 0), turn(2, 0)], floor), 2);
  assertEquals(cpuRatio([turn(2, 0), turn(20, 0)], floor), 2);
});

Deno.test("rowOf() has medians of the rounds, and no ratio for a floor", () => {
  const turns = [turn(1, 1), turn(2, 1, { peakRssMiB: 300 }), turn(9, 9, { peakRssMiB: 200 })];
  const { cpu, user, system, timesFloor, perSecond, peakRssMiB } = rowOf("a", turns);
  assertEquals([cpu, user, system, timesFloor, perSecond, peakRssMiB], [3, 2, 1, undefined, 500_000, 200]);
  assertEquals(rowOf("a", turns, [turn(1, 0), turn(1, 0), turn(1, 0)]).timesFloor, 3);
});

Deno.test("tableOf() has a line for each case, laid out as deno fmt does", () => {
  assertEquals(
    tableOf([rowOf("a", [turn(1, 0.5)]), rowOf("b-c", [turn(200, 34)], [turn(1, 0)])]),
    `| case  | CPU s | user | system | times its floor | a second | peak RSS, MiB |
| ----- | ----: | ---: | -----: | --------------: | -------: | ------------: |
| \`a\`   |  1.50 | 1.00 |   0.50 |                 |  500,000 |           100 |
| \`b-c\` |   234 |  200 |   34.0 |          234.00 |  500,000 |           100 |`,
  );
  assertEquals(markdownTable([["a", "b"], ["c", "d"]]), "| a   |   b |\n| --- | --: |\n| c   |   d |");
});

Deno.test("tableOf() and lineOf() say in words what a row did not reach", () => {
  const row = rowOf("a", [turn(1, 0.5)], undefined, "warm-up ended by time");
  assertStringIncludes(tableOf([row]), "| `a` (warm-up ended by time) |  1.50 |");
  assertEquals(
    lineOf(row),
    "a: 1.50 CPU s a million (1.00 + 0.50), 500,000 a second, 100 MiB (warm-up ended by time)",
  );
});

Deno.test("summaryOf() has null for what was not measured, and greater is better in both ratios", () => {
  const measured = new Map([
    ["floor-json", [turn(1, 0)]],
    ["worker-json", [turn(1.5, 0.5)]],
    ["worker-cbor", [turn(0.5, 0)]],
    ["catch-up", [turn(0, 0, { peakRssMiB: 299.6 })]],
  ]);
  assertEquals(summaryOf(measured, 1328), {
    floorRatio: 0.5,
    cborRatioToJson: 4,
    cpuPerMillion: { "floor-json": 1, "worker-json": 2, "worker-cbor": 0.5 },
    rssMiB: 300,
    idleRequestsPerShardHour: 1328,
  });
  assertEquals(summaryOf(new Map(), undefined, [rowOf("java-cbor", [turn(3, 1)])]), {
    floorRatio: null,
    cborRatioToJson: null,
    cpuPerMillion: { "java-cbor": 4 },
    rssMiB: null,
    idleRequestsPerShardHour: null,
  });
});

Deno.test("withBlock() replaces what stands between the marks, and nothing else, the first time and the next", () => {
  const marks = (block: string) => [
    `<!-- written by deno task ${block} --write -->`,
    `<!-- end of what ${block} --write wrote -->`,
  ];
  const document = ["# a", "", ...marks("bench"), "", "b", "", ...marks("bench --compare"), "", "c", ""].join(
    "\n",
  );
  const once = withBlock(document, "bench", "| x |");
  assertEquals(writtenBlock(once, "bench"), "| x |");
  const again = withBlock(once, "bench", "| y |");
  assertEquals(again, once.replace("| x |", "| y |"));
  const both = withBlock(again, "bench --compare", "| z |");
  assertEquals([writtenBlock(both, "bench"), writtenBlock(both, "bench --compare")], ["| y |", "| z |"]);
  assertStringIncludes(both, "# a\n\n<!--");
  assertStringIncludes(both, "-->\n\nb\n\n<!--");
  assertThrows(() => withBlock("# a", "bench", "x"), Error, "Cannot find the figures in the document");
});
