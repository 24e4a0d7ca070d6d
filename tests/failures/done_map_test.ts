import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeDoneMap,
  type DoneMapBase,
  DoneRuns,
  encodeDoneMap,
  finishedRunsThatFit,
  MAX_DONE_MAP_BYTES,
  runsOf,
} from "../../src/failures/done_map.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";

const RANGE = { startingHashKey: "0", endingHashKey: "170141183460469231731687303715884105727" };
const BASE: DoneMapBase = {
  checkpoint: positionAt("49600000000000000000000000000000000000000000000000000001"),
  first: positionAt("49600000000000000000000000000000000000000000000000000007", 2),
  deaggregation: { isWhole: false, foreignAggregates: "drop", hashKeyRange: RANGE },
};
const TEXT = "1 6dfce010 49600000000000000000000000000000000000000000000000000001 " +
  "49600000000000000000000000000000000000000000000000000007/2 CBhBgB";

/** Sparse and dense sets, some of them far out. */
const ordinalSets: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.uniqueArray(fc.nat(40)),
  fc.uniqueArray(fc.nat(5000), { maxLength: 600 }),
  fc.uniqueArray(fc.nat(2 ** 30)),
).map((ordinals) => ordinals.toSorted((a, b) => a - b));

function membersOf(text: string | undefined, base = BASE): readonly number[] {
  const runs = new DoneRuns(decodeDoneMap(text, base)?.runs ?? []);
  const members: number[] = [];
  for (let ordinal = 0; runs.hasMore; ordinal++) if (runs.next()) members.push(ordinal);
  return members;
}

Deno.test("encodeDoneMap() writes one line that people can read, and decodeDoneMap() reads it", () => {
  assertEquals(encodeDoneMap(BASE, [2, 1, 33, 32]), TEXT);
  assertEquals(decodeDoneMap(TEXT, BASE), { first: BASE.first, runs: [2, 1, 33, 32] });
});

Deno.test("encodeDoneMap() makes no map where nothing is finished ahead", () => {
  assertEquals(encodeDoneMap(BASE, runsOf([])), undefined);
});

Deno.test("runsOf() refuses ordinals that do not ascend", () => {
  assertThrows(() => runsOf([3, 3]), RangeError, "expected ascending ordinals: got 3");
});

Deno.test("a finished-ahead map has the records that were finished, or the first of them if it is full", () => {
  fc.assert(
    fc.property(ordinalSets, (ordinals) => {
      const runs = runsOf(ordinals);
      const text = encodeDoneMap(BASE, runs);
      const read = decodeDoneMap(text, BASE);
      assertEquals(text === undefined, ordinals.length === 0);
      assert((text ?? "").length <= MAX_DONE_MAP_BYTES);
      assertEquals(read?.runs ?? [], runs.slice(0, read?.runs.length ?? 0));
      const fit = finishedRunsThatFit(BASE, ordinals.at(-1) ?? 0);
      if (runs.length / 2 <= fit) assertEquals(read?.runs ?? [], runs);
      else assert((read?.runs.length ?? 0) / 2 >= fit);
    }),
    seeded(),
  );
});

Deno.test("DoneRuns.next() says of each ordinal in turn whether it is finished", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), (set) => {
      const ordinals = set.toSorted((a, b) => a - b);
      const runs = new DoneRuns(runsOf(ordinals));
      for (let ordinal = 0; ordinal <= 70; ordinal++) {
        assertEquals(runs.hasMore, ordinal <= (ordinals.at(-1) ?? -1), `before ${ordinal}`);
        assertEquals(runs.next(), ordinals.includes(ordinal), `${ordinal}`);
      }
    }),
    seeded(),
  );
});

Deno.test("decodeDoneMap() ignores a map that is bound to something else", () => {
  const { startingHashKey } = RANGE;
  const others: readonly Partial<DoneMapBase>[] = [
    { checkpoint: positionAt("49600000000000000000000000000000000000000000000000000002") },
    { checkpoint: positionAt(BASE.checkpoint.sequenceNumber, 1) },
    { checkpoint: positionAt("TRIM_HORIZON") },
    { checkpoint: positionAt("SHARD_END") },
    { deaggregation: { ...BASE.deaggregation, foreignAggregates: "deliver" } },
    { deaggregation: { ...BASE.deaggregation, hashKeyRange: undefined } },
    { deaggregation: { ...BASE.deaggregation, hashKeyRange: { startingHashKey, endingHashKey: "9" } } },
    { deaggregation: { ...BASE.deaggregation, isWhole: true } },
  ];
  for (const other of others) assertEquals(decodeDoneMap(TEXT, { ...BASE, ...other }), undefined);
});

Deno.test("decodeDoneMap() does not care for the hash keys where they drop nothing", () => {
  for (const which of [{ foreignAggregates: "deliver" }, { isWhole: true }] as const) {
    const base = { ...BASE, deaggregation: { ...BASE.deaggregation, ...which } };
    const other = { ...base.deaggregation, hashKeyRange: undefined };
    const text = encodeDoneMap(base, [1, 1]);
    assertEquals(decodeDoneMap(text, { ...base, deaggregation: other })?.runs, [1, 1]);
  }
});

Deno.test("decodeDoneMap() ignores what is not exactly as it was written", () => {
  const head = TEXT.slice(0, TEXT.lastIndexOf(" ") + 1);
  const cases: Readonly<Record<string, string | undefined>> = {
    nothing: undefined,
    empty: "",
    "another version": TEXT.replace(/^1 /, "2 "),
    "no runs": head,
    "no first record": TEXT.split(" ").toSpliced(3, 1).join(" "),
    "an odd number of runs": `${head}CBh`,
    "a number without an end": `${head}CBhBg`,
    "a number without an end, of any length": `${head}CB${"g".repeat(700)}`,
    "a run of no length": `${head}CBhBA`,
    "a run longer than any shard": `${head}C${"-".repeat(12)}f`,
    "a character of no number": `${head}CBhB!B`,
    "a second line": `${TEXT}\n`,
    "something behind": `${TEXT} CB`,
    "a first record that is no number": TEXT.replace("/2 ", "x "),
    "a first record at a sub-sequence 0": TEXT.replace("/2 ", "/0 "),
    "a first record before its checkpoint": TEXT.replace("7/2", "0"),
    "a first record at its checkpoint": TEXT.replace("7/2", "1"),
    "more than a lease may carry": head + "CB".repeat(500),
  };
  for (const [what, text] of Object.entries(cases)) assertEquals(decodeDoneMap(text, BASE), undefined, what);
});

Deno.test("decodeDoneMap() takes a cut or scrambled map for none, or for fewer or other runs, and never throws", () => {
  fc.assert(
    fc.property(
      ordinalSets,
      fc.nat(1100),
      fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constantFrom("-", "A", " ", "/", "1")),
      (ordinals, at, surprise) => {
        const text = encodeDoneMap(BASE, runsOf(ordinals)) ?? TEXT;
        for (
          const hostile of [surprise, text.slice(0, at), text.slice(0, at) + surprise + text.slice(at + 1)]
        ) {
          const read = decodeDoneMap(hostile, BASE);
          if (read === undefined) continue;
          assert(read.runs.length % 2 === 0 && read.runs.every((length, index) => length > 0 || index === 0));
          assert(read.runs.every((length) => Number.isSafeInteger(length)));
        }
      },
    ),
    seeded(),
  );
});

Deno.test("a map that was cut off has no record that was not finished", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(2000), { minLength: 1, maxLength: 300 }), fc.nat(1024), (set, at) => {
      const ordinals = set.toSorted((a, b) => a - b);
      const text = encodeDoneMap(BASE, runsOf(ordinals)) ?? "";
      const members = membersOf(text.slice(0, Math.min(at, text.length)));
      assert(members.every((member) => set.includes(member)), `${members} of ${ordinals}`);
    }),
    seeded(),
  );
});

Deno.test("finishedRunsThatFit() is never 0, however long the numbers", () => {
  const long = positionAt("9".repeat(129), 9_999_999_999);
  const base = { ...BASE, checkpoint: positionAt("8".repeat(129), 1), first: long };
  assert(finishedRunsThatFit(base, 2 ** 40) >= 1);
  assertEquals(membersOf(encodeDoneMap(base, [4, 1]), base), [4]);
});
