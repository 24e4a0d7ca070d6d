/**
 * One poison record in a stream of 100,000: what it costs.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { deadLetter } from "../../src/failures/mod.ts";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { pageOf } from "../support/consumer_bed.ts";
import { keyed, MemorySink, startPolicy } from "../support/policy_bed.ts";

const RECORDS = 100_000, PAGE = 1000, POISON = "54321";

/** Runs the stream. @returns how often each record was handled, by sequence number. */
async function run(options: ProcessingOptions, isPartial: boolean) {
  const sink = new MemorySink();
  const handled = new Uint32Array(RECORDS + 1);
  const bed = startPolicy({
    ...options,
    errors: { ...options.errors, retry: { attempts: 2, delay: () => 0 }, onExhausted: deadLetter(sink) },
  }, ({ records }) => {
    for (const { sequenceNumber } of records) {
      handled[Number(sequenceNumber)]!++;
      if (sequenceNumber !== POISON) continue;
      if (!isPartial) throw new Error("poison");
      return { batchItemFailures: [{ itemIdentifier: sequenceNumber }] };
    }
  }, { checkpoints: "auto", sink });
  for (let from = 1; from <= RECORDS; from += PAGE) {
    bed.retrieval.feed(
      pageOf(Array.from({ length: PAGE }, (_, index) => keyed(from + index, `key-${index}`))),
    );
  }
  for (let turn = 0; turn < 100 && bed.held.lease.checkpoint.sequenceNumber !== `${RECORDS}`; turn++) {
    await bed.clock.advance(1000);
  }
  assertEquals(bed.held.lease.checkpoint, positionAt(`${RECORDS}`));
  bed.held.lose();
  await bed.end;
  return { sink, handled };
}

const lanes = { concurrency: { perShard: 10 }, batch: { size: 100 } } as const;

Deno.test("a poison record among 100,000 costs one dead letter and no repetition where answers are partial", async () => {
  for (const options of [{}, lanes]) {
    const { sink, handled } = await run({ ...options, errors: { partial: true, split: "bisect" } }, true);
    assertEquals(sink.numbers, [POISON]);
    const repeated = [...handled.entries()].filter(([, times]) => times > 1).map(([number]) => number);
    assertEquals([handled[Number(POISON)]! > 1, repeated], [true, [Number(POISON)]]);
    assertEquals(handled.filter((times) => times === 0).length, 1, "there is no record 0");
  }
});

Deno.test("a poison record among 100,000 costs one dead letter, and bisecting repeats only its own batch", async () => {
  const { sink, handled } = await run({ ...lanes, errors: { split: "bisect" } }, false);
  assertEquals(sink.numbers, [POISON]);
  const repeated = handled.filter((times) => times > 1).length;
  assertEquals(repeated >= 1 && repeated <= 100, true, `${repeated} were repeated`);
  // Seven halvings of 100 records, and three calls with the one that is left.
  assertEquals(Math.max(...handled) <= 10, true, `one was handled ${Math.max(...handled)} times`);
  assertEquals(handled.filter((times) => times === 0).length, 1);
});
