import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { datumBytes, MAX_DATA_BYTES } from "../../src/aws/metric_data.ts";
import type { MetricPoint } from "../../src/cloudwatch/metric_point.ts";
import { type DropReason, MetricTally, type TallyRules } from "../../src/cloudwatch/metric_tally.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";

const point = (name: string, value: number, more: Partial<MetricPoint> = {}): MetricPoint => ({
  name,
  value,
  unit: "Count",
  importance: "SUMMARY",
  dimensions: { Operation: "ProcessTask", ShardId: "shardId-0" },
  ...more,
});

function tallyWith(rules: Partial<TallyRules> = {}, points: readonly MetricPoint[] = []): MetricTally {
  const tally = new MetricTally({ level: "DETAILED", dimensions: ["ALL"], maxQueueSize: 10_000, ...rules });
  for (const one of points) tally.add(one);
  return tally;
}

const drops = (tally: MetricTally) =>
  Object.fromEntries(tally.dropped) as Partial<Record<DropReason, number>>;

Deno.test("MetricTally.add() merges values of one name and dimensions into statistics, first come first out", () => {
  const tally = tallyWith({}, [point("b", 5), point("a", 1), point("b", -2), point("b", 4)]);
  assertEquals(tally.size, 2);
  const dimensions = [["Operation", "ProcessTask"], ["ShardId", "shardId-0"]] as const;
  assertEquals(tally.drain(), [
    { name: "b", unit: "Count", dimensions, sampleCount: 3, sum: 7, minimum: -2, maximum: 5, failures: 0 },
    { name: "a", unit: "Count", dimensions, sampleCount: 1, sum: 1, minimum: 1, maximum: 1, failures: 0 },
  ]);
  assertEquals([tally.size, tally.drain()], [0, []]);
});

Deno.test("MetricTally.add() gives the same statistics in any order of values", () => {
  const one = fc.record({
    name: fc.constantFrom("Time", "Success"),
    shard: fc.constantFrom("0", "1"),
    value: fc.integer({ min: -1000, max: 1_000_000 }),
  });
  const statistics = (points: readonly MetricPoint[]) =>
    tallyWith({}, points).drain().map((datum) => JSON.stringify(datum)).toSorted();
  fc.assert(
    fc.property(fc.array(one, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (values, chances) => {
      const points = values.map(({ name, shard, value }) =>
        point(name, value, { dimensions: { Operation: "x", ShardId: shard } })
      );
      const places = points.map(() => chances.next().value);
      const shuffled = points.toSorted((a, b) =>
        (places[points.indexOf(a)] ?? 0) - (places[points.indexOf(b)] ?? 0)
      );
      assertEquals(statistics(shuffled), statistics(points));
      // In two scopes, the first of which could not be sent: nothing is lost, and nothing counts twice.
      const tally = tallyWith({}, points.slice(0, points.length / 2));
      const unsent = tally.drain();
      for (const later of points.slice(points.length / 2)) tally.add(later);
      tally.putBack(unsent);
      assertEquals(tally.drain().map((datum) => JSON.stringify(datum)).toSorted(), statistics(points));
    }),
    seeded(),
  );
});

Deno.test("MetricTally.add() filters by level", () => {
  const points = [point("a", 1), point("b", 1, { importance: "DETAILED" })];
  const names = (level: TallyRules["level"]) => tallyWith({ level }, points).drain().map(({ name }) => name);
  assertEquals([names("NONE"), names("SUMMARY"), names("DETAILED")], [[], ["a"], ["a", "b"]]);
});

Deno.test("MetricTally.add() leaves out dimensions that are not enabled, so that shards fall together", () => {
  const points = ["0", "1"].map((ShardId) =>
    point("a", 1, { dimensions: { Operation: "x", ShardId, WorkerIdentifier: "w" } })
  );
  const dimensions = (enabled: TallyRules["dimensions"]) =>
    tallyWith({ dimensions: enabled }, points).drain().map(({ dimensions, sampleCount }) =>
      `${sampleCount}: ${dimensions.map((pair) => pair.join("=")).join()}`
    );
  assertEquals(dimensions(["Operation"]), ["2: Operation=x"]);
  assertEquals(dimensions(["WorkerIdentifier", "Operation"]), ["2: Operation=x,WorkerIdentifier=w"]);
  assertEquals(dimensions([]), ["2: "]);
  assertEquals(dimensions(["ShardId", "ALL"]).length, 2);
});

Deno.test("MetricTally.add() drops new sets when it is full, counts them, and still merges into those it has", () => {
  const tally = tallyWith({ maxQueueSize: 2 }, [point("a", 1), point("b", 1), point("c", 1), point("a", 1)]);
  assertEquals(tally.drain().map(({ name, sampleCount }) => [name, sampleCount]), [["a", 2], ["b", 1]]);
  assertEquals(drops(tally), { full: 1 });
});

Deno.test("MetricTally.add() drops what is no number for CloudWatch, and counts it", () => {
  const tally = tallyWith({}, [NaN, Infinity, -Infinity, 2 ** 361, -(2 ** 361)].map((n) => point("a", n)));
  assertEquals([tally.size, drops(tally)], [0, { noNumber: 5 }]);
  // Two that are well alone, and not together.
  for (const value of [2 ** 360, 2 ** 360]) tally.add(point("a", value));
  assertEquals([tally.drain().map(({ sum }) => sum), drops(tally)], [[2 ** 360], { noNumber: 6 }]);
});

Deno.test("MetricTally.add() drops a value of another unit than its metric has", () => {
  const tally = tallyWith({}, [point("a", 1), point("a", 2, { unit: "Milliseconds" })]);
  assertEquals([tally.drain().map(({ unit, sum }) => [unit, sum]), drops(tally)], [[["Count", 1]], {
    otherUnit: 1,
  }]);
});

Deno.test("MetricTally.drain() takes 1000 data at the most", () => {
  const tally = tallyWith({}, Array.from({ length: 2500 }, (_, i) => point(`m${i}`, i)));
  assertEquals([tally.drain(), tally.drain(), tally.drain()].map(({ length }) => length), [1000, 1000, 500]);
});

Deno.test("MetricTally.drain() takes 900 KB of data at the most, and one datum in any case", () => {
  const long = (i: number) => ({
    Operation: "x".repeat(1024),
    ShardId: `${i}`.padStart(1024, "s"),
    WorkerIdentifier: '"'.repeat(1024),
  });
  const tally = tallyWith({}, Array.from({ length: 900 }, (_, i) => point("m", i, { dimensions: long(i) })));
  let taken = 0;
  for (let data = tally.drain(); data.length > 0; data = tally.drain()) {
    const bytes = data.reduce((sum, datum) => sum + datumBytes(datum), 0);
    assertLessOrEqual(bytes, MAX_DATA_BYTES);
    taken += data.length;
  }
  assertEquals(taken, 900);
});

Deno.test("MetricTally.putBack() goes before what came meanwhile, and drops what has no room", () => {
  const tally = tallyWith({ maxQueueSize: 3 }, [point("a", 1), point("b", 1), point("c", 1)]);
  const unsent = tally.drain();
  for (const name of ["d", "b", "e"]) tally.add(point(name, 10));
  tally.putBack(unsent.map((datum) => ({ ...datum, failures: 1 })));
  assertEquals(tally.drain().map(({ name, sum, failures }) => [name, sum, failures]), [
    ["b", 11, 1],
    ["d", 10, 0],
    ["e", 10, 0],
  ]);
  assertEquals(drops(tally), { full: 2 });
});

Deno.test("MetricTally writes names and values as CloudWatch takes them", () => {
  const values = [
    "é\u0007 \u{1f600}\n",
    "",
    "  ",
    "plain: %41",
    "x".repeat(2000),
    `${"x".repeat(1999)}y`,
    "\ud800",
  ];
  const tally = tallyWith(
    {},
    values.map((WorkerIdentifier) =>
      point("m", 1, { dimensions: { Operation: "RenewAllLeases", WorkerIdentifier } })
    ),
  );
  const sent = tally.drain().map(({ dimensions }) => dimensions[1]?.[1] ?? "");
  assertEquals(sent.slice(0, 3), ["%C3%A9%07 %F0%9F%98%80%0A", "(empty)", "plain: %41"]);
  assertEquals(sent.at(-1), "%EF%BF%BD");
  const long = sent.slice(3, 5);
  assertEquals(long.map(({ length }) => length), [1024, 1024]);
  assert(long[0] !== long[1], "two workers stay two");
  tally.add(point("n".repeat(300), 1));
  tally.add(point("\u0000", 1));
  assertEquals(tally.drain().map(({ name }) => name.length), [255, 3]);
});
