/** The cases of the bench, and the table of them in docs/performance.md. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { CASES, casesOf, IDLE_FLEETS, optionsOf, selectionOf } from "../../bench/cases.ts";
import { writtenBlock } from "../../bench/figures.ts";

/** What is not CPU time stands in a table of its own, below. */
const rowsOfBench = [...CASES.map(({ name }) => name), ...Object.keys(IDLE_FLEETS)];

Deno.test("docs/performance.md has a row for each case of the bench, in their order", async () => {
  const document = await Deno.readTextFile(new URL("../../docs/performance.md", import.meta.url));
  const rows = [...writtenBlock(document, "bench").matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name);
  assertEquals(rows, rowsOfBench);
});

Deno.test("a case's floor is a case before it that reads the same bytes in the same format", () => {
  for (const { name, floor, wireFormat, isTls, streamName } of CASES) {
    if (floor === undefined) continue;
    const at = CASES.findIndex((other) => other.name === floor);
    const below = CASES[at];
    assert(at !== -1 && at < CASES.findIndex((other) => other.name === name), `${name} has no floor`);
    assertEquals([below?.wireFormat, below?.isTls, below?.streamName], [wireFormat, isTls, streamName]);
  }
});

Deno.test("casesOf() adds the floors of what is asked for, and refuses what it does not know", () => {
  assertEquals(casesOf([]), CASES);
  assertEquals(casesOf(["small-cbor"]).map(({ name }) => name), ["floor-small-cbor", "small-cbor"]);
  assertEquals(casesOf(["idle-2-8"]), []);
  assertThrows(() => casesOf(["smal"]), RangeError, "Cannot measure smal: expected of bytes-json, ");
});

Deno.test("optionsOf() sends the cases of TLS to the port that has it", () => {
  const urls = { url: "http://a", tlsUrl: "https://a" };
  const of = (name: string) =>
    casesOf([name]).filter((one) => one.name === name)
      .map((one) => optionsOf(one, urls).url);
  assertEquals([of("worker-json"), of("worker-tls-json")], [["http://a"], ["https://a"]]);
});

Deno.test("selectionOf() has the comparison as a whole for --compare, and some of it for who names these", () => {
  const of = (names: readonly string[], isCompared: boolean) => {
    const { cases, fleets, compared } = selectionOf(names, ["java", "rust"], isCompared);
    return [cases.map(({ name }) => name), fleets, compared];
  };
  const all = [CASES.map(({ name }) => name), Object.keys(IDLE_FLEETS)];
  assertEquals(of([], false), [...all, []]);
  assertEquals(of([], true), [...all, ["java", "rust"]]);
  assertEquals(of(["rust"], false), [[], [], ["rust"]]);
  assertEquals(of(["rust"], true), [[], [], ["rust"]]);
  assertEquals(of(["idle-2-8"], true), [[], ["idle-2-8"], ["java", "rust"]]);
  assertThrows(() => of(["jav"], true), RangeError, "idle-1-200, java, rust");
});
