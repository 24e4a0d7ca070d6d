import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { type Slice, SLICE_RECORDS, type SliceOptions, slicesOf } from "../../src/consumer/slices.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { type AggregateProblem, deaggregateAll } from "../../src/stream/aggregation.ts";
import type { HashKeyRange } from "../../src/stream/hash_key.ts";
import { type KinesisRecord, kinesisRecord } from "../../src/stream/record.ts";
import { compare, type ExtendedSequenceNumber, positionAt } from "../../src/stream/sequence_number.ts";
import { pageOf, recordWith } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { aggregate, bytesField, message, sealed, utf8 } from "../support/kpl.ts";
import { seeded } from "../support/seed.ts";

const START = positionAt("TRIM_HORIZON");
const signal = new AbortController().signal;

/** An aggregate of so many user records without payload. */
function aggregated(sequenceNumber: number, count: number, partitionKey = "k"): KinesisRecord {
  return holding(
    sequenceNumber,
    aggregate(Array.from({ length: count }, () => ({ partitionKey, data: utf8("") }))),
  );
}

function holding(sequenceNumber: number, data: Uint8Array): KinesisRecord {
  return kinesisRecord({ ...recordWith(sequenceNumber), data });
}

/** Slices a page, as much as there is with so small a budget. */
function slicing(records: readonly KinesisRecord[], more: {
  readonly after?: ExtendedSequenceNumber;
  readonly budgetBytes?: number;
  readonly hashKeyRange?: HashKeyRange;
  readonly aggregates?: "whole";
} = {}) {
  const budget = new ByteBudget(more.budgetBytes ?? 0);
  const clock = new FakeClock();
  const problems: AggregateProblem[] = [];
  const options: SliceOptions = {
    hashKeyRange: more.hashKeyRange,
    onAggregateProblem: (problem) => problems.push(problem),
    budget,
    clock,
    aggregates: more.aggregates,
  };
  // Not of the page's own size, so that the budget decides.
  const page = { ...pageOf(records), bytes: 0 };
  return { budget, clock, problems, slices: slicesOf(page, more.after ?? START, options, signal) };
}

async function sliced(records: readonly KinesisRecord[], more: Parameters<typeof slicing>[1] = {}) {
  const { problems, slices } = slicing(records, more);
  const all: Slice[] = await Array.fromAsync(slices);
  return { problems, all, sizes: all.map((slice) => slice.records.length) };
}

Deno.test("slicesOf() gives a page without aggregates as it is, in one slice, however large, and without a turn for others", async () => {
  const records = Array.from({ length: SLICE_RECORDS + 1 }, (_, i) => recordWith(i));
  const { clock, budget, slices } = slicing(records);
  clock.sleep = () => Promise.reject(new Error("nobody is to wait"));
  const [slice, ...others] = await Array.fromAsync(slices);
  assertStrictEquals(slice?.records, records);
  assertEquals([slice?.isLast, others.length, budget.used], [true, 0, 0]);
  assertEquals(await sliced([]).then(({ all }) => all), [{ records: [], isLast: true }]);
});

Deno.test("slicesOf() makes at most 10,000 records at a time, of one aggregate or of several", async () => {
  const records = [
    recordWith(1),
    aggregated(2, 25_000),
    recordWith(3),
    aggregated(4, 5),
    aggregated(5, 9000),
  ];
  const { all, sizes } = await sliced(records, { budgetBytes: 1e9 });
  assertEquals(sizes, [10_000, 10_000, 10_000, 4007]);
  assertEquals(all.map((slice) => slice.isLast), [false, false, false, true]);
  assertEquals(all.flatMap((slice) => slice.records), deaggregateAll(records, undefined));
});

Deno.test("slicesOf() makes no more than a share of the budget that is left, but always some", async () => {
  const { sizes } = await sliced([aggregated(1, 5000)], { budgetBytes: 16 * 251_000 });
  assertEquals(sizes.slice(0, 4), [1000, 1000, 1000, 1000]);
  assertEquals((await sliced([aggregated(1, 200)], { budgetBytes: 0 })).sizes, [66, 66, 66, 2]);
});

Deno.test("slicesOf() counts what it makes while it is out, keys included, and counts it no more when it is left", async () => {
  const { budget, slices } = slicing([aggregated(1, 100, "key".repeat(100))]);
  const first = await slices.next();
  assertEquals([first.value?.records.length, budget.used], [30, 30 * 550]);
  await slices.next();
  assertEquals(budget.used, 30 * 550);
  await slices.return();
  assertEquals(budget.used, 0);
});

Deno.test("slicesOf() gives others a turn between two slices, in which it can be stopped", async () => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const turns: number[] = [];
  clock.sleep = (ms, signal) => {
    turns.push(ms);
    if (turns.length === 2) stop.abort(new Error("enough"));
    return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve();
  };
  const page = { ...pageOf([aggregated(1, 200)]), bytes: 0 };
  const options = { hashKeyRange: undefined, onAggregateProblem: () => {}, budget: new ByteBudget(0), clock };
  const slices = slicesOf(page, START, options, stop.signal);
  await slices.next();
  assertEquals(turns, []);
  await slices.next();
  assertEquals(turns, [0]);
  await assertRejects(() => slices.next(), Error, "enough");
});

Deno.test("slicesOf() gives others a turn while it checks many small aggregates, or a large one", async () => {
  for (const records of [Array.from({ length: 50 }, (_, i) => aggregated(i, 1)), [aggregated(1, 100_000)]]) {
    const { clock, slices } = slicing(records, { budgetBytes: 1e9 });
    // Each look at the clock finds it a little later.
    let nowMs = 0, turns = 0;
    clock.monotonicMs = () => nowMs += 1;
    clock.sleep = () => Promise.resolve(void turns++);
    await slices.next();
    assert(turns > 0, `${turns} turns before the first slice`);
  }
});

Deno.test("slicesOf() knows the last slice though nothing of the aggregates behind it is given", async () => {
  const range = { startingHashKey: "0", endingHashKey: "1" };
  const foreign = holding(9, aggregate([{ partitionKey: "k", explicitHashKey: "5", data: utf8("x") }]));
  const own = (n: number, count: number) =>
    holding(
      n,
      aggregate(
        Array.from({ length: count }, () => ({ partitionKey: "k", explicitHashKey: "1", data: utf8("") })),
      ),
    );
  const { all, sizes, problems } = await sliced([
    own(1, 66),
    foreign,
    holding(10, sealed(message(bytesField(1, utf8("unused"))))),
  ], {
    hashKeyRange: range,
  });
  assertEquals([sizes, all.at(-1)?.isLast], [[66], true]);
  assertEquals(problems.map(({ sequenceNumber, outcome }) => [sequenceNumber, outcome]), [["9", "dropped"]]);
  assertEquals((await sliced([foreign], { hashKeyRange: range })).all, [{ records: [], isLast: true }]);
});

Deno.test("slicesOf() checks no aggregate that lies before the position reached, and makes the rest of the one at it", async () => {
  const broken = holding(1, aggregated(1, 5).data.map((byte, i) => i === 30 ? byte ^ 1 : byte));
  const records = [broken, aggregated(2, 300), aggregated(3, 2)];
  const { all, problems } = await sliced(records, { after: positionAt("2", 298) });
  assertEquals(problems, []);
  assertEquals(
    all.flatMap((slice) => slice.records.map((one) => [one.sequenceNumber, one.subSequenceNumber])),
    [
      ["2", 299],
      ["3", 0],
      ["3", 1],
    ],
  );
});

const pages = fc.array(
  fc.oneof(
    fc.constant("plain" as const),
    fc.constant("broken" as const),
    fc.record({
      count: fc.nat(200),
      keys: fc.array(fc.string({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 5 }),
      hashKeys: fc.array(fc.bigInt({ min: 0n, max: 1n << 127n }).map(String), { maxLength: 2 }),
    }),
  ),
  { maxLength: 12 },
);

Deno.test("slicesOf() gives in slices what deaggregateAll() gives at once, of any page, from any position, with any budget", async () => {
  let several = 0;
  await fc.assert(
    fc.asyncProperty(
      pages,
      fc.nat(200_000),
      fc.nat(),
      fc.boolean(),
      async (shapes, budgetBytes, place, isPart) => {
        const records = shapes.map((shape, i) => {
          const number = 10 + i;
          if (shape === "plain") return recordWith(number);
          if (shape === "broken") return holding(number, aggregated(number, 3).data.subarray(0, -1));
          const { count, keys, hashKeys } = shape;
          return holding(
            number,
            aggregate(Array.from({ length: count }, (_, j) => ({
              partitionKey: keys[j % keys.length] ?? "k",
              explicitHashKey: hashKeys[j % (hashKeys.length + 1)],
              data: utf8(`${j}`),
            }))),
          );
        });
        const hashKeyRange = {
          startingHashKey: "0",
          endingHashKey: `${(1n << (isPart ? 127n : 128n)) - 1n}`,
        };
        const problems: AggregateProblem[] = [];
        const whole = deaggregateAll(records, hashKeyRange, (problem) => problems.push(problem));
        const from = await sliced(records, { budgetBytes, hashKeyRange });
        assertEquals(from.all.flatMap((slice) => slice.records), whole);
        assertEquals(from.problems, problems);
        assertEquals(
          from.all.map((slice) => slice.isLast),
          from.all.map((_, i) => i === from.all.length - 1),
        );
        assert(from.all.length === 1 || from.all.every((slice) => slice.records.length > 0));
        if (from.all.length > 1) several++;

        const after = whole[place % Math.max(1, whole.length)] ?? START;
        const rest = (await sliced(records, { budgetBytes, hashKeyRange, after })).all.flatMap((slice) =>
          slice.records
        );
        const beyond = (list: readonly KinesisRecord[]) => list.filter((one) => compare(one, after) > 0);
        assertEquals(beyond(rest), beyond(whole));
        assertEquals(rest.filter((one) => one.aggregated), beyond(rest).filter((one) => one.aggregated));
      },
    ),
    { ...seeded(), numRuns: 60 },
  );
  assert(several > 10, `only ${several} pages were cut`);
});

Deno.test("slicesOf() keeps aggregates whole when it is asked to, each at the position of its last user record", async () => {
  const broken = holding(4, sealed(utf8("no protobuf")));
  const records = [recordWith(1), aggregated(2, 300), aggregated(3, 1), broken, aggregated(5, 0)];
  const { all, problems } = await sliced(records, { aggregates: "whole" });
  assertEquals(all.map(({ isLast }) => isLast), [true]);
  const positions = all[0]?.records.map((record) => [record.sequenceNumber, record.subSequenceNumber]);
  assertEquals(positions, [["1", 0], ["2", 299], ["3", 0], ["4", 0], ["5", 0]]);
  assertEquals(all[0]?.records.map(({ data }) => data), records.map(({ data }) => data));
  assertEquals(problems, [], "what is in an aggregate is its processor's business");
});
