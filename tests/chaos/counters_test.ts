import { assertEquals } from "@std/assert";
import { additionsOf, counterSums } from "./counters.ts";

const PUT: ReadonlySet<string> = new Set(["1", "51", "2"]);
const GOOD = {
  records: 3,
  lost: 0,
  double: 0,
  unknown: 0,
  keys: 2,
  wrongSums: 0,
  shardEnds: 1,
  wrongEnds: 0,
};

function sums(change: (counters: Map<string, number>) => void) {
  const counters = additionsOf(PUT).set("end shard-1", 1);
  change(counters);
  return counterSums(PUT, ["shard-1"], counters);
}

Deno.test("additionsOf() adds 1 for each record and its number to its key, repeats too", () => {
  assertEquals([...additionsOf(["1", "51", "2", "2"])], [
    ["record 1", 1],
    ["key 1", 52],
    ["record 51", 1],
    ["record 2", 2],
    ["key 2", 4],
  ]);
});

Deno.test("counterSums() finds nothing where each record and each end is counted once", () => {
  assertEquals(sums(() => {}), { ...GOOD, examples: [] });
});

Deno.test("counterSums() finds a record that is lost, by its own counter and by its key", () => {
  const { examples, ...found } = sums((counters) => {
    counters.delete("record 51");
    counters.set("key 1", 1);
  });
  assertEquals(found, { ...GOOD, lost: 1, wrongSums: 1 });
  assertEquals(examples, ["key 1 is 1, expected 52", "record 51 is 0, expected 1"]);
});

Deno.test("counterSums() finds a record that is counted twice, though only one of its counters shows it", () => {
  assertEquals(sums((counters) => counters.set("record 2", 2)), {
    ...{ ...GOOD, double: 1 },
    examples: ["record 2 is 2, expected 1"],
  });
  assertEquals(sums((counters) => counters.set("key 2", 4)), {
    ...{ ...GOOD, wrongSums: 1 },
    examples: ["key 2 is 4, expected 2"],
  });
});

Deno.test("counterSums() finds a record that nobody put, and an end that did not happen once", () => {
  const { examples: _, ...found } = sums((counters) => counters.set("record 7", 1).set("end shard-1", 2));
  assertEquals(found, { ...GOOD, unknown: 1, wrongEnds: 1 });
  assertEquals(sums((counters) => counters.delete("end shard-1")).wrongEnds, 1);
  assertEquals(sums((counters) => counters.set("end shard-2", 1)).unknown, 1);
});
