/** `sqlSink()` with the other features that touch records: each record is in the results once, or given up. */

import { assertEquals } from "@std/assert";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { deliveriesOf, MemorySink } from "../support/policy_bed.ts";
import { type OwnerOptions, pass, SqlShard } from "../support/sql_bed.ts";

const LETTERS = "letters" as unknown as "skip";

/** One owner of the shard with these options. @returns how it ended, and what is where. */
async function owned(shard: SqlShard, options: ProcessingOptions, more: OwnerOptions = {}) {
  const sink = new MemorySink();
  const startDelivery = deliveriesOf(options, sink)(new ByteBudget(1_000_000));
  const bed = shard.own({ startDelivery, ...more });
  const end = await pass(bed);
  const [row] = shard.database.positions.values();
  const { results } = shard.database;
  return { end, results: results.join(""), letters: sink.numbers.join(""), row: row?.sequence_number, bed };
}

/** Fails for this record. */
function failingAt(bad: string): Pick<OwnerOptions, "work"> {
  return {
    work(records, tx) {
      for (const { sequenceNumber } of records) {
        tx.put(sequenceNumber);
        if (sequenceNumber === bad) throw new Error("it is bad");
      }
    },
  };
}

for (const split of ["bisect", "none"] as const) {
  Deno.test(`sqlSink() with errors and split ${split} keeps what succeeds once, and gives up the rest`, async () => {
    const errors = { retry: { attempts: 2 }, split, onExhausted: LETTERS };
    const { end, results, letters, row } = await owned(new SqlShard(), { errors }, failingAt("4"));
    const expected = split === "bisect" ? ["1235", "4"] : ["12", "3+4+5"];
    assertEquals([end, results, letters, row], ["completed", ...expected, split === "bisect" ? "5" : "2"]);
  });
}

Deno.test("sqlSink() with filter stores the others once, also when it begins again behind dropped records", async () => {
  const shard = new SqlShard();
  const filter = ({ sequenceNumber }: { readonly sequenceNumber: string }) => Number(sequenceNumber) <= 2;
  const first = await owned(shard, { filter });
  assertEquals([first.end, first.results, first.row], ["completed", "12", "2"]);
  assertEquals(shard.checkpoint.sequenceNumber, "SHARD_END");
  shard.checkpoint = { sequenceNumber: "4", subSequenceNumber: 0 };
  const again = await owned(shard, { filter });
  assertEquals([again.end, again.results], ["completed", "12"]);
  assertEquals(eventsOf(again.bed.events, "notice").map(({ level }) => level), ["warning"]);
});

Deno.test("sqlSink() with batch makes one transaction of several pages", async () => {
  const shard = new SqlShard();
  const calls: number[] = [];
  const { end, results } = await owned(shard, { batch: { size: 4, windowMs: 1000 } }, {
    work(records, tx) {
      calls.push(records.length);
      for (const { sequenceNumber } of records) tx.put(sequenceNumber);
    },
  });
  assertEquals([end, results, calls], ["completed", "12345", [4, 1]]);
});
