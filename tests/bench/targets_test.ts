/** The targets of the bench beside what was measured. */

import { assert, assertEquals } from "@std/assert";
import { CASES, IDLE_FLEETS } from "../../bench/cases.ts";
import { COMPARED } from "../../bench/compare.ts";
import { TARGETS, targetTable } from "../../bench/targets.ts";

Deno.test("targetTable() says what is met, by how much it is missed, and what others need; what was not measured has no row", () => {
  const figures = new Map([
    ["worker-cbor", 1.2],
    ["bytes-cbor", 0.3],
    ["worker-json", 3.9],
    ["java-json", 5.9],
    ["kcl-rs-json", 6],
  ]);
  const figureOf = (name: string) => figures.get(name);
  const noteOf = (name: string) => name === "kcl-rs-json" ? "warm-up ended by time" : undefined;
  const rows = targetTable(figureOf, noteOf).split("\n").slice(2)
    .map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(rows, [
    ["worker, 8 shards, Deno, CBOR", "≤ 1.2", "1.20", "met", ""],
    [
      "the same, JSON",
      "≤ 2.6",
      "3.90",
      "1.50 times the target",
      "java-json: 5.90; kcl-rs-json: 6.00 (warm-up ended by time)",
    ],
    ["bytes of CBOR alone", "", "0.30", "worker-cbor takes 4.0 times as much", ""],
  ]);
  assertEquals(targetTable(() => undefined), "");
});

Deno.test("TARGETS name what the bench measures", () => {
  const own = [...CASES.map(({ name }) => name), ...Object.keys(IDLE_FLEETS)];
  const peers = [...COMPARED, "@aws-sdk/client-kinesis in Node.js", ...own];
  for (const { figure, ours, limits = ours, peers: named } of TARGETS) {
    assert([ours, limits].every((name) => own.includes(name)), figure);
    assertEquals(named.filter((name) => !peers.includes(name)), [], figure);
  }
});
