import { assertEquals } from "@std/assert";
import { deadLetter, park } from "../../src/failures/mod.ts";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { eventsOf, pageOf } from "../support/consumer_bed.ts";
import { keyed, MemorySink, type PolicyBed, startPolicy } from "../support/policy_bed.ts";

/** Longer than any record of these tests is old. */
const LONG_MS = 1e15;

/** A policy that parks at once and tries again every ten seconds. */
function parking(more: Partial<Parameters<typeof park>[0]> = {}, perShard = 2): ProcessingOptions {
  return {
    concurrency: { perShard, order: "key" },
    batch: { size: 4 },
    errors: {
      retry: { delay: () => 10_000, maxAgeMs: LONG_MS },
      onExhausted: park({ then: "skip", ...more }),
    },
  };
}

/** Records by their keys: "aab" are 1 and 2 of key a, 3 of key b. */
function recordsOf(keys: string, arrivedMs = 0, from = 1) {
  return [...keys].map((key, index) =>
    keyed(from + index, key, { approximateArrivalTimestamp: arrivedMs, data: new Uint8Array(10) })
  );
}

/** A processor for which a key is down while it is in the set. */
function downWhile(down: Set<string>, options: ProcessingOptions, checkpoints: "auto" | "own" = "auto") {
  const done: string[] = [];
  const bed = startPolicy(options, ({ records }) => {
    const bad = records.find(({ partitionKey }) => down.has(partitionKey));
    if (bad !== undefined) throw new Error(`${bad.partitionKey} is down`);
    done.push(...records.map(({ sequenceNumber }) => sequenceNumber));
  }, { checkpoints });
  return { ...bed, done };
}

async function lose(bed: PolicyBed): Promise<void> {
  bed.held.lose();
  await bed.end;
}

Deno.test("policyDeliveries() parks the key that fails: its records wait in order, others go on", async () => {
  for (const perShard of [1, 2]) {
    const down = new Set(["a"]);
    const bed = downWhile(down, parking({}, perShard));
    bed.retrieval.feed(pageOf(recordsOf("abacab")));
    bed.retrieval.feed(pageOf(recordsOf("abdd", 0, 7)));
    // The first batch has a good key too, which is tried by itself ten seconds later.
    await bed.clock.advance(15_000);
    assertEquals(bed.done.filter((number) => !["2", "6", "8"].includes(number)).toSorted(), ["10", "4", "9"]);
    assertEquals(bed.done.filter((number) => ["2", "6", "8"].includes(number)), ["2", "6", "8"]);
    assertEquals(bed.held.lease.checkpoint, positionAt("TRIM_HORIZON"), "a parked record holds it");
    down.clear();
    await bed.clock.advance(30_000);
    assertEquals(bed.done.filter((number) => ["1", "3", "5", "7"].includes(number)), ["1", "3", "5", "7"]);
    assertEquals(bed.held.lease.checkpoint, positionAt("10"));
    assertEquals([...bed.done].length, 10);
    const [failed] = eventsOf(bed.events, "batchFailed");
    assertEquals(failed?.outcome, "parked");
    await lose(bed);
  }
});

Deno.test("policyDeliveries() tries a record as often as the policy says before its key is parked", async () => {
  const options = parking();
  const bed = downWhile(new Set(["a"]), {
    ...options,
    batch: { size: 1 },
    errors: { ...options.errors, retry: { ...options.errors?.retry, attempts: 2 } },
  });
  bed.retrieval.feed(pageOf(recordsOf("ab")));
  await bed.clock.advance(25_000);
  assertEquals(eventsOf(bed.events, "batchFailed").map(({ outcome }) => outcome), [
    "retrying",
    "retrying",
    "parked",
  ]);
  await lose(bed);
});

Deno.test("policyDeliveries() gives parked records up in order when they are too old, each by itself", async () => {
  const sink = new MemorySink();
  const options = parking({ then: deadLetter(sink) });
  const bed = downWhile(new Set(["a"]), {
    ...options,
    errors: { ...options.errors, retry: { ...options.errors?.retry, maxAgeMs: 60_000 } },
  });
  bed.retrieval.feed(pageOf(recordsOf("aab", bed.clock.epochMs())));
  bed.retrieval.feed(pageOf(recordsOf("a", bed.clock.epochMs() + 30_000, 4)));
  await bed.clock.advance(85_000);
  assertEquals(sink.numbers, ["1", "2"]);
  assertEquals(bed.held.lease.checkpoint, positionAt("3"));
  await bed.clock.advance(30_000);
  assertEquals(sink.numbers, ["1", "2", "4"]);
  assertEquals(sink.letters.map(({ condition }) => condition), Array(3).fill("RecordAgeExceeded"));
  assertEquals(bed.held.lease.checkpoint, positionAt("4"));
  await lose(bed);
});

Deno.test("policyDeliveries() takes no more of the shard while as much is parked as may be, in records or bytes", async () => {
  for (const limits of [{ records: 3 }, { bytes: 30 }]) {
    const down = new Set(["a"]);
    const bed = downWhile(down, parking(limits));
    bed.retrieval.feed(pageOf(recordsOf("aaab")));
    await bed.clock.advance(1000);
    bed.retrieval.feed(pageOf(recordsOf("c", 0, 5)));
    bed.retrieval.feed(pageOf(recordsOf("d", 0, 6)));
    await bed.clock.advance(14_000);
    assertEquals(bed.done, ["5", "4"], "one page was taken, the next one waits");
    down.clear();
    await bed.clock.advance(15_000);
    assertEquals(bed.done.toSorted(), ["1", "2", "3", "4", "5", "6"]);
    assertEquals(bed.held.lease.checkpoint, positionAt("6"));
    await lose(bed);
  }
});

Deno.test("policyDeliveries() ends a shard only when nothing is parked any more", async () => {
  const down = new Set(["a"]);
  const bed = downWhile(down, parking());
  bed.retrieval.feed(pageOf(recordsOf("ab"), []));
  await bed.clock.advance(15_000);
  assertEquals(bed.held.lease.checkpoint, positionAt("TRIM_HORIZON"));
  down.clear();
  await bed.clock.advance(15_000);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.lease.checkpoint.sequenceNumber, "SHARD_END");
});

Deno.test("policyDeliveries() leaves parked records to the next owner, and what is finished not", async () => {
  const bed = downWhile(new Set(["a"]), parking());
  bed.retrieval.feed(pageOf(recordsOf("abcadb")));
  await bed.clock.advance(15_000);
  bed.held.draining.abort(new Error("another worker shall have it"));
  await bed.clock.advance(1000);
  assertEquals(await bed.end, "drained");
  const next = startPolicy({ errors: {} }, () => {}, { lease: bed.held.lease });
  next.retrieval.feed(pageOf(recordsOf("abcadb")));
  await next.settle();
  assertEquals(next.calls, ["1+4"]);
  await lose(next);
});

Deno.test("policyDeliveries() ends a shard only when a call for an empty read has returned", async () => {
  let release = () => {};
  const bed = startPolicy(
    { batch: {} },
    ({ records }) => records.length > 0 ? undefined : new Promise<void>((resolve) => release = resolve),
    { callProcessRecordsEvenForEmptyRecordList: true, checkpoints: "auto" },
  );
  bed.retrieval.feed(pageOf([]));
  bed.retrieval.feed(pageOf([], []));
  await bed.clock.advance(1000);
  assertEquals(eventsOf(bed.events, "shardEndReached"), []);
  release();
  await bed.clock.advance(1000);
  assertEquals(await bed.end, "completed");
});
