/** Filtered records never stall the checkpoint, and never let it pass what is not done. */

import { assertEquals } from "@std/assert";
import { SHARD_END } from "../../src/stream/sequence_number.ts";
import { pageOf } from "../support/consumer_bed.ts";
import fc from "../support/fast_check.ts";
import { keyed, startPolicy } from "../support/policy_bed.ts";

/** Whether each record, from number 1 on, is wanted; and how many of them a page has. */
const stream = fc.record({
  wanted: fc.array(fc.boolean(), { minLength: 1, maxLength: 25 }),
  pageSizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
});

function pagesOf<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const pages: T[][] = [];
  for (let at = 0, i = 0; at < items.length; at += sizes[i++ % sizes.length] ?? 1) {
    pages.push(items.slice(at, at + (sizes[i % sizes.length] ?? 1)));
  }
  return pages;
}

/** By pattern, or by function: which number is wanted stands in the body. */
const filters = fc.constantFrom(
  { data: { wanted: [true] } },
  (record: { json<T>(): T }) => record.json<{ readonly wanted: boolean }>().wanted,
);

/** Each wanted record alone, or several in one call, or several calls. */
const delivery = fc.constantFrom(
  { batch: { size: 1 } },
  { batch: { size: 3 } },
  { batch: { size: 1 }, concurrency: { perShard: 3, order: "none" as const } },
);

interface Case {
  readonly wanted: readonly boolean[];
  readonly pageSizes: readonly number[];
}

const recordsOf = ({ wanted }: Case) =>
  wanted.map((isWanted, i) =>
    keyed(i + 1, `key-${i % 3}`, { data: new TextEncoder().encode(`{"wanted":${isWanted}}`) })
  );

Deno.test("policyDeliveries() stores the last record, filtered or not, when all wanted ones are done", async () => {
  await fc.assert(
    fc.asyncProperty(
      stream,
      filters,
      delivery,
      fc.constantFrom("own" as const, "auto" as const),
      async (one, filter, options, checkpoints) => {
        const bed = startPolicy({ filter, ...options }, () => {}, { checkpoints });
        bed.retrieval.feed(...pagesOf(recordsOf(one), one.pageSizes).map((page) => pageOf(page)));
        await bed.clock.advance(15_000);
        assertEquals(bed.held.lease.checkpoint.sequenceNumber, String(one.wanted.length));
        assertEquals(
          bed.calls.flatMap((call) => call.split("+").map(Number)).toSorted((a, b) => a - b),
          one.wanted.flatMap((isWanted, i) => isWanted ? [i + 1] : []),
        );
        bed.held.lose();
        await bed.end;
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("policyDeliveries() stores nothing beyond the first record that a silent processor got", async () => {
  await fc.assert(
    fc.asyncProperty(stream, filters, delivery, async (one, filter, options) => {
      const bed = startPolicy({ filter, ...options }, () => {}, { checkpoints: "none" });
      bed.retrieval.feed(...pagesOf(recordsOf(one), one.pageSizes).map((page) => pageOf(page)));
      await bed.clock.advance(15_000);
      const first = one.wanted.indexOf(true);
      const passed = first < 0 ? one.wanted.length : first;
      const stored = bed.held.lease.checkpoint.sequenceNumber;
      assertEquals(stored, passed === 0 ? "TRIM_HORIZON" : String(passed));
      bed.held.lose();
      await bed.end;
    }),
    { numRuns: 100 },
  );
});

Deno.test("policyDeliveries() stores everything before a record that never succeeds, and nothing of it or behind it", async () => {
  await fc.assert(
    fc.asyncProperty(stream, filters, fc.nat(), async (one, filter, choice) => {
      const wanted = one.wanted.flatMap((isWanted, i) => isWanted ? [i + 1] : []);
      const poison = wanted[choice % Math.max(1, wanted.length)];
      fc.pre(poison !== undefined);
      const bed = startPolicy({ filter, batch: { size: 1 }, errors: {} }, ({ records }) => {
        if (records[0]?.sequenceNumber === String(poison)) throw new Error("never");
      });
      bed.retrieval.feed(...pagesOf(recordsOf(one), one.pageSizes).map((page) => pageOf(page)));
      await bed.clock.advance(15_000);
      const stored = bed.held.lease.checkpoint.sequenceNumber;
      assertEquals(stored, poison === 1 ? "TRIM_HORIZON" : String((poison ?? 1) - 1));
      bed.held.lose();
      await bed.end;
    }),
    { numRuns: 100 },
  );
});

Deno.test("policyDeliveries() ends a shard whose last records are filtered, or all of them", async () => {
  await fc.assert(
    fc.asyncProperty(stream, filters, delivery, async (one, filter, options) => {
      const bed = startPolicy({ filter, ...options });
      const pages = pagesOf(recordsOf(one), one.pageSizes);
      const last = pages.pop() ?? [];
      bed.retrieval.feed(...pages.map((page) => pageOf(page)), pageOf(last, []));
      await bed.clock.advance(1_000);
      assertEquals(await bed.end, "completed");
      assertEquals(bed.held.stored.at(-1), SHARD_END);
    }),
    { numRuns: 100 },
  );
});
