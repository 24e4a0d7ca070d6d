import { assert, assertEquals } from "@std/assert";
import { type RangedLease, rangesOf } from "../../../src/health/page/hash_ranges.ts";
import { MAX_HASH_KEY } from "../../../src/stream/hash_key.ts";
import fc from "../../support/fast_check.ts";
import { seeded } from "../../support/seed.ts";

/** A lease of the part from `from` to `to` of sixteen. */
function lease(leaseKey: string, from: number, to: number, more: Partial<RangedLease> = {}): RangedLease {
  const step = (MAX_HASH_KEY + 1n) / 16n;
  return {
    leaseKey,
    streamIdentifier: undefined,
    owner: `${leaseKey}'s`,
    hashKeyRange: {
      startingHashKey: `${step * BigInt(from)}`,
      endingHashKey: `${step * BigInt(to) - 1n}`,
    },
    isWaiting: false,
    ...more,
  };
}

/** The parts in sixteenths. */
function drawn(leases: readonly RangedLease[]): readonly string[] {
  return rangesOf(leases).flatMap(({ parts }) =>
    parts.map(({ from, to, leaseKey }) => `${from * 16}-${to * 16} ${leaseKey ?? "hole"}`)
  );
}

Deno.test("rangesOf() draws leases in order, and holes between them", () => {
  assertEquals(drawn([lease("b", 8, 16), lease("a", 0, 8)]), ["0-8 a", "8-16 b"]);
  assertEquals(drawn([lease("b", 10, 12), lease("a", 2, 8)]), [
    "0-2 hole",
    "2-8 a",
    "8-10 hole",
    "10-12 b",
    "12-16 hole",
  ]);
});

Deno.test("rangesOf() shows the parent while its children wait, and the child where no parent is left", () => {
  const child = { isWaiting: true };
  assertEquals(
    drawn([lease("a1", 0, 4, child), lease("a", 0, 8), lease("a2", 4, 8, child), lease("b", 8, 16)]),
    [
      "0-8 a",
      "8-16 b",
    ],
  );
  // Of a merge one parent is finished.
  assertEquals(drawn([lease("ab", 0, 16, child), lease("b", 6, 10)]), ["0-6 ab", "6-10 b", "10-16 ab"]);
});

Deno.test("rangesOf() calls nothing a hole where the range of a lease is unknown", () => {
  assertEquals(drawn([lease("a", 0, 8), lease("b", 0, 0, { hashKeyRange: undefined })]), ["0-8 a"]);
});

Deno.test("rangesOf() draws nothing of a DynamoDB stream, whose shards have no hash keys", () => {
  const hashKeyRange = { startingHashKey: "0", endingHashKey: "1" };
  const table = "123456789012:us-east-1$123456789012$orders$2026-01-30T12_00_00.000:1";
  const words = "123456789012:words:1700000000";
  const ranges = rangesOf([
    lease("t1", 0, 0, { streamIdentifier: table, hashKeyRange }),
    lease("t2", 0, 0, { streamIdentifier: table, hashKeyRange, owner: undefined }),
    lease("w", 0, 16, { streamIdentifier: words }),
  ]);
  assertEquals(ranges.map(({ streamName, parts }) => [streamName, parts.length]), [
    ["us-east-1$123456789012$orders$2026-01-30T12_00_00.000", 0],
    ["words", 1],
  ]);
});

Deno.test("rangesOf() keeps streams apart, by name", () => {
  const [one, two] = ["000000000000:words:1700000000", "000000000000:clicks:1700000001"];
  const ranges = rangesOf([
    lease("w", 0, 16, { streamIdentifier: one }),
    lease("c", 0, 8, { streamIdentifier: two }),
    lease("x", 0, 16, { streamIdentifier: "no stream" }),
  ]);
  assertEquals(ranges.map(({ streamName, parts }) => [streamName, parts.length]), [
    ["clicks", 2],
    ["no stream", 1],
    ["words", 1],
  ]);
  assertEquals(rangesOf([lease("a", 0, 16)])[0]?.streamName, "");
  assertEquals(rangesOf([]), []);
});

Deno.test("rangesOf() covers the whole once, whatever leases overlap", () => {
  const any = fc.record({ from: fc.nat(15), size: fc.integer({ min: 1, max: 16 }), isWaiting: fc.boolean() });
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 12 }), (all) => {
      const leases = all.map(({ from, size, isWaiting }, index) =>
        lease(`${index}`, from, Math.min(16, from + size), { isWaiting })
      );
      const [{ parts } = { parts: [] }] = rangesOf(leases);
      let next = 0;
      for (const { from, to, leaseKey } of parts) {
        assertEquals(from, next);
        assert(to > from);
        next = to;
        const covering = leases.filter(({ hashKeyRange }) =>
          Number(BigInt(hashKeyRange?.startingHashKey ?? 0)) / 2 ** 128 <= from &&
          Number(BigInt(hashKeyRange?.endingHashKey ?? 0) + 1n) / 2 ** 128 > from
        );
        assertEquals(leaseKey === undefined, covering.length === 0);
        const shown = covering.find((one) => one.leaseKey === leaseKey);
        assert(leaseKey === undefined || shown !== undefined);
        if (covering.some(({ isWaiting }) => !isWaiting)) assertEquals(shown?.isWaiting, false);
      }
      assertEquals(next, 1);
    }),
    seeded(),
  );
});
