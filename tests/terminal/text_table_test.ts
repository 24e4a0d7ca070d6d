/** @module */

import { assert, assertEquals } from "@std/assert";
import { type Column, tableLines } from "../../src/terminal/text_table.ts";
import { textWidth } from "../../src/terminal/text_width.ts";
import fc from "../support/fast_check.ts";

type Row = readonly [string, string, string];

const COLUMNS: readonly Column<Row>[] = [
  { title: "LEASE", cell: ([lease]) => lease },
  { title: "OWNER", cell: ([, owner]) => owner },
  { title: "MS BEHIND", cell: ([, , behind]) => behind, align: "right" },
];

const ROWS: readonly Row[] = [
  ["shardId-000000000000", "worker-a", "0"],
  ["shardId-000000000017", "日本の労働者", "86,400,000"],
];

Deno.test("tableLines() aligns its columns, numbers to the right", () => {
  assertEquals(tableLines(ROWS, COLUMNS, Infinity), [
    "LEASE                 OWNER          MS BEHIND",
    "shardId-000000000000  worker-a               0",
    "shardId-000000000017  日本の労働者  86,400,000",
  ]);
});

Deno.test("tableLines() shortens keys in the middle before anything else", () => {
  assertEquals(tableLines(ROWS, COLUMNS, 42), [
    "LEASE             OWNER          MS BEHIND",
    "shardId-…0000000  worker-a               0",
    "shardId-…0000017  日本の労働者  86,400,000",
  ]);
});

Deno.test("tableLines() makes a block of each row where the columns do not fit", () => {
  assertEquals(tableLines(ROWS, COLUMNS, 24), [
    "LEASE:",
    "  shardId-000000000000",
    "OWNER: worker-a",
    "MS BEHIND: 0",
    "",
    "LEASE:",
    "  shardId-000000000017",
    "OWNER: 日本の労働者",
    "MS BEHIND: 86,400,000",
  ]);
});

Deno.test("tableLines() leaves empty cells out of a block", () => {
  assertEquals(tableLines([["a-lease", "", "1"]], COLUMNS, 12), [
    "LEASE:",
    "  a-lease",
    "MS BEHIND: 1",
  ]);
});

Deno.test("tableLines() cuts a column at its end, or never, where it is told so", () => {
  const columns: readonly Column<Row>[] = [
    { title: "LEASE", cell: ([lease]) => lease, shrink: "never" },
    { title: "WHY", cell: ([, why]) => why, shrink: "end", least: 6 },
  ];
  assertEquals(tableLines([["shardId-000000000000", "waits for its parents", ""]], columns, 32), [
    "LEASE                 WHY",
    "shardId-000000000000  waits for…",
  ]);
});

Deno.test("tableLines() of no rows is nothing", () => {
  assertEquals(tableLines([], COLUMNS, 80), []);
});

Deno.test("No line of a table is wider than the terminal", () => {
  const cell = fc.array(fc.constantFrom("a", "日", "🎉", " ", "\u001b[31mx\u001b[0m"), { maxLength: 60 })
    .map((letters) => letters.join(""));
  const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 });
  fc.assert(fc.property(rows, fc.integer({ min: 4, max: 100 }), (rows, width) => {
    for (const line of tableLines(rows, COLUMNS, width)) {
      assert(textWidth(line) <= width, `${textWidth(line)} > ${width}: ${JSON.stringify(line)}`);
    }
  }));
});
