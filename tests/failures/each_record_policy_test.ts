/** `eachRecord()` with the option `errors`: the policy is about the record that failed, and about no other. */

import { assertEquals } from "@std/assert";
import { workerBatches } from "../../src/consumer/batch_loop.ts";
import { eachRecord } from "../../src/consumer/each_record.ts";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import {
  type ConsumerBed,
  eventsOf,
  NotingProcessor,
  pageOf,
  startConsumer,
} from "../support/consumer_bed.ts";
import { deliveriesOf, keyed, MemorySink } from "../support/policy_bed.ts";

const LETTERS = "letters" as unknown as "skip";

interface Bed extends ConsumerBed {
  readonly seen: number[];
  readonly sink: MemorySink;
}

function start(options: ProcessingOptions, handle: (n: number, bed: Bed) => unknown): Bed {
  const seen: number[] = [];
  const sink = new MemorySink();
  const bed: Bed = {
    ...startConsumer(new NotingProcessor(), {
      processor: eachRecord((record) => {
        const n = Number(record.sequenceNumber);
        seen.push(n);
        return handle(n, bed);
      }),
      startDelivery: deliveriesOf(options, sink)(new ByteBudget(268_435_456)),
    }),
    seen,
    sink,
  };
  return bed;
}

const records = (...numbers: readonly number[]) => numbers.map((n) => keyed(n, "key"));
const storedOf = (bed: Bed) => bed.held.stored.map(({ sequenceNumber }) => sequenceNumber);

/** Fails for these numbers. */
const failing = (...numbers: readonly number[]) => (n: number) => {
  if (numbers.includes(n)) throw new Error(`no ${n}`);
};

for (const split of ["none", "bisect"] as const) {
  Deno.test(`eachRecord() with errors and split ${split} makes one dead letter of one bad record, and repeats no other`, async () => {
    const options = { errors: { retry: { attempts: 2 }, split, onExhausted: LETTERS } };
    const bed = start(options, failing(3));
    bed.retrieval.feed(pageOf(records(1, 2, 3, 4, 5)));
    await bed.clock.advance(10_000);
    assertEquals(bed.seen, [1, 2, 3, 3, 3, 4, 5]);
    assertEquals(bed.sink.numbers, ["3"]);
    assertEquals(bed.sink.letters.map(({ attempts, error }) => [attempts, (error as Error).message]), [
      [3, "no 3"],
    ]);
    assertEquals(storedOf(bed).at(-1), "5");
    bed.held.lose();
    await bed.end;
  });
}

Deno.test("eachRecord() with errors reports the one record that failed, and its own error", async () => {
  const bed = start({ errors: { retry: { attempts: 1 }, onExhausted: "skip" } }, failing(1, 3));
  bed.retrieval.feed(pageOf(records(1, 2, 3)));
  await bed.clock.advance(10_000);
  assertEquals(bed.seen, [1, 1, 2, 3, 3]);
  const failures = eventsOf(bed.events, "batchFailed").map(({ records, first, last, outcome, error }) =>
    `${records}: ${first.sequenceNumber}-${last.sequenceNumber} ${outcome} ${(error as Error).message}`
  );
  assertEquals(failures, [
    "1: 1-1 retrying no 1",
    "1: 1-1 givenUp no 1",
    "1: 3-3 retrying no 3",
    "1: 3-3 givenUp no 3",
  ]);
  bed.held.lose();
  await bed.end;
});

Deno.test("eachRecord() with filter and batch and no errors skips only the record that failed", async () => {
  const filter = (record: { readonly sequenceNumber: string }) => record.sequenceNumber !== "2";
  const bed = start({ filter, batch: { size: 10 } }, failing(3));
  bed.retrieval.feed(pageOf(records(1, 2, 3, 4), []));
  await bed.clock.advance(10_000);
  assertEquals(bed.seen, [1, 3, 4]);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.stored.at(-1), SHARD_END);
});

Deno.test("eachRecord() with errors stops between two records when the shard is to be left, and stores what is done", async () => {
  const bed = start({ errors: { retry: { attempts: 3 } } }, (n, { held }) => {
    if (n === 2) held.draining.abort();
  });
  bed.retrieval.feed(pageOf(records(1, 2, 3, 4)));
  assertEquals(await bed.end, "drained");
  assertEquals(bed.seen, [1, 2]);
  assertEquals(bed.held.stored, [positionAt("2")]);
  assertEquals(eventsOf(bed.events, "batchFailed"), []);
});

Deno.test("eachRecord() with stop gives the shard up at the record that failed; those before it are stored", async () => {
  const bed = start({ errors: { retry: { attempts: 0 } } }, failing(3));
  bed.retrieval.feed(pageOf(records(1, 2, 3, 4)));
  await bed.clock.advance(1_000);
  assertEquals({ seen: bed.seen, stored: storedOf(bed) }, { seen: [1, 2, 3], stored: ["2"] });
  assertEquals(
    eventsOf(bed.events, "shardStopped").map(({ records, first }) => [records, first.sequenceNumber]),
    [[1, "3"]],
  );
  bed.held.lose();
  await bed.end;
});

Deno.test("eachRecord() with several calls at a time gives up one record of one key", async () => {
  const options = {
    errors: { retry: { attempts: 1 }, onExhausted: LETTERS },
    concurrency: { perShard: 3 },
    batch: { size: 2 },
  };
  const bed = start(options, failing(4));
  bed.retrieval.feed(pageOf([1, 2, 3, 4, 5, 6, 7, 8].map((n) => keyed(n, `key-${n % 2}`))));
  await bed.clock.advance(10_000);
  assertEquals(bed.sink.numbers, ["4"]);
  assertEquals(bed.seen.toSorted(), [1, 2, 3, 4, 4, 5, 6, 7, 8]);
  assertEquals(storedOf(bed).at(-1), "8");
  bed.held.lose();
  await bed.end;
});

Deno.test("workerBatches() with errors makes a dead letter of a batch that is never done, and goes on behind it", async () => {
  const sink = new MemorySink();
  const options = { errors: { retry: { attempts: 1 }, onExhausted: LETTERS } };
  const beds: ConsumerBed[] = [];
  const loop = workerBatches(async (processor, signal) => {
    const startDelivery = deliveriesOf(options, sink)(new ByteBudget(268_435_456));
    const bed = startConsumer(new NotingProcessor(), { processor, startDelivery });
    beds.push(bed);
    bed.retrieval.feed(pageOf(records(1, 2)), pageOf(records(3)));
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    bed.held.draining.abort();
    await bed.end;
  }, undefined);
  const seen: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const next = loop.next();
    await beds[0]?.clock.advance(1_000);
    const { value } = await next;
    seen.push(value?.records.map(({ sequenceNumber }) => sequenceNumber).join("+") ?? "");
    if (turn === 2) await value?.done();
  }
  assertEquals(seen, ["1+2", "1+2", "3"]);
  assertEquals(sink.numbers, ["1+2"]);
  await loop.return();
  assertEquals(beds[0]?.held.stored.at(-1), positionAt("3"));
});
