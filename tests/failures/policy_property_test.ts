/** Any pattern of failures, under any policy: what must hold whatever happens. */

import { assert, assertEquals } from "@std/assert";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { compare, type ExtendedSequenceNumber, positionAt } from "../../src/stream/sequence_number.ts";
import { pageOf } from "../support/consumer_bed.ts";
import fc from "../support/fast_check.ts";
import { keyed, startPolicy } from "../support/policy_bed.ts";
import { seeded } from "../support/seed.ts";

interface World {
  readonly records: number;
  readonly pages: number;
  readonly keys: number;
  readonly poison: readonly number[];
  /** How often each of these fails first. */
  readonly flaky: readonly number[];
  readonly attempts: number;
  readonly split: "none" | "bisect";
  readonly mode: "throws" | "answers";
  readonly perShard: number;
  readonly order: "key" | "none";
  readonly size: number;
  readonly filtered: number;
  readonly checkpoints: "own" | "auto";
  readonly sinkFailures: number;
  /** How many turns each call takes. */
  readonly slow: number;
}

const WORLDS: fc.Arbitrary<World> = fc.record({
  records: fc.integer({ min: 1, max: 40 }),
  pages: fc.integer({ min: 1, max: 5 }),
  keys: fc.integer({ min: 1, max: 6 }),
  poison: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
  flaky: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 40, maxLength: 40 }),
  attempts: fc.integer({ min: 0, max: 3 }),
  split: fc.constantFrom("none" as const, "bisect" as const),
  mode: fc.constantFrom("throws" as const, "answers" as const),
  perShard: fc.integer({ min: 1, max: 6 }),
  order: fc.constantFrom("key" as const, "none" as const),
  size: fc.integer({ min: 1, max: 12 }),
  filtered: fc.integer({ min: 2, max: 9 }),
  checkpoints: fc.constantFrom("own" as const, "auto" as const),
  sinkFailures: fc.integer({ min: 0, max: 3 }),
  slow: fc.integer({ min: 0, max: 5 }),
});

async function run(world: World): Promise<void> {
  const options: ProcessingOptions = {
    errors: {
      retry: { attempts: world.attempts, delay: () => 10 },
      split: world.split,
      partial: world.mode === "answers",
      onExhausted: "letters" as unknown as "skip",
    },
    batch: { size: world.size },
    concurrency: world.perShard === 1 ? { perShard: 1 } : { perShard: world.perShard, order: world.order },
    filter: ({ sequenceNumber }) => Number(sequenceNumber) % 10 !== world.filtered,
  };
  const succeeded: number[] = [];
  const open = new Set<string>();
  const left = new Map(world.flaky.map((times, i) => [i + 1, times]));
  const isOrdered = world.perShard === 1 || world.order === "key";
  const bed = startPolicy(options, async ({ records }) => {
    const numbers = records.map(({ sequenceNumber }) => Number(sequenceNumber));
    const keys = new Set(records.map(({ partitionKey }) => partitionKey));
    if (isOrdered) { for (const key of keys) assert(!open.has(key), `${key} is in two calls`); }
    for (const key of keys) open.add(key);
    await bed.clock.sleep(world.slow * (numbers[0] ?? 0) % 7);
    for (const key of keys) open.delete(key);
    const failed = numbers.filter((number) => {
      const times = left.get(number) ?? 0;
      left.set(number, times - 1);
      return times > 0 || world.poison.includes(number);
    });
    if (failed.length > 0 && world.mode === "throws") throw new Error(`${failed}`);
    const lowest = failed.length === 0 ? Infinity : Math.min(...failed);
    succeeded.push(...numbers.filter((number) => number < lowest));
    return { batchItemFailures: failed.map((number) => ({ itemIdentifier: `${number}` })) };
  }, { checkpoints: world.checkpoints });
  bed.sink.failure = () => {
    if (failures-- > 0) return new Error("down");
    bed.sink.failure = undefined;
    return new Error("down once more");
  };
  let failures = world.sinkFailures;

  // The checkpoint never passes what is unfinished.
  const finished = () =>
    new Set([
      ...succeeded,
      ...bed.sink.letters.flatMap(({ records }) =>
        records.map(({ sequenceNumber }) => Number(sequenceNumber))
      ),
    ]);
  const wanted = Array.from({ length: world.records }, (_, i) => i + 1).filter((n) =>
    n % 10 !== world.filtered
  );
  const store = bed.held.checkpoint.bind(bed.held);
  bed.held.checkpoint = async (at: ExtendedSequenceNumber) => {
    const done = finished();
    for (const number of wanted) {
      assert(
        compare(positionAt(`${number}`), at) > 0 || done.has(number),
        `checkpoint ${at.sequenceNumber} passes ${number}`,
      );
    }
    await store(at);
  };

  const all = Array.from({ length: world.records }, (_, i) => keyed(i + 1, `k${(i * 7) % world.keys}`));
  const pageSize = Math.ceil(world.records / world.pages);
  for (let from = 0; from < all.length; from += pageSize) {
    bed.retrieval.feed(pageOf(all.slice(from, from + pageSize)));
  }
  // Many turns, for worlds in which nobody sleeps.
  for (let turns = 0; turns < 60 && finished().size < wanted.length; turns++) await bed.clock.advance(1000);
  await bed.clock.advance(60_000);
  assertEquals([...finished()].toSorted((a, b) => a - b), wanted, "every record ends processed or given up");
  const letters = bed.sink.letters.flatMap(({ records }) =>
    records.map(({ sequenceNumber }) => Number(sequenceNumber))
  );
  assertEquals(letters.length, new Set(letters).size, "no record is given up twice");
  assertEquals(bed.held.stored.at(-1)?.sequenceNumber, `${world.records}`, "the checkpoint reaches the end");
  if (isOrdered) {
    const firsts = [...new Set(succeeded)];
    for (let key = 0; key < world.keys; key++) {
      const ofKey = firsts.filter((number) => ((number - 1) * 7) % world.keys === key);
      assertEquals(ofKey, ofKey.toSorted((a, b) => a - b), "first successes of a key come in order");
    }
  }
  if (world.split === "bisect" && world.mode === "throws" && world.attempts === 3) {
    assertEquals(
      letters.filter((number) => !world.poison.includes(number)),
      [],
      "bisecting gives up the bad ones alone",
    );
  }
  assertEquals(bed.budget.used, 0);
  bed.held.lose();
  await bed.end;
}

Deno.test("policyDeliveries() finishes each record once, in order of its key, whatever fails", async () => {
  await fc.assert(fc.asyncProperty(WORLDS, run), { ...seeded(), numRuns: 60 });
});
